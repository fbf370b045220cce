"""What some random rules get on top: rules that derive events for them, profiles that they read."""
from rules import (Absent, Count, Ev, Measure, Profile, Step, number, sources_of, tests_of)
from shape import ends_optional

NAMES = ('P', 'Q', 'R')


def single(items):
    """Names of steps that are bound to one event in every match."""
    return [i.part.alias for i in items if isinstance(i, Step) and isinstance(i.part, Ev) and
            i.part.alias and not i.optional]


def counted(items):
    return [i.part.ev.alias for i in items if isinstance(i, Step) and isinstance(i.part, Count) and
            i.part.ev.alias and not i.optional]


def value_of(rule, rng):
    one, many = single(rule.items), counted(rule.items)
    if many and rng.random() < 0.6:
        fn = rng.choice(('count', 'sum', 'max'))
        names = (rng.choice(many),) + (() if fn == 'count' else ('v',))
        return ('call', fn, (('path', names),), None)
    if one and rng.random() < 0.8:
        return ('path', (rng.choice(one), 'v'))
    return ('lit', rng.randint(0, 3))


def producer(maker, rng, keys, name, rule_name):
    """A rule of few steps that derives `name`; keys: (keyed, by two)."""
    maker.left, maker.deep, maker.names = rng.choice((1, 1, 2, 2, 3)), False, 0
    rule = maker.rule()
    rule.name, rule.derives, rule.quiet, rule.quiet_per = rule_name, name, None, ()
    rule.keyed, rule.second_key = keys
    rule.timeout = rule.head is not None and rng.random() < 0.3
    rule.value = ('lit', 2) if rule.timeout else value_of(rule, rng)
    if not rule.timeout and rng.random() < 0.25 and isinstance(rule.items[-1], Step):
        rule.items.append(Absent(Ev(rng.choice(maker.types)), dur=rng.randint(1, 4)))
        if rule.head is not None:
            rule.head += 4
    if ends_optional(rule.items):
        rule.policy = 'no skip'
    return number(rule)


def rewrite(rule, name, rng, types):
    """Some tests of the rule ask for the derived event instead."""
    tests = [ev for ev in sources_of(rule) if ev.src in types]
    if not tests:
        return False
    steps = [ev for ev, role in tests_of(rule.items) if role == 'step' and ev.src in types]
    chosen = [ev for ev in tests if rng.random() < 0.15] or [rng.choice(steps or tests)]
    for ev in chosen:
        ev.src = name
        ev.where = ev.where if rng.random() < 0.5 else None
    return True


def add_derived(file, maker, rng):
    main = file.rules[0]
    keys = main.keyed or rng.random() < 0.8, main.second_key
    types = tuple(file.events)
    rules = []
    names = rng.sample(('m', 'pa', 'pb', 'z'), 3)
    wanted = rng.choice((1, 1, 1, 2, 2))
    if not rewrite(main, NAMES[0], rng, types):
        return
    twin = file.rules[1:]
    for k in range(wanted):
        rules.append(producer(maker, rng, keys, NAMES[k], names[k]))
    if wanted == 2 and (rng.random() < 0.5 or not rewrite(main, NAMES[1], rng, types)):
        if not rewrite(rules[0], NAMES[1], rng, types):  # a chain of three
            rules.pop()
    if rng.random() < 0.12 and len(rules) == 1:
        other = producer(maker, rng, keys, NAMES[0], names[2])  # two rules, one event
        for r in (rules[0], other):
            r.value = ('lit', rng.randint(0, 3))
        rules.append(other)
    file.rules = [main] + twin + rules
    if file.disorder is not None:  # a history begins with what is read first, not with the earliest
        for lead in (lead for r in rules for lead in r.leading):
            lead.assume_quiet = True


# ---- profiles ------------------------------------------------------------------------------------

SIMPLE = ('count', 'sum', 'min', 'max', 'average', 'count_distinct', 'set')


def measure(rng, name):
    m = Measure(name, rng.choice(SIMPLE), None, 'v', rng.choice((2, 3, 5, 8, 12, 20)))
    if m.outer == 'count' and rng.random() < 0.7:
        m.arg = None
    if rng.random() < 0.35:
        m.every = rng.randint(1, m.over)
        if m.outer not in ('set', 'count_distinct') and rng.random() < 0.5:
            m.inner, m.outer = rng.choice((('sum', 'average'), ('count', 'max'), ('sum', 'max'),
                                           ('count', 'average'), ('max', 'sum'), ('sum', 'min')))
            m.arg = m.arg or ('v' if m.inner != 'count' else None)
    if m.outer == 'set' and rng.random() < 0.6:
        m.most = rng.randint(1, 3)
    if rng.random() < 0.3:
        m.warm = rng.randint(1, min(6, m.over))
    return m


def asks(m, rng):
    """A condition over a measure."""
    read, v = ('path', ('p', m.name)), ('path', ('v',))
    if rng.random() < 0.12 and (m.warm or m.outer not in ('count', 'sum')):
        return ('missing', rng.random() < 0.5, read)
    if m.outer == 'set':
        return ('in set', rng.random() < 0.5, v, read)
    op = rng.choice(('>', '>=', '<', '<=', '!=', '='))
    if rng.random() < 0.5:
        return ('cmp', op, v, read)
    return ('cmp', op, read, ('lit', rng.randint(0, 3)))


def steps_with_until(rule):
    return [i.part for i in rule.items if isinstance(i, Step) and isinstance(i.part, Count) and
            i.part.until is not None]


def add_profile(file, maker, rng):
    rule = file.rules[0]
    sure = [ev.src for ev in sources_of(rule)]
    src = rng.choice(sure if rng.random() < 0.7 or any(
        not l.assume_quiet for l in rule.leading) else maker.types)
    own = maker.own() if rng.random() < 0.3 else None
    measures = [measure(rng, 'm%d' % k) for k in range(rng.choice((1, 1, 2)))]
    profile = Profile('p', Ev(src, where=own), measures)
    tests = sources_of(rule)
    for ev in [ev for ev in tests if rng.random() < 0.2] or [rng.choice(tests)]:
        e = asks(rng.choice(measures), rng)
        ev.where = e if ev.where is None else (rng.choice(('and', 'or', 'or')), ev.where, e)
    for part in steps_with_until(rule):
        if rng.random() < 0.4:
            part.until = (rng.choice(('and', 'or')), part.until, asks(rng.choice(measures), rng))
    shown = [m for m in measures if m.outer not in ('average', 'set')]
    rule.emit = (('one', ('lit', 1)),) + tuple((m.name, ('path', ('p', m.name))) for m in shown)
    if len(file.rules) > 1 and not file.rules[1].derives:
        file.rules.pop(1)  # its twin asks for nothing
    file.profiles = [profile]


def add(file, maker, rng, without):
    """rng: of its own, so that rules that get nothing are the same as without this."""
    roll = rng.random()
    old = maker.rng
    maker.rng = rng
    maker.off |= {'let'}
    if roll < 0.05 and 'derived' not in without:
        add_derived(file, maker, rng)
    if 0.043 < roll < 0.095 and 'profile' not in without and file.rules[0].keyed:
        add_profile(file, maker, rng)
    maker.rng = old
    for rule in file.rules:
        number(rule)
