"""What some random rules get on top: rules that derive events for them, profiles that they read."""
import copy

import made_measures
from rules import Absent, Count, Ev, Profile, Rule, Step, number, sources_of, tests_of
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
    rule.silent = rule.timeout and rng.random() < 0.25
    if not rule.timeout and rng.random() < 0.2:
        rule.more = ((rng.choice((name, name, 'S')), value_of(rule, rng)),)
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


def ask_for_two(rule, names, rng):
    """Two tests of the rule, or one and a new step, ask for derived events."""
    if rng.random() < 0.6:
        a, b = (Step(Ev(name, 't%d' % k)) for k, name in enumerate(names))
        rule.items, rule.leading, rule.without = [a, b], [], []
        rule.quiet_per = rule.quiet_per and rule.quiet_per[:-1] + (('t0', 'v'),)
        rule.policy = rng.choice(('past last', 'past last', 'to next', 'no skip'))
        b.link.kind = rng.choice((None, None, 'next', 'first'))
        if rule.head is not None and rng.random() < 0.2:
            rule.items.insert(1, Absent(Ev(rng.choice('PQR'))))
        return
    tests = [ev for ev, role in tests_of(rule.items) if role == 'step']
    if len(tests) < 2:
        rule.items.append(Step(Ev('')))
        tests.append(rule.items[-1].part)
    for ev, name in zip(rng.sample(tests, 2), names):
        ev.src = name
        ev.where = ev.where if rng.random() < 0.2 else None


def plain(rule_name, name, ev, keys):
    """A rule of one step that derives `name`."""
    return number(Rule([Step(ev)], name=rule_name, derives=name, keyed=keys[0],
                       second_key=keys[1], value=('path', (ev.alias, 'v'))))


def tied(file, maker, rng, keys, names):
    """Rules that derive several events at one point, some of them from another."""
    if rng.random() < 0.4:
        near = producer(maker, rng, keys, 'P', names[0])
    else:
        own = maker.own() if rng.random() < 0.4 else None
        near = plain(names[0], 'P', Ev(rng.choice(maker.types), 'n1', own), keys)
    far = plain(names[1], 'Q', Ev('P', 'f1'), keys)
    if rng.random() < 0.3:
        other = producer(maker, rng, keys, 'Q', names[1])
        far = other if rewrite(other, 'P', rng, tuple(file.events)) else far
    near.more, out = (), [near, far]
    if rng.random() < 0.4 and not near.timeout:
        near.more = (('R', value_of(near, rng)),)
    else:
        twin = copy.deepcopy(near)
        twin.name, twin.derives = names[2], 'R'
        out.append(twin)
    read = rng.choice((('Q', 'R'), ('Q', 'R'), ('Q', 'P'), ('P', 'R'), ('Q', 'S'), ('Q', 'S')))
    if read == ('Q', 'S'):
        out.append(plain(names[3], 'S', Ev('R', 'g1'), keys))
    if len(out) > 2 and rng.random() < 0.3:  # deadlines of one time, of rules of two levels
        dur = rng.randint(1, 3)
        for rule in (far, out[2]):
            if rule.head is None:
                rule.items.append(Absent(Ev(rng.choice(maker.types)), dur=dur))
                number(rule)
        read = ('Q', 'R')
    ask_for_two(file.rules[0], rng.sample(read, 2), rng)
    return out


def add_derived(file, maker, rng):
    main = file.rules[0]
    keys = main.keyed or rng.random() < 0.8, main.second_key
    types = tuple(file.events)
    names = rng.sample(('m', 'pa', 'pb', 'z'), 4)
    if rng.random() < 0.35:
        file.rules = file.rules + tied(file, maker, rng, keys, names)
        assume_quiet(file)
        return
    rules = []
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
            r.value, r.more = ('lit', rng.randint(0, 3)), ()
        rules.append(other)
    file.rules = [main] + twin + rules
    assume_quiet(file)


def assume_quiet(file):
    if file.disorder is not None:  # a history begins with what is read first, not with the earliest
        for lead in (lead for r in file.rules for lead in r.leading):
            lead.assume_quiet = True


# ---- profiles ------------------------------------------------------------------------------------

def ends_early(rule):
    """Counted steps that have `until`, or could have."""
    parts = [i.part for i in rule.items if isinstance(i, Step) and isinstance(i.part, Count)]
    return [p for p in parts if p.until is not None or (
        p.having is None and p.adj != 'any' and p.hi != p.lo and p.ev.alias)]


def new_profile(rule, name, maker, rng):
    sure = [ev.src for ev in sources_of(rule)]
    src = rng.choice(sure if rng.random() < 0.7 or rule.derives or any(
        not l.assume_quiet for l in rule.leading) else maker.types)
    own = maker.own() if rng.random() < 0.3 else None
    measures = [made_measures.measure(rng, maker, 'm%d' % k, src)
                for k in range(rng.choice((1, 1, 2)))]
    return Profile(name, Ev(src, where=own), measures)


def ask_profile(rule, profile, rng):
    """Conditions of the rule read it; False: nothing but `until` does."""
    measures, tests = profile.measures, sources_of(rule)
    asks = lambda: made_measures.asks(profile.name, rng.choice(measures), rng)
    loops = [p for p in ends_early(rule) if rng.random() < 0.5]
    for part in loops:
        e = asks()
        part.until = e if part.until is None else (rng.choice(('and', 'or')), part.until, e)
    if loops and rng.random() < 0.6:
        return False
    for ev in [ev for ev in tests if rng.random() < 0.2] or [rng.choice(tests)]:
        e = asks()
        ev.where = e if ev.where is None else (rng.choice(('and', 'or', 'or', 'or')), ev.where, e)
    return True


def add_profile(file, maker, rng):
    rule = file.rules[0]
    profile = new_profile(rule, 'p', maker, rng)
    tested = ask_profile(rule, profile, rng)
    shown = [m for m in profile.measures if made_measures.in_order(m)]
    if tested or rng.random() < 0.4:
        rule.emit = (('one', ('lit', 1)),) + tuple((m.name, ('path', ('p', m.name))) for m in shown)
    if len(file.rules) > 1 and not file.rules[1].derives:
        file.rules.pop(1)  # its twin asks for nothing
    file.profiles = [profile]


def measure_producer(file, maker, rng):
    """A rule that derives reads a profile, of its own or that of the first rule."""
    rule = rng.choice([r for r in file.rules if r.derives])
    shared = file.profiles and file.profiles[0].source.src in file.events
    if shared and rng.random() < 0.4:
        profile = file.profiles[0]
        for lead in rule.leading:
            lead.assume_quiet = True
    else:
        profile = new_profile(rule, 'q', maker, rng)
        file.profiles = file.profiles + [profile]
    ask_profile(rule, profile, rng)
    ints = [m for m in profile.measures if m.kind == 'int']
    alone = len(file.producers(rule.derives)) == 1 and not rule.more
    if ints and alone and not rule.timeout and rng.random() < 0.5:
        rule.value = ('path', (profile.name, rng.choice(ints).name))


def add(file, maker, rng, without):
    """rng: of its own, so that rules that get nothing are the same as without this."""
    roll = rng.random()
    old = maker.rng
    maker.rng = rng
    maker.off |= {'let'}
    if roll < 0.06 and 'derived' not in without:
        add_derived(file, maker, rng)
    if 0.05 < roll < 0.115 and 'profile' not in without and file.rules[0].keyed:
        add_profile(file, maker, rng)
    if rng.random() < 0.5 and 'profile' not in without and any(
            r.derives and r.keyed for r in file.rules):
        measure_producer(file, maker, rng)
    main = file.rules[0]
    main.silent = main.timeout and not main.emit and rng.random() < 0.08
    maker.rng = old
    for rule in file.rules:
        number(rule)
