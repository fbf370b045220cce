"""Random rules that show sets of profiles: which values, and in which order.

A set lists its values in the order in which they came in; one that had left, since the window or `max`
took it, and comes back stands at the end (docs/decisions.md, Profiles). Worked out event by event. A
set of the results of buckets lists them as the buckets stand.
"""
import random

import extras
import generate
import measures
import oracle
from rules import Ev, File, Measure, Part, Profile, number, sources_of


def is_set(p, m):
    """Does it keep one entry per value?"""
    return p.inner is None and (p.outer == 'set' or p.outer == 'distinct' and m.most is not None)


class Kept:
    """The values of a set, in order, each with the time and the number of its last sight."""

    def __init__(self, most):
        self.most, self.seen, self.n = most, {}, 0

    def leave(self, low):
        self.seen = {x: s for x, s in self.seen.items() if s[0] >= low}

    def see(self, x, at):
        self.n += 1
        self.seen[x] = at, self.n

    def bound(self):
        while self.most is not None and len(self.seen) > self.most:
            del self.seen[min(self.seen, key=lambda x: self.seen[x][1])]


def by_event(events):
    """(time, values) of what comes in at once."""
    return [(e['at'], [e['v']] if e.get('v') is not None else []) for e, takes in events if takes]


def by_bucket(m, events):
    buckets = {}
    for e, takes in events:
        taken = buckets.setdefault(measures.bucket(m, e['at']), [])
        if takes and e.get('v') is not None:
            taken.append(e['v'])
    return list(buckets.items())


def ordered(m, events, time):
    """The set at `time` behind `events`: (event, does `where` take it?)."""
    kept = Kept(m.most)
    if m.every is None:
        groups = by_event(events)
    else:
        groups = [g for g in by_bucket(m, events) if g[0] < measures.bucket(m, time)]
    for at, values in groups:
        # a bucket comes in when it is over: what it holds again has not left by then
        again = set(values) if m.every is not None else set()
        low = (at if m.every is None else at + m.every) - m.over
        for x in [x for x, s in kept.seen.items() if s[0] < low]:
            if x not in again or kept.seen[x][0] < low - m.every:
                del kept.seen[x]
        for x in values:
            kept.see(x, at)
        kept.bound()
    kept.leave(measures.begin(m, time))
    return list(kept.seen) or None


class Matcher(oracle.Matcher):
    """The oracle's, with sets in their order."""

    def measure(self, names, before, time):
        out = super().measure(names, before, time)
        profile = self.profiles[names[0]]
        m = next(m for m in profile.measures if m.name == names[1])
        if out is None or m.e[0] != 'part' or not is_set(m.e[1], m):
            return out
        p = m.e[1]
        events = [(e, p.where is None or self.value(p.where, i, {}) is True)
                  for i, e in enumerate(self.events[:before]) if self.holds(profile.source, i, {})]
        listed = ordered(m, events, time)
        assert sorted(listed) == sorted(out), (listed, out)
        return listed


def set_measure(rng, maker, name, src):
    m = Measure(name, None, 'list', rng.choice((2, 3, 5, 8, 12, 20)))
    if rng.random() < 0.45:
        m.every = rng.randint(1, max(1, m.over // rng.choice((1, 2, 3))))
    if rng.random() < 0.5:
        m.most = rng.randint(1, 3)
    if rng.random() < 0.2:
        m.warm = rng.randint(1, min(6, m.over))
    nested = m.every is not None and m.most is None and rng.random() < 0.3
    inner = rng.choice(('count', 'sum', 'max', 'last')) if nested else None
    outer = 'distinct' if m.most is not None and rng.random() < 0.3 else 'set'
    where = maker.simple() if rng.random() < 0.2 else None
    m.e = ('part', Part(outer, inner, 'v', src, where, None, None))
    return m


def make_rule(seed):
    """(file, (), rng) or None when the seed gives no such rule."""
    rng = random.Random('sets %d' % seed)
    maker = generate.Maker(rng, ('let', 'keyless'))
    maker.left = rng.choice((1, 1, 2, 2, 3))
    rule = maker.rule()
    file = File(list(generate.TYPES), maker.lets, [rule])
    if rng.random() < 0.15 and all(l.assume_quiet for l in rule.leading):
        file.disorder = rng.choice((2, 5, 20))
    if rng.random() < 0.2:
        extras.add_derived(file, maker, rng)
    src = rng.choice([ev.src for ev in sources_of(rule)])
    own = maker.own() if rng.random() < 0.2 else None
    shown = [set_measure(rng, maker, 's%d' % k, src) for k in range(rng.choice((1, 1, 2)))]
    file.profiles = [Profile('w', Ev(src, where=own), shown)]
    if rng.random() < 0.4:
        extras.ask_profile(rule, file.profiles[0], rng)
    rule.emit = (('one', ('lit', 1)),) + tuple((m.name, ('path', ('w', m.name))) for m in shown)
    rule.silent = False
    for r in file.rules:
        number(r)
    return file, (), rng


def notes_of(file, case):
    out = set()
    for m in file.profiles[0].measures:
        p = m.e[1]
        out |= {name for name, there in (
            ('every', m.every), ('max', m.most), ('warm', m.warm), ('nested', p.inner),
            ('where', p.where), ('distinct with max', p.outer == 'distinct'),
            ('max with every', m.most and m.every)) if there}
        lists = [a['emit'].get(m.name, []) for a in case['expected']]
        out |= {'several values'} if any(len(x) > 1 for x in lists) else set()
        out |= {'not in order of value'} if any(x != sorted(x) for x in lists) else set()
    return out | ({'derived'} if len(file.rules) > 1 else set())
