"""Values and conditions over one key's events. Unknown and missing are both None."""
import ipaddress
import re
from fractions import Fraction

import measures
from rules import LISTS, LOOKUPS, sources_of, tests_of


def number_or_none(x):
    return x if isinstance(x, (int, Fraction)) and not isinstance(x, bool) else None


def arith(op, a, b):
    if a is None or b is None:
        return None
    if op == '+':
        return a + b
    if op == '-':
        return a - b
    if op == '*':
        return a * b
    return None if b == 0 else measures.scaled(Fraction(a) / Fraction(b))


def compare(op, a, b):
    if a is None or b is None:
        return None
    return {'=': a == b, '!=': a != b, '<': a < b, '<=': a <= b, '>': a > b, '>=': a >= b}[op]


def both(a, b):
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def either(a, b):
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def negate(a):
    return None if a is None else not a


def glob(pattern, text):
    """`*`: any text, `?`: one character; capital letters or not."""
    parts = ('.*' if c == '*' else '.' if c == '?' else re.escape(c) for c in pattern)
    return re.fullmatch(''.join(parts), text, re.S | re.I) is not None


def filled(e, fn):
    """A measure's expression with values in place of its parts."""
    if not isinstance(e, tuple):
        return e
    return ('lit', fn(e[1])) if e[:1] == ('part',) else tuple(filled(x, fn) for x in e)


def field_of(event, names):
    return event.get('.'.join(names), event.get(names[0]))


class World:
    """One rule over the events of one key; `history` is all there is, of every key."""

    def __init__(self, file, rule, events, history):
        self.file, self.rule, self.events, self.history = file, rule, events, history
        self.profiles = {p.name: p for p in file.profiles}
        self.moment = None  # (position, time) as of which `emit` shows profiles
        self.n = len(events)
        self.at = [e['at'] for e in events]
        self.counted_sources = [ev for ev, role in tests_of(rule.items)
                                if role in ('step', 'next no')]
        self.counted = [any(self.in_source(ev.src, i) for ev in self.counted_sources)
                        for i in range(self.n)]

    def ids(self, positions):
        """Input events before derived ones, as cases list them."""
        ids = (self.events[i]['id'] for i in positions)
        return sorted(ids, key=lambda x: (isinstance(x, str), x))

    # -- sources

    def in_source(self, src, i):
        if src in self.file.lets:
            return any(self.in_source(p.src, i) and
                       (p.where is None or self.value(p.where, i, {}) is True)
                       for p in self.file.lets[src])
        topic = self.events[i].get('topic', 'e')
        return topic == src.lower()

    def topics_of(self, src):
        if src in self.file.lets:
            return {t for p in self.file.lets[src] for t in self.topics_of(p.src)}
        behind = self.file.producers(src)
        if behind:
            return {t for r in behind for ev in sources_of(r) for t in self.topics_of(ev.src)}
        return {src.lower()}

    def holds(self, ev, i, env):
        """Does event i satisfy the whole test of `ev` under the bindings `env`?"""
        return self.in_source(ev.src, i) and (ev.where is None or
                                              self.value(ev.where, i, env) is True)

    def measure(self, names, before, time):
        """A measure at `time`, after the events in front of position `before`."""
        profile = self.profiles[names[0]]
        m = next(m for m in profile.measures if m.name == names[1])
        events = [dict(e, i=i) for i, e in enumerate(self.events[:before])
                  if self.holds(profile.source, i, {})]
        if m.warm is not None and not measures.warm(m, events, time):
            return None
        seen = measures.in_window(m, events, time)

        def part(p):
            return measures.value(m, p, seen, lambda e: p.where is None or
                                  self.value(p.where, e['i'], {}) is True)
        return self.value(filled(m.e, part), None, {})

    # -- expressions

    def value(self, e, i, env):
        kind = e[0]
        if kind in ('lit', 'dur'):
            return e[1]
        if kind == 'path':
            return self.path(e[1], i, env)
        if kind == 'call' and e[1] == 'lower':
            x = self.value(e[2][0], i, env)
            return None if x is None else x.lower()
        if kind == 'call':
            return self.aggregate(e, env)
        if kind == 'neg':
            x = self.value(e[1], i, env)
            return None if x is None else -x
        if kind == 'coalesce':
            x = self.value(e[1], i, env)
            return self.value(e[2], i, env) if x is None else x
        if kind == 'if':
            return self.value(e[2 if self.value(e[1], i, env) is True else 3], i, env)
        if kind == 'arith':
            return arith(e[1], self.value(e[2], i, env), self.value(e[3], i, env))
        if kind == 'cmp':
            return compare(e[1], self.value(e[2], i, env), self.value(e[3], i, env))
        if kind == 'text':
            whole, part = self.value(e[2], i, env), self.value(e[3], i, env)
            if whole is None or part is None:
                return None
            if e[1] == '~':
                return glob(part, whole)
            return part in whole if e[1] == 'contains' else whole.startswith(part)
        if kind == 'in net':
            x = self.value(e[2], i, env)
            return None if x is None else (ipaddress.ip_address(x) in ipaddress.ip_network(e[3], strict=False)) != e[1]
        if kind == 'in list':
            x = self.value(e[2], i, env)
            return None if x is None else (x in LISTS[e[3]]) != e[1]
        if kind == 'lookup':
            return LOOKUPS[e[1]].get(self.value(e[2], i, env))
        if kind == 'missing':
            return (self.value(e[2], i, env) is None) != e[1]
        if kind == 'not':
            return negate(self.value(e[1], i, env))
        if kind == 'and':
            return both(self.value(e[1], i, env), self.value(e[2], i, env))
        if kind == 'or':
            return either(self.value(e[1], i, env), self.value(e[2], i, env))
        if kind == 'between':
            x = self.value(e[2], i, env)
            r = both(compare('<=', self.value(e[3], i, env), x),
                     compare('<=', x, self.value(e[4], i, env)))
        elif kind == 'in set':
            x, items = self.value(e[2], i, env), self.value(e[3], i, env)
            r = None if x is None or items is None else x in items
        else:
            x, r = self.value(e[2], i, env), False
            for item in e[3]:
                r = either(r, compare('=', x, self.value(item, i, env)))
        return negate(r) if e[1] else r

    def path(self, names, i, env):
        if len(names) > 1 and names[0] in env:
            bound = env[names[0]]
            return field_of(self.events[bound[0]], names[1:]) if bound else None
        if len(names) > 1 and names[0] in self.profiles:
            return self.measure(names, *(self.moment if i is None else (i, self.at[i])))
        return field_of(self.events[i], names)

    def aggregate(self, e, env):
        _, name, args, where = e
        names = args[0][1]
        bound = env.get(names[0], ())
        if where:
            bound = [i for i in bound if self.value(where, i, env) is True]
        if name == 'count' and len(names) == 1:
            return len(bound)
        values = [field_of(self.events[i], names[1:]) for i in bound]
        values = [x for x in values if x is not None]
        return measures.total(name, values)
