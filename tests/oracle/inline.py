"""A case as inline tests of its rules, for `fyke test`.

A test gives profiles instead of feeding them, so each measure gets a value here, for each key, or none;
the answers are those of the rules with these values in place of the measures. A derived event has no
`id`; the steps that may bind one show `at`.
"""
import copy
import datetime
import random
from fractions import Fraction

import oracle
import writer
from made_measures import in_order
from rules import File, Step, Times, events_of, key_of, profiles_read, sources_of, tests_of

ORIGIN = datetime.datetime(2000, 1, 3)


def name_all(rule):
    for ev, role in tests_of(rule.items):
        if role == 'step' and not ev.alias:
            ev.alias = 's%d' % ev.num


def repeated(items, inside=False):
    """Names that stand for several events."""
    for item in items:
        if not isinstance(item, Step):
            continue
        part = item.part
        for inner in getattr(part, 'parts', None) or [getattr(part, 'items', [])]:
            yield from repeated(inner, inside or isinstance(part, Times))
        ev = getattr(part, 'ev', part)
        if hasattr(ev, 'src') and (inside or ev is not part):
            yield ev.alias


# ---- values --------------------------------------------------------------------------------------

class Moment(int):
    """ms of event time"""


def w_value(x):
    if isinstance(x, list):
        return '[%s]' % ', '.join(map(w_value, x))
    if isinstance(x, Moment):
        return (ORIGIN + datetime.timedelta(milliseconds=x)).isoformat(timespec='milliseconds') + 'Z'
    if isinstance(x, tuple):  # ('dur', ms)
        return '%dms' % x[1]
    if isinstance(x, Fraction):
        return '%.2f' % float(x)
    return '"%s"' % x if isinstance(x, str) else str(x)


def w_event(e):
    fields = ' '.join('%s = %s' % (n, w_value(e[n])) for n in ('k', 'j', 'id', 'v') if n in e)
    return '    at %dms %s { %s }\n' % (e['at'], e['topic'].upper(), fields)


# ---- given profiles ------------------------------------------------------------------------------

def given_value(m, rng):
    if rng.random() < 0.2:
        return None
    number = rng.randint(0, 3)
    return {'int': number, 'decimal': Fraction(rng.choice((2 * number, 2 * number + 1)), 2),
            'duration': ('dur', number), 'list': rng.sample(range(4), rng.choice((1, 2, 3)))}[m.kind]


def given_for(file, events, rng):
    """{key: {(profile, measure): value}}; a profile of a key has at least one measure."""
    out = {}
    keyed = next(r for r in file.rules if r.keyed)
    for key in sorted({key_of(keyed, e) for e in events} - {None}):
        values = out[key] = {}
        for p in file.profiles:
            some = {(p.name, m.name): given_value(m, rng) for m in p.measures}
            values.update({n: x for n, x in some.items() if x is not None} or
                          {(p.name, p.measures[0].name): None})
    return out


def w_given(profiles, given):
    out = ''
    for key, values in given.items():
        for p in profiles:
            body = '  '.join('%s = %s' % (n[1], w_value(x)) for n, x in values.items()
                             if n[0] == p.name and x is not None)
            out += '    given profile %s for %s { %s }\n' % (p.name, ', '.join(map(w_value, key)), body)
    return out


def frozen(e, names, values):
    """An expression with the values of its key in place of measures."""
    if not isinstance(e, tuple):
        return e
    if e[:1] == ('path',) and e[1][0] in names:
        x = values.get(e[1])
        return x if isinstance(x, tuple) else ('lit', x)
    return tuple(frozen(x, names, values) for x in e)


def parts_with_conditions(items):
    for item in items:
        part = getattr(item, 'part', None)
        yield part
        for inner in getattr(part, 'parts', None) or [getattr(part, 'items', [])]:
            yield from parts_with_conditions(inner)


def freeze(rule, names, values):
    rule = copy.deepcopy(rule)
    for ev in sources_of(rule):
        ev.where = frozen(ev.where, names, values)
    for part in parts_with_conditions(rule.items):
        for name in ('until', 'having'):
            if getattr(part, name, None):
                setattr(part, name, frozen(getattr(part, name), names, values))
    rule.value = frozen(rule.value, names, values)
    rule.more = frozen(rule.more, names, values)
    rule.emit = ()
    return rule


# ---- answers -------------------------------------------------------------------------------------

def as_alert(rule):
    """The rule with the same matches, which are told."""
    rule = copy.deepcopy(rule)
    rule.silent = rule.silent and rule.derives is not None
    rule.derives, rule.value, rule.more, rule.emit = None, None, (), ()
    return rule


def answers(file, rule, events, end, given):
    """(key or None, what the oracle says) for each key with values of its own."""
    behind = [r for r in file.rules if r.derives and r is not rule]
    rules = [as_alert(rule)] + behind
    if not given:
        yield None, oracle.evaluate(File(file.events, file.lets, rules), events, end)
        return
    names = {p.name for p in file.profiles}
    for key, values in given.items():
        mine = [e for e in events if key_of(next(r for r in file.rules if r.keyed), e) == key]
        yield key, oracle.evaluate(File(file.events, file.lets, [freeze(r, names, values)
                                                                for r in rules]), mine, end)


def readers_of_one_key(file, events):
    """Values are of a key: where keys meet, or a history begins with another one, there is one."""
    if file.profiles and not all(r.keyed and all(l.assume_quiet for l in r.leading)
                                 for r in file.rules):
        return [dict(e, k='k1', **({'j': 0} if any(r.second_key for r in file.rules) else {}))
                for e in events]
    return events


class Shown:
    """How the steps of a rule stand in what it emits."""

    def __init__(self, file, rule, events):
        self.rule = rule
        self.at = {e['id']: e['at'] for e in events}
        self.many = set(repeated(rule.items))
        steps = [ev for ev, role in tests_of(rule.items) if role == 'step']
        self.names = list(dict.fromkeys(ev.alias for ev in steps))
        self.derived = {ev.alias for ev in steps if file.producers(ev.src)}

    def body(self):
        what = ((n, n + ('.at' if n in self.derived else '.id')) for n in self.names)
        return '  '.join('e_%s = %s' % (n, 'collect(%s)' % path if n in self.many else path)
                         for n, path in what)

    def values(self, name, ids):
        if name not in self.derived:
            return ids
        return sorted(Moment(i.split('@')[1].split('#')[0] if isinstance(i, str) else self.at[i])
                      for i in ids)

    def fields(self, answer):
        shown = ((n, self.values(n, ids)) for n, ids in sorted(answer['steps'].items()))
        return ' '.join('e_%s = %s' % (n, w_value(ids if n in self.many else ids[0]))
                        for n, ids in shown)


def measures_shown(file, rule):
    """Of a rule that shows measures."""
    return [(p.name, m.name) for p in file.profiles for m in p.measures
            if ('path', (p.name, m.name)) in [e for _, e in rule.emit] and in_order(m)]


def w_expect(answer, fields):
    return '    expect at %dms 1 match { %s }\n' % (answer['at'], fields)


def w_timeout(answer, fields):
    return '    expect at %dms timeout at step %s { %s }\n' % (answer['at'], answer['step'], fields)


def tells_steps(file, rule):
    """May its derived event carry further fields?"""
    return (rule.derives and not rule.more and not rule.timeout and
            len(file.producers(rule.derives)) == 1)


def expectations(file, rule, shown, events, end, given):
    steps = not rule.derives or tells_steps(file, rule)
    text, silent = '', rule.silent and rule.derives
    for key, said in answers(file, rule, events, end, given):
        extra = ''.join(' %s = %s' % (n[1], w_value(given[key][n])) for n in measures_shown(file, rule)
                        if given[key].get(n) is not None) if key else ''
        for a in () if silent else said['expected']:
            text += w_expect(a, (shown.fields(a) if steps else '') + extra)
        for a in said.get('timeouts', ()):
            text += w_timeout(a, shown.fields(a) if not rule.derives else '')
    return text or '    expect no match\n'


def behind(file, rule):
    """The rule and those whose events it reads."""
    out, waiting = [], [rule]
    while waiting:
        r = waiting.pop()
        if r not in out:
            out.append(r)
            waiting += [p for ev in sources_of(r) + [q.source for q in profiles_read(file, r)]
                        for p in file.producers(ev.src)]
    return out


def rule_with_test(file, rule, events, watermark, given):
    """The end of an inline test decides what lies at its last moment, so it is one later here."""
    shown = Shown(file, rule, events)
    last = events[-1]['at'] if events else 0
    end = max(watermark, last + 1)
    read = [p for p in file.profiles if any(p in profiles_read(file, r) for r in behind(file, rule))]
    text = w_given(read, given) + ''.join(w_event(e) for e in events)
    if end - 1 > last:
        text += '    watermark %dms\n' % (end - 1)
    text += expectations(file, rule, shown, events, end, given)
    more = ''.join('  %s = %s.%s' % (n[1], *n) for n in measures_shown(file, rule))
    out = writer.w_rule(as_told(rule), ' { %s%s }' % (shown.body(), more),
                        '  test "as the oracle says" {\n%s  }\n' % text)
    if tells_steps(file, rule):
        out = out.replace('event %s { ' % rule.derives, 'event %s { %s  ' % (
            rule.derives, shown.body()))
    return out


def as_told(rule):
    """A test names matches, alerts or not."""
    rule = copy.deepcopy(rule)
    rule.emit = ()
    rule.silent = rule.silent and rule.derives is not None
    return rule


def test_of(case, file):
    file = copy.deepcopy(file)
    for rule in file.rules:
        name_all(rule)
    events = readers_of_one_key(file, case['events'])
    given = given_for(file, events, random.Random(case['name'])) if file.profiles else {}
    head = writer.write(file).split('rule ', 1)[0]
    return head + ''.join(rule_with_test(file, r, events, case['watermark'], given)
                          for r in file.rules)
