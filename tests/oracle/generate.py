"""Random rules and random events for them. Everything follows from the seed.

A rule is built so that docs/language.md allows it: names are in scope, inner times do not exceed
outer ones, loops are bounded, nothing that has to take an event can be empty.
"""
import copy
import random

import extras
from rules import (LISTS, LOOKUPS, Absent, Count, Ev, File, Group, Leading, Link, Of, Rule, Step,
                   Times, number, tests_of)
from shape import can_be_empty, ends_in_absence, ends_optional, open_ends, uses
from stories import events_for, interleaved, scattered

TYPES = ('A', 'B', 'C', 'D')
POLICIES = ('past last', 'past last', 'to next', 'to first', 'to last', 'no skip')

# What --without may leave out.
CONSTRUCTS = ('optional', 'optional in front', 'count', 'row', 'anywhere', 'each', 'until',
              'having', 'first', 'next', 'gap', 'group', 'times', 'any of', 'all of', 'n of',
              'with no', 'span', 'no', 'no for', 'next no', 'leading', 'without', 'quiet', 'let',
              'alias twice', 'missing', 'own aggregate', 'aggregate', 'binding', 'keys',
              'two rules', 'disorder', 'long', 'keyless', 'second key', 'time',
              'distinct', 'timeout', 'list', 'lookup', 'derived', 'profile')


# What the engine refuses as not evaluated yet; `--with` brings it in.
NOT_YET = ()


def path(*names):
    return ('path', names)


def lit(x):
    return ('lit', x)


class Scope:
    """Names that a condition may use: `one` by field, `many` through aggregates."""

    def __init__(self, one=(), many=()):
        self.one, self.many = tuple(one), tuple(many)

    def plus(self, one=(), many=()):
        return Scope(self.one + tuple(one), self.many + tuple(many))


class Maker:
    def __init__(self, rng, without=()):
        self.rng, self.off = rng, set(without)
        self.names = 0
        self.lets = {}
        self.types = rng.sample(TYPES, rng.choice((1, 2, 2, 3, 3, 3, 4)))
        self.deep = rng.random() < 0.1
        self.left = rng.choice((5, 6)) if self.deep else rng.choice((2, 3, 3, 4, 4, 5))

    def chance(self, p, construct=None):
        return construct not in self.off and self.rng.random() < p

    def ms(self, limit, low=0, high=8):
        high = high if limit is None else min(high, limit)
        return self.rng.randint(min(low, high), high)

    def alias(self):
        self.names += 1
        return 'abcdefgh'[self.names - 1] + str(self.names) if self.chance(0.9) else None

    def source(self):
        src = self.rng.choice(self.types)
        if not self.chance(0.06, 'let'):
            return src
        name = 'L%d' % (len(self.lets) + 1)
        if self.chance(0.5):
            self.lets[name] = [Ev(src, where=self.own())]
        else:
            two = self.rng.sample(TYPES, 2)
            self.lets[name] = [Ev(two[0], where=self.own() if self.chance(0.3) else None),
                               Ev(two[1])]
        return name

    # -- conditions

    def own(self):
        """A test of the event alone; sometimes two of them, and what is not known of both."""
        if not self.chance(0.06):
            return self.simple()
        both = (self.rng.choice(('and', 'and', 'or')), self.simple(), self.simple())
        return ('not', both) if self.chance(0.6) else both

    def simple(self):
        r, v = self.rng, path('v')
        if self.chance(0.06, 'list'):
            return ('in list', r.random() < 0.4, v, r.choice(sorted(LISTS)))
        if self.chance(0.06, 'lookup'):
            op = r.choice(('=', '!=', '>', '<='))
            return ('cmp', op, ('lookup', r.choice(sorted(LOOKUPS)), v), lit(r.randint(0, 3)))
        kind = r.randrange(8)
        if kind == 0 and 'missing' not in self.off:
            return ('missing', r.random() < 0.5, v)
        if kind == 1:
            return ('not', ('cmp', '=', v, lit(r.randint(0, 3))))
        if kind == 2:
            return ('in', False, v, (lit(r.randint(0, 1)), lit(r.randint(2, 3))))
        if kind == 3:
            return ('or', ('cmp', '=', v, lit(r.randint(0, 3))), ('missing', False, v))
        op = r.choice(('=', '<=', '>=', '!=', '>', '<'))
        limits = {'<': (1, 3), '>': (0, 2), '<=': (0, 2), '>=': (1, 3)}.get(op, (0, 3))
        return ('cmp', op, v, lit(r.randint(*limits)))

    def bound(self, scope):
        r, v = self.rng, path('v')
        op = r.choice(('=', '=', '>', '<', '!=', '>=', '<='))
        if scope.one and self.chance(0.2, 'time'):
            since = ('arith', '-', path('at'), path(r.choice(scope.one), 'at'))
            return ('cmp', r.choice(('<=', '>=', '>', '<', '=')), since, ('dur', r.randint(0, 4)))
        if scope.many and self.chance(0.25, 'distinct'):
            seen = ('call', 'distinct', (path(r.choice(scope.many), 'v'),), None)
            return ('in set', r.random() < 0.5, v, seen)
        if scope.many and (not scope.one or r.random() < 0.5) and 'aggregate' not in self.off:
            return ('cmp', op, v, self.aggregate(r.choice(scope.many)))
        if scope.one:
            return ('cmp', op, v, path(r.choice(scope.one), 'v'))
        return None

    def aggregate(self, name):
        fn = self.rng.choice(('sum', 'count', 'max', 'last', 'first', 'min', 'average',
                              'count_distinct'))
        if fn == 'count' and self.chance(0.3):
            return ('call', fn, (path(name),), self.own())
        arg = path(name) if fn == 'count' and self.chance(0.7) else path(name, 'v')
        return ('call', fn, (arg,), None)

    def where(self, scope, p=0.6):
        if not self.chance(p):
            return None
        if (scope.one or scope.many) and self.chance(0.5, 'binding'):
            e = self.bound(scope)
            if e and self.chance(0.15):
                e = (self.rng.choice(('and', 'or')), e, self.own())
            if e:
                return e
        return self.own()

    def self_test(self, name):
        """A test of a counted step that looks at what it has collected."""
        r, v = self.rng, path('v')
        total = lambda fn: ('call', fn, (path(name, 'v'),), None)
        if r.random() < 0.5:
            return ('cmp', '<=', ('arith', '+', total('sum'), v), lit(r.randint(1, 5)))
        op = r.choice(('>', '>=', '!=', '<', '='))
        none = ('cmp', '=', ('call', 'count', (path(name),), None), lit(0))
        return ('or', none, ('cmp', op, v, total(r.choice(('last', 'first', 'max')))))

    def over(self, name):
        """COND of `until` and `having`."""
        r = self.rng
        if r.random() < 0.2:
            return ('cmp', '=', path('v'), lit(r.randint(0, 3)))
        fn = r.choice(('sum', 'sum', 'count', 'max', 'average', 'last'))
        op = r.choice(('>=', '>', '=', '<='))
        top = 5 if fn in ('sum', 'count') else 3
        return ('cmp', op, ('call', fn, (path(name, 'v'),), None), lit(r.randint(1, top)))

    # -- patterns: each returns (tree, names `one`, names `many`, names that emit alone may use)

    def event(self, scope, role='step'):
        self.left -= 1
        ev = Ev(self.source(), self.alias() if role == 'step' else None)
        ev.where = self.where(scope, 0.55 if role == 'step' else 0.45)
        return ev

    def guard(self, part, scope, limit):
        if self.left > 0 and self.chance(0.15, 'with no'):
            part.with_no = self.event(scope, 'no')
        if isinstance(part, Count) and part.within is None and self.chance(0.2, 'span'):
            part.within = self.ms(limit, max(2, part.each or 0), 10)
        return part

    def count(self, scope, limit):
        r = self.rng
        self.left -= 1
        c = Count(1, 1, Ev(self.source(), self.alias()))
        shape = r.randrange(4)
        bounded = limit is not None
        if not bounded and shape < 2:
            if 'span' in self.off:
                shape = 2
            else:
                c.within = self.ms(None, 2, 10)
        if shape < 2:
            c.lo, c.hi = r.choice((1, 1, 2, 3)), None
        elif shape == 2:
            c.lo = r.choice((1, 2))
            c.hi = c.lo + r.choice((1, 2))
        else:
            c.lo = c.hi = r.choice((2, 2, 3))
        name = c.ev.alias
        if name and self.chance(0.15, 'own aggregate'):
            c.ev.where = self.self_test(name)
        else:
            c.ev.where = self.where(scope, 0.5)
        own = bool(name) and c.ev.where is not None and uses(c.ev.where, name)
        if self.chance(0.2, 'row'):
            c.adj = 'row'
        elif not own and self.chance(0.2, 'anywhere'):
            c.adj = 'any'
        if self.chance(0.12, 'each'):
            c.each = self.ms(c.within if c.within is not None else limit, 1, 4)
        if name and c.adj != 'any':
            if c.hi != c.lo and self.chance(0.25, 'until'):
                c.until = self.over(name)
            elif self.chance(0.15, 'having'):
                c.having = self.over(name)
        many = [name] if name and c.adj != 'any' else []
        self.guard(c, scope.plus((), many), limit)
        return c, [], many

    def times(self, scope, limit, depth):
        r = self.rng
        t = Times(2, 2, [])
        shape = r.randrange(3)
        inner = limit
        if shape == 0:
            t.hi = None
            t.lo = r.choice((1, 2))
            if limit is None:
                if 'span' in self.off:
                    t.hi = t.lo + 1
                else:
                    t.within = inner = self.ms(None, 3, 12)
        elif shape == 1:
            t.lo, t.hi = 1, r.choice((2, 3))
        else:
            t.lo = t.hi = r.choice((2, 2, 3))
        if t.within is None and self.chance(0.2, 'span'):
            t.within = inner = self.ms(limit, 3, 10)
        t.items, one, many = self.items(scope, inner, depth + 1, closed=False)
        if limit is None:
            self.seal(t.items, inner, also_next=False)
        if self.chance(0.4, 'row'):
            t.adj = 'row'
        outside = one + many if t.adj == 'row' else []
        if t.adj == 'row' and outside and self.chance(0.25, 'having'):
            t.having = ('cmp', '>=', ('call', 'sum', (path(r.choice(outside), 'v'),), None),
                        lit(r.randint(1, 3)))
        self.guard(t, scope.plus((), outside), limit)
        return t, [], outside

    def group(self, scope, limit, depth):
        g = Group([])
        inner = limit
        if self.chance(0.3, 'span'):
            g.within = inner = self.ms(limit, 3, 10)
        g.items, one, many = self.items(scope, inner, depth + 1, closed=False)
        if limit is None:
            self.seal(g.items, inner, also_next=False)
        self.guard(g, scope.plus(one, many), limit)
        return g, one, many

    def of(self, scope, limit, depth):
        r = self.rng
        words = [w for w, c in (('any', 'any of'), ('all', 'all of'), ('2', 'n of'))
                 if c not in self.off]
        word = r.choice(words)
        o = Of(word, [])
        inner = limit
        if self.chance(0.25, 'span'):
            o.within = inner = self.ms(limit, 3, 10)
        wanted = 3 if word == '2' else r.choice((2, 2, 3))
        one, many, within_of = [], [], scope
        twice = word == 'any' and self.chance(0.45, 'alias twice')
        for k in range(wanted):
            if self.left <= 0 and k >= 2 and word != '2':
                break
            share = self.left - (wanted - k - 1)
            keep, self.left = self.left, min(self.left, max(share, 1))
            before = self.left
            here = scope if word == 'any' else within_of
            if twice and k < 2:
                ev = self.event(here)
                items, o1, m1 = [Step(ev)], [ev.alias] if ev.alias else [], []
            else:
                items, o1, m1 = self.items(here, inner, depth + 1, closed=word != 'any',
                                           short=self.chance(0.7))
            self.left = keep - (before - self.left)
            if word != 'any':
                self.seal(items, inner, also_next=True)
            elif limit is None:
                self.seal(items, inner, also_next=False)
            o.parts.append(items)
            one, many = one + o1, many + m1
            within_of = within_of.plus(o1, m1)
        if twice:
            self.one_name(o)
            one = list(dict.fromkeys(ev.alias for ev, role in tests_of([Step(o)])
                                     if role == 'step' and ev.alias in one + ['z']))
        self.guard(o, scope.plus(one, many), limit)
        return o, one, many

    def one_name(self, o):
        """Alternatives that are single steps get one name."""
        singles = [x[0].part for x in o.parts
                   if len(x) == 1 and isinstance(x[0].part, Ev) and x[0].part.alias]
        if len(singles) > 1:
            for ev in singles[1:]:
                ev.alias = singles[0].alias

    def part(self, scope, limit, depth):
        r = self.rng
        roll = r.random()
        if depth < (3 if self.deep else 2) and self.left >= 2:
            if roll < 0.12 and {'any of', 'all of', 'n of'} - self.off:
                return self.of(scope, limit, depth)
            if roll < 0.20 and 'times' not in self.off:
                return self.times(scope, limit, depth)
            if roll < 0.26 and 'group' not in self.off:
                return self.group(scope, limit, depth)
        if roll < 0.5 and 'count' not in self.off:
            return self.count(scope, limit)
        ev = self.event(scope)
        return ev, [ev.alias] if ev.alias else [], []

    def link(self, limit, after_absence):
        """after_absence: a `no M for D` stands before: no `within` alone."""
        r = self.rng
        link = Link()
        roll = r.random()
        if roll < 0.17 and 'first' not in self.off:
            link.kind = 'first'
        elif roll < 0.34 and 'next' not in self.off:
            link.kind = 'next'
        if self.chance(0.2, 'gap'):
            which = r.randrange(3)
            if which != 0 and not after_absence:
                link.within = self.ms(limit, 1, 7)
            if which != 1 and link.kind != 'first':
                link.after = self.ms(link.within if link.within is not None else limit, 1, 5)
        return link

    def absence(self, scope, limit, last, closed):
        """closed: the part of all of ends here, so it must say `for`."""
        r = self.rng
        kinds = []
        if 'no for' not in self.off:
            kinds.append('for')
        if not (last and closed):
            if 'next no' not in self.off:
                kinds.append('next')
            if 'no' not in self.off and (limit is not None if not last else limit is not None):
                kinds.append('no')
        if not kinds:
            return None
        kind = r.choice(kinds)
        ev = self.event(scope, 'no')
        if kind == 'for':
            return Absent(ev, self.ms(limit, 1, 6))
        return Absent(ev, next=kind == 'next')

    def items(self, scope, limit, depth, closed, short=False):
        """closed: what follows is not the next step (a part of all of, the end of the rule)."""
        r = self.rng
        out, one, many = [], [], []
        wanted = 1 if short else r.choice((1, 2, 2, 3)) if depth else 5
        after_absence, solid = False, False
        while len(out) == 0 or (self.left > 0 and wanted > 0):
            if out and solid and self.chance(0.22):
                last = wanted == 1 or self.left == 1
                a = self.absence(scope, limit, last or closed, closed and depth > 0)
                if a:
                    out.append(a)
                    after_absence |= a.dur is not None
                    wanted -= 1
                    continue
            part, o1, m1 = self.part(scope, limit, depth)
            link = self.link(limit, after_absence) if out else Link()
            optional = self.chance(0.12 if out else 0.05, 'optional')
            if optional and depth and not out and (closed or 'optional in front' in self.off):
                optional = False
            if (optional or can_be_empty(part)) and not out and self.left <= 0:
                optional = False
            out.append(Step(part, link, optional))
            one, many = one + o1, many + m1
            scope = scope.plus(o1, m1)
            empty = optional or can_be_empty(part)
            solid = solid or not empty
            after_absence = (after_absence and empty) or ends_in_absence(part)
            wanted -= 1
        if not any(isinstance(x, Step) and not x.optional and not can_be_empty(x.part)
                   for x in out):
            for x in out:
                if isinstance(x, Step):
                    x.optional = False
        return out, one, many

    def seal(self, items, limit, also_next):
        """Gives a time to every absence that would be open at the end of `items`."""
        for absent, inner in open_ends(items, limit):
            if also_next or not absent.next:
                absent.next, absent.dur = False, self.ms(inner, 1, 6)

    def rule(self):
        r = self.rng
        rule = Rule([], keyed=not self.chance(0.06, 'keyless'))
        rule.second_key = rule.keyed and self.chance(0.06, 'second key')
        if self.chance(0.65):
            rule.head = r.randint(3, 12)
        if self.chance(0.1, 'leading'):
            for _ in range(r.choice((1, 1, 2))):
                rule.leading.append(Leading(self.event(Scope(), 'no'), self.ms(None, 1, 6),
                                            self.chance(0.6)))
            self.left = max(self.left, 1)
        rule.items, one, many = self.items(Scope(), rule.head, 0, closed=rule.head is None)
        if rule.head is None:
            self.seal(rule.items, None, also_next=False)
        first = rule.items[0]
        if isinstance(first.part, Ev) and first.part.alias and not first.optional:
            for lead in rule.leading:
                if self.chance(0.3, 'binding'):
                    lead.ev.where = self.bound(Scope([first.part.alias]))
        if self.chance(0.15, 'without'):
            for _ in range(r.choice((1, 1, 2))):
                rule.without.append(self.event(Scope(one, many), 'no'))
        policy = r.choice(POLICIES)
        if policy in ('to first', 'to last'):
            names = [ev.alias for ev, role in tests_of(rule.items) if role == 'step' and ev.alias]
            policy = '%s %s' % (policy, r.choice(names)) if names else 'to next'
        if ends_optional(rule.items):
            policy = 'no skip'
        rule.policy = policy
        if self.chance(0.1, 'quiet'):
            rule.quiet = r.randint(1, 8)
            if one and rule.keyed and self.chance(0.6):
                rule.quiet_per = (('k',),) + ((('j',),) if rule.second_key else ()) + (
                    (r.choice(one), 'v'),)
        rule.timeout = rule.head is not None and self.chance(0.15, 'timeout')
        return number(rule)


def make_rule(seed, without=()):
    """(file, rng for the events)."""
    rng = random.Random(seed)
    maker = Maker(rng, without)
    rules = [maker.rule()]
    if 'two rules' not in without and rng.random() < 0.08:
        rules.append(another(rules[0], maker, rng))
    file = File(list(TYPES), maker.lets, rules)
    if 'disorder' not in without and rng.random() < 0.15:
        if all(l.assume_quiet for r in rules for l in r.leading):
            file.disorder = rng.choice((2, 5, 20))
    extras.add(file, maker, random.Random('more for %d' % seed), without)
    return file, rng


def another(rule, maker, rng):
    """A second rule that shares a beginning or everything but the policy with the first."""
    twin = copy.deepcopy(rule)
    twin.name = 'r2'
    if rng.random() < 0.5:
        twin.policy = rng.choice(('past last', 'to next', 'no skip'))
    else:
        end = twin.items[-1]
        if isinstance(end, Step) and isinstance(end.part, Ev):
            end.part.src = rng.choice(maker.types)
        else:
            twin.head = None if twin.head is None else twin.head + 2
    if ends_optional(twin.items):
        twin.policy = 'no skip'
    return number(twin)


def make_events(file, rng, without=()):
    """(events, watermark, arrival or None)."""
    keys = rng.choice((2, 2, 3)) if 'keys' not in without and rng.random() < 0.15 else 1
    tests = [ev for ev, _ in tests_of(file.rules[0].items)]
    simple = all(isinstance(x, Absent) or isinstance(x.part, Ev) for x in file.rules[0].items)
    p = 0.3 if simple and len(tests) <= 3 else 0.03
    long = 'long' not in without and rng.random() < p
    events = events_for(file, rng, keys, 22 if long else 0)
    if any(r.second_key for r in file.rules):
        for e in events:
            if rng.random() > 0.04:
                e['j'] = rng.choice((0, 0, 0, 1))
    if file.disorder is not None:
        events, arrival = scattered(file, events, rng)
    else:
        arrival = interleaved(events, rng) if rng.random() < 0.25 else None
    last = events[-1]['at'] if events else 0
    return events, last + rng.choice((0, 1, 3, 5, 8, 14, 30)), arrival
