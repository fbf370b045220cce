"""What a run covered: constructs, pairs of them in one rule, and what the streams brought."""
import collections

from rules import Absent, Count, Ev, Group, Of, Step, Times, parts_of, tests_of, walk
from shape import uses

POLICIES = ('past last', 'to next', 'to first', 'to last', 'no skip')

# Constructs of the language, as they stand in a rule.
LANGUAGE = ('optional', 'count', 'row', 'anywhere', 'each', 'until', 'having', 'first', 'next',
            'gap', 'group', 'times', 'any of', 'all of', 'n of', 'with no', 'span', 'no', 'no for',
            'next no', 'leading', 'without', 'quiet', 'quiet per', 'let', 'alias twice', 'missing',
            'own aggregate', 'aggregate', 'binding', 'time', 'distinct', 'keyless',
            'second key', 'window', 'timeout', 'list', 'lookup', 'derived', 'profile') \
    + POLICIES

# What rules that derive events brought, and what measures were asked for.
DERIVED = ('derived by deadline', 'derived by timeout', 'derived in a chain',
           'several at one point', 'derived twice', 'derived by a profile', 'cause before name')
MEASURED = ('every', 'nested', 'max', 'warm', 'set', 'computed', 'where in a measure',
            'list measure', 'percentile', 'stddev', 'nth', 'first or last', 'gaps')

# What a stream brings, whatever the rule.
STREAM = ('tie', 'missing value', 'missing key', 'keys', 'disorder', 'interleaved', 'border',
          'two rules', 'long', 'timeout alone') + DERIVED + MEASURED

# Pairs that no rule can have, with the reason.
IMPOSSIBLE = {('quiet', 'quiet per'): 'counted as one', ('keyless', 'second key'):
              'no key, no second one', ('keyless', 'profile'): 'profiles have keys',
              ('keyless', 'quiet per'):
              'a quiet time per value stands with a key'}
IMPOSSIBLE.update({(a, b): 'a rule has one policy' for i, a in enumerate(POLICIES)
                   for b in POLICIES[i + 1:]})

PAIR_FLOOR = 1000       # per pair in 2,000,000 cases
LONG_RUN = 2000000
MATCH_FLOOR = 30        # per cent of the cases


# ---- what a rule has -----------------------------------------------------------------------------

def in_condition(e, own, found):
    """own: names that stand for the event under test itself, or that it collects."""
    for x in walk(e):
        if x[0] == 'missing':
            found.add('missing')
        elif x[0] in ('in list', 'lookup'):
            found.add('list' if x[0] == 'in list' else 'lookup')
        elif x[0] == 'in set' and x[3][0] == 'call':
            found.add('distinct')
        elif x[0] == 'call' and x[2] and x[2][0][1][0] not in own:
            found.add('aggregate')
        elif x[0] == 'path' and len(x[1]) > 1 and isinstance(x[1][0], str):
            if x[1][0] not in own:
                found.add('time' if x[1][1] == 'at' else 'binding')


def in_part(part, found):
    if part.with_no:
        found.add('with no')
    if part.within is not None:
        found.add('span')
    if getattr(part, 'having', None):
        found.add('having')
    if getattr(part, 'adj', None):
        found.add({'row': 'row', 'any': 'anywhere'}[part.adj])
    if isinstance(part, Count):
        found.add('count')
        if part.each is not None:
            found.add('each')
        if part.until:
            found.add('until')
        if part.ev.alias and part.ev.where and uses(part.ev.where, part.ev.alias):
            found.add('own aggregate')
    elif isinstance(part, Times):
        found.add('times')
    elif isinstance(part, Group):
        found.add('group')
    else:
        found.add({'any': 'any of', 'all': 'all of'}.get(part.word, 'n of'))


def in_items(items, found):
    for item in items:
        if isinstance(item, Absent):
            found.add('next no' if item.next else 'no' if item.dur is None else 'no for')
            continue
        link = item.link
        if link.kind:
            found.add(link.kind)
        if link.within is not None or link.after is not None:
            found.add('gap')
        if item.optional:
            found.add('optional')
        if isinstance(item.part, Ev):
            continue
        in_part(item.part, found)
        for inner in item.part.parts if isinstance(item.part, Of) else \
                [item.part.items] if isinstance(item.part, (Times, Group)) else []:
            in_items(inner, found)


def constructs_of(file, rule):
    found = {rule.policy if rule.policy in POLICIES else ' '.join(rule.policy.split()[:2])}
    in_items(rule.items, found)
    tests = [ev for ev, _ in tests_of(rule.items)] + rule.without + [l.ev for l in rule.leading]
    measured = {p.name for p in file.profiles}
    for ev in tests:
        if ev.where:
            in_condition(ev.where, measured | ({ev.alias} if ev.alias else set()), found)
        if ev.src in file.lets:
            found.add('let')
    names = [ev.alias for ev, role in tests_of(rule.items) if role == 'step' and ev.alias]
    for name, there in (('leading', rule.leading), ('without', rule.without),
                        ('alias twice', len(set(names)) < len(names)),
                        ('quiet per' if rule.quiet_per else 'quiet', rule.quiet is not None),
                        ('keyless', not rule.keyed), ('second key', rule.second_key),
                        ('window', rule.head is not None),
                        ('timeout', rule.timeout),
                        ('derived', any(file.producers(ev.src) for ev in tests)),
                        ('profile', bool(file.profiles))):
        if there:
            found.add(name)
    return found


# ---- what a stream has ---------------------------------------------------------------------------

def stream_of(case, file, notes):
    events = case['events']
    found = set()
    if any(a['at'] == b['at'] and a['k'] == b['k'] for a, b in zip(events, events[1:])):
        found.add('tie')
    if any('v' not in e for e in events):
        found.add('missing value')
    if file.rules[0].second_key and any('j' not in e for e in events):
        found.add('missing key')
    if len({e['k'] for e in events}) > 1:
        found.add('keys')
    if case.get('arrival'):
        found.add('disorder' if file.disorder is not None else 'interleaved')
    if notes['borders']:
        found.add('border')
    if len([r for r in file.rules if not r.derives]) > 1:
        found.add('two rules')
    if any(r.silent for r in file.rules):
        found.add('timeout alone')
    found |= {name for name in DERIVED if notes[name]}
    for m in (m for p in file.profiles for m in p.measures):
        parts = parts_of(m)
        names = {p.outer for p in parts} | {p.inner for p in parts}
        found |= {name for name, there in (
            ('every', m.every), ('nested', any(p.inner for p in parts)), ('max', m.most),
            ('warm', m.warm), ('set', 'set' in names), ('computed', m.e[0] != 'part'),
            ('where in a measure', any(p.where for p in parts)),
            ('list measure', names & {'distinct', 'collect'}),
            ('percentile', 'percentile' in names), ('stddev', 'stddev' in names),
            ('nth', 'nth' in names),
            ('first or last', names & {'first', 'last'}),
            ('gaps', names & {'gap_average', 'gap_stddev'})) if there}
    if len(events) > 12:
        found.add('long')
    return found


class Coverage:
    def __init__(self, without=()):
        self.without = set(without)
        self.n = collections.Counter()

    def add(self, case, file, notes):
        n = self.n
        matched = bool(case['expected'])
        n['cases'] += 1
        n['events'] += len(case['events'])
        n['matched'] += matched
        n['several'] += len(case['expected']) > 1
        n['silent'] += bool(case.get('quiet_ended'))
        n['suppressed'] += any(m.get('suppressed') for m in case['expected'])
        n['timed out'] += bool(case.get('timeouts'))
        rule = file.rules[0]
        if not hasattr(rule, 'constructs'):
            rule.constructs = sorted(constructs_of(file, rule), key=LANGUAGE.index)
        found, brought = rule.constructs, stream_of(case, file, notes)
        n['correlated'] += bool({'binding', 'aggregate', 'time', 'distinct'} & set(found))
        for i, a in enumerate(found):
            n['has', a] += 1
            n['fired', a] += matched
            for b in found[i + 1:]:
                n['pair', a, b] += 1
        for s in brought:
            n['has', s] += 1
            n['fired', s] += matched
            for a in found:
                n['with', s, a] += 1

    # -- what is said of it

    def pairs(self):
        for i, a in enumerate(LANGUAGE):
            for b in LANGUAGE[i + 1:]:
                if not {a, b} & self.without and not {(a, b), (b, a)} & IMPOSSIBLE.keys():
                    yield (a, b), self.n['pair', a, b]

    def missing(self):
        """What falls short, as lines; floors shrink with the number of cases."""
        n, cases = self.n, self.n['cases']
        floor = PAIR_FLOOR * cases / LONG_RUN
        out = ['%s with %s: %d times, not %d' % (a, b, k, floor) for (a, b), k in self.pairs()
               if k < floor]
        out += ['%s: %d times' % (s, n['has', s]) for s in STREAM if n['has', s] < floor]
        if n['matched'] * 100 < MATCH_FLOOR * cases:
            out.append('%d of %d cases with a match' % (n['matched'], cases))
        return out

    def lines(self):
        n, cases = self.n, max(self.n['cases'], 1)
        yield '%d cases, %d events: a match in %d (%.1f %%), several in %d' % (
            n['cases'], n['events'], n['matched'], 100.0 * n['matched'] / cases, n['several'])
        yield 'tests that read other events in %d' % n['correlated']
        yield 'with quiet_ended %d, suppressed > 0 %d, timeouts %d' % (n['silent'], n['suppressed'],
                                                                     n['timed out'])
        for title, names in (('constructs', LANGUAGE), ('streams', STREAM)):
            yield '%s (cases, with a match):' % title
            row = ['%s %d/%d' % (a, n['has', a], n['fired', a]) for a in names]
            for i in range(0, len(row), 6):
                yield '  ' + ' · '.join(row[i:i + 6])
        pairs = sorted(self.pairs(), key=lambda p: (p[1], p[0]))
        yield '%d pairs of constructs in one rule, rarest: %s' % (
            len(pairs), ' · '.join('%s + %s %d' % (a, b, k) for (a, b), k in pairs[:12]))
        yield 'pairs that no rule has: %d (%s)' % (
            len(IMPOSSIBLE), '; '.join(sorted(set(IMPOSSIBLE.values()))))

    def matrix(self):
        """Every pair with its count, tab separated."""
        for (a, b), k in self.pairs():
            yield '%s\t%s\t%d' % (a, b, k)
        for s in STREAM:
            for a in LANGUAGE:
                yield '%s\t%s\t%d' % (s, a, self.n['with', s, a])
