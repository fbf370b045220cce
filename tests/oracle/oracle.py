"""What a rule matches, by enumeration of every assignment straight from docs/language.md.

Slow on purpose: nothing here is shared with, or learnt from, the engine. Events are a list of
dicts in the total order of one key (`topic`, `at`, `id`, fields); positions are indexes into it.
"""
from conditions import World, field_of
from rules import Absent, Count, Ev, Group, Of, Times, key_of, tests_of

NEVER = float('-inf')


# ---- a partial match -----------------------------------------------------------------------------

class Ctx:
    """env: name -> positions as conditions see them; labels: the match; last, mint: what comes
    next stands after position `last` and later than time `mint`; links, pend, pendn: what the
    next event bound must satisfy; dl: the latest deadline; tests: position -> (test, env); base:
    the deadline at which parts in any order ended, until the next event is bound."""
    __slots__ = ('env', 'labels', 'used', 'last', 'mint', 'links', 'pend', 'pendn', 'dl', 'pref',
                 'tests', 'base')

    def __init__(self):
        self.env, self.labels, self.used, self.tests = {}, {}, 0, {}
        self.last, self.mint, self.dl, self.base = None, NEVER, NEVER, NEVER
        self.links = self.pend = self.pendn = self.pref = ()

    def but(self, **changes):
        c = Ctx.__new__(Ctx)
        c.env, c.labels, c.used, c.tests = self.env, self.labels, self.used, self.tests
        c.last, c.mint, c.dl, c.base = self.last, self.mint, self.dl, self.base
        c.links, c.pend, c.pendn, c.pref = self.links, self.pend, self.pendn, self.pref
        for name, value in changes.items():
            setattr(c, name, value)
        return c


def positions(mask):
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


class TooMuch(Exception):
    """The enumeration passed its limit."""


class Search(World):
    budget = None  # events that may be bound in all, None: any number
    borders = 0

    # -- what stands between two steps

    def candidates(self, c):
        start = 0 if c.last is None else c.last + 1
        return [i for i in range(start, self.n) if self.at[i] > c.mint]

    def link_holds(self, c, link, e, ev, env):
        if c.last is None:
            return True  # nothing before: nothing to be next to
        gap = self.at[e] - self.at[c.last]
        if link.within is not None and gap > link.within:
            return False
        if link.after is not None and gap < link.after:
            return False
        skipped = [k for k in self.candidates(c) if k < e]
        if link.kind == 'next':
            return not any(self.counted[k] for k in skipped)
        if link.kind == 'first':
            return not any(self.holds(ev, k, env) for k in skipped)
        return True

    def next_counted(self, last):
        return next((k for k in range(last + 1, self.n) if self.counted[k]), None)

    def enter(self, c, e, ev, env):
        """Event e is the first that is bound after what `c` holds; None if it may not be."""
        if self.at[e] <= c.mint or (c.last is not None and e <= c.last):
            return None
        if not all(self.link_holds(c, l, e, ev, env) for l in c.links):
            return None
        for absent, aenv, since in c.pend:
            if any(self.holds(absent, k, aenv) for k in range(since + 1, e)):
                return None
        for absent, aenv, since in c.pendn:
            k = self.next_counted(since)
            if k is not None and k <= e and self.holds(absent, k, aenv):
                return None
        return c.but(links=(), pend=(), pendn=())

    def bind(self, c, ev, run, pref, env0):
        if self.budget is not None:
            self.budget -= len(run)
            if self.budget < 0:
                raise TooMuch
        env, labels, tests, used = dict(c.env), dict(c.labels), dict(c.tests), c.used
        env[ev.label()] = tuple(run)
        labels[ev.label()] = labels.get(ev.label(), ()) + tuple(run)
        for i in run:
            used |= 1 << i
        tests[run[0]] = (ev, env0)
        return c.but(env=env, labels=labels, tests=tests, used=used, last=run[-1], base=NEVER,
                     pref=c.pref + pref)

    # -- patterns

    def run_items(self, items, at, c):
        if at == len(items):
            yield c
            return
        for d in self.run_item(items[at], c):
            yield from self.run_items(items, at + 1, d)

    def run_item(self, item, c):
        if isinstance(item, Absent):
            yield from self.run_absent(item, c)
            return
        if not item.optional:
            yield from self.run_part(item.part, c.but(links=c.links + (item.link,)))
            return
        yield from self.run_part(item.part, c.but(links=c.links + (item.link,),
                                                  pref=c.pref + (0,)))
        yield c.but(pref=c.pref + (1,))

    def note_border(self, ev, time):
        """For the count of what was covered: an event of the absence's source just at its border."""
        if any(self.at[k] == time and self.in_source(ev.src, k) for k in range(self.n)):
            self.borders += 1

    def run_absent(self, item, c):
        assert c.last is not None, 'an absence after nothing'
        if item.next:
            yield c.but(pendn=c.pendn + ((item.ev, c.env, c.last),))
        elif item.dur is None:
            yield c.but(pend=c.pend + ((item.ev, c.env, c.last),))
        else:
            end = max(self.at[c.last], c.base) + item.dur
            self.note_border(item.ev, end)
            if not any(c.base < self.at[k] <= end and self.holds(item.ev, k, c.env)
                       for k in range(c.last + 1, self.n)):
                yield c.but(mint=max(c.mint, end), dl=max(c.dl, end))

    def run_part(self, part, c):
        if isinstance(part, Ev):
            yield from self.run_event(part, c)
            return
        inner = {Count: self.run_count, Times: self.run_times, Group: self.run_group,
                 Of: self.run_of}[type(part)]
        for d in inner(part, c.but(dl=NEVER)):
            if self.guard_holds(part, c, d):
                yield d.but(dl=max(c.dl, d.dl))

    def guard_holds(self, part, before, after):
        if part.within is None and part.with_no is None:
            return True
        bound = positions(after.used & ~before.used)
        if not bound:
            return True
        first, last = bound[0], bound[-1]
        by_deadline = after.dl >= self.at[last]
        end = after.dl if by_deadline else self.at[last]
        if part.within is not None and end - self.at[first] > part.within:
            return False
        if part.with_no is None:
            return True
        inside = [k for k in range(first + 1, self.n)
                  if (self.at[k] <= end if by_deadline else k < last)]
        return not any(self.holds(part.with_no, k, after.env) for k in inside)

    def run_event(self, ev, c):
        env = dict(c.env)
        env[ev.label()] = ()
        for e in self.candidates(c):
            if not c.used >> e & 1 and self.holds(ev, e, env):
                d = self.enter(c, e, ev, env)
                if d:
                    yield self.bind(d, ev, [e], (e,), env)

    def run_group(self, part, c):
        yield from self.run_items(part.items, 0, c)

    # -- counted steps

    def run_count(self, part, c):
        env = dict(c.env)
        env[part.ev.label()] = ()
        for e in self.candidates(c):
            if not c.used >> e & 1 and self.holds(part.ev, e, env):
                d = self.enter(c, e, part.ev, env)
                if d:
                    yield from self.grow(part, d, [e], env)

    def grow(self, part, c, run, env0):
        env = dict(c.env)
        env[part.ev.label()] = tuple(run)
        enough = len(run) >= part.lo
        if enough and part.until:
            if self.value(part.until, run[-1], env) is True:
                yield self.bind(c, part.ev, run, (-len(run),) + tuple(run), env0)
                return
        elif enough and (part.having is None or
                         self.value(part.having, run[-1], env) is True):
            yield self.bind(c, part.ev, run, (-len(run),) + tuple(run), env0)
        if part.hi is not None and len(run) >= part.hi:
            return
        for e in range(run[-1] + 1, self.n):
            fits = self.holds(part.ev, e, env)
            if fits and not c.used >> e & 1 and (
                    part.each is None or self.at[e] - self.at[run[-1]] <= part.each):
                yield from self.grow(part, c, run + [e], env0)
            if part.adj == 'row' and self.counted[e]:
                return
            if part.adj is None and fits:
                return  # an event that satisfies the step's own test is not left out

    # -- repeated groups

    def run_times(self, part, c):
        names = names_in(part.items)
        outer = {k: v for k, v in c.env.items() if k not in names}
        start = c.but(env=outer, pref=())
        yield from self.rounds(part, c, start, outer, {n: () for n in names}, 0)

    def rounds(self, part, c, d, outer, seen, done):
        for r in self.run_items(part.items, 0, d):
            if r.used == d.used:
                continue
            total = {n: seen[n] + tuple(r.env.get(n, ())) for n in seen}
            env = dict(outer)
            env.update(total)
            count = done + 1
            if count >= part.lo and (part.having is None or
                                     self.value(part.having, r.last, env) is True):
                yield r.but(env=env, pref=c.pref + (-count,) + r.pref)
            if part.hi is None or count < part.hi:
                links = (NEXT,) if part.adj == 'row' else ()
                yield from self.rounds(part, c, r.but(env=outer, links=links), outer, total,
                                       count)

    # -- any of, all of, n of

    def run_of(self, part, c):
        if part.need() == 1:
            for k, items in enumerate(part.parts):
                yield from self.run_items(items, 0, c.but(pref=c.pref + (k,)))
            return
        base = c.but(links=(), pend=(), pendn=())
        for d in self.parts(part.parts, 0, part.need(), base, base):
            bound = positions(d.used & ~c.used)
            ev, env = d.tests[bound[0]]
            entered = self.enter(c, bound[0], ev, env)
            if entered:
                base = d.dl if d.dl >= self.at[bound[-1]] else NEVER
                yield d.but(links=(), pend=(), pendn=(), last=bound[-1], base=base)

    def parts(self, parts, k, need, base, c):
        left = len(parts) - k
        if need == 0:
            yield c.but(pref=c.pref + (1,) * left)
            return
        if left > 0:
            at_base = c.but(last=base.last, mint=base.mint, pref=c.pref + (0,))
            for d in self.run_items(parts[k], 0, at_base):
                assert not d.pend and not d.pendn, 'an open absence ends a part'
                yield from self.parts(parts, k + 1, need - 1, base,
                                      d.but(mint=max(c.mint, d.mint)))
        if left > need:
            yield from self.parts(parts, k + 1, need, base, c.but(pref=c.pref + (1,)))


class _Next:
    kind, within, after = 'next', None, None


NEXT = _Next()


def names_in(items):
    return [ev.label() for ev, role in tests_of(items) if role == 'step']


# ---- complete matches ----------------------------------------------------------------------------

class Match:
    """point: (time, 0, position) of the completing event or (time, 1, -1) of the deadline."""

    def __init__(self, point, first, used, pref, labels):
        self.point, self.first, self.used, self.pref, self.labels = point, first, used, pref, labels
        self.order = (first, pref)

    def uses(self, policy):
        """The events that may not be bound any more."""
        if policy == 'past last':
            return (1 << self.used.bit_length()) - 1
        if policy in ('to next', 'no skip'):
            return 0
        _, which, name = policy.split()
        bound = self.labels.get(name, ())
        return (1 << (min(bound) if which == 'first' else max(bound))) - 1 if bound else 0


class Matcher(Search):
    def completion(self, c):
        """The point at which c is complete, or None if an absence at the end is broken."""
        bound = positions(c.used)
        first, last = bound[0], bound[-1]
        head = self.rule.head
        point = (self.at[last], 0, last)
        if c.dl > NEVER:
            point = max(point, (c.dl, 1, -1))
        close = None if head is None else self.at[first] + head
        for absent, env, since in c.pend:
            if close is None or any(self.at[k] <= close and self.holds(absent, k, env)
                                    for k in range(since + 1, self.n)):
                return None
            point = max(point, (close, 1, -1))
        for absent, env, since in c.pendn:
            k = self.next_counted(since)
            if k is not None and (close is None or self.at[k] <= close):
                if self.holds(absent, k, env):
                    return None
                point = max(point, (self.at[k], 0, k))
            elif close is not None:
                point = max(point, (close, 1, -1))
            else:
                return None
        return point if close is None or point[0] <= close else None

    def killed(self, c, first, point):
        if not self.rule.without:
            return False
        for k in range(first + 1, self.n):
            before = k < point[2] if point[1] == 0 else self.at[k] <= point[0]
            if not before:
                continue
            env = {n: tuple(i for i in b if i <= k) for n, b in c.env.items()}
            if any(self.holds(m, k, env) for m in self.rule.without):
                return True
        return False

    def history_begin(self):
        sources = [ev for ev, _ in tests_of(self.rule.items)]
        sources += [l.ev for l in self.rule.leading] + self.rule.without
        topics = set().union(*(self.topics_of(ev.src) for ev in sources))
        starts = {}
        for e in self.history:
            topic = e.get('topic', 'e')
            if topic in topics:
                starts[topic] = min(starts.get(topic, e['at']), e['at'])
        return max(starts.values(), default=NEVER)

    def leading_holds(self, c, first):
        if not self.rule.leading:
            return True
        env = {n: tuple(i for i in b if i <= first) for n, b in c.env.items()}
        for lead in self.rule.leading:
            since = self.at[first] - lead.dur
            self.note_border(lead.ev, since)
            if not lead.assume_quiet and since < self.history_begin():
                return False
            if any(self.at[k] >= since and self.holds(lead.ev, k, env) for k in range(first)):
                return False
        return True

    def all_matches(self, watermark):
        best = {}
        for c in self.run_items(self.rule.items, 0, Ctx()):
            if not c.used:
                continue
            first = positions(c.used)[0]
            if not self.leading_holds(c, first):
                continue
            point = self.completion(c)
            if point is None or (point[1] and point[0] >= watermark):
                continue
            if self.killed(c, first, point):
                continue
            key = frozenset((n, frozenset(b)) for n, b in c.labels.items() if b)
            m = Match(point, first, c.used, c.pref, c.labels)
            if key not in best or (m.point, m.pref) < (best[key].point, best[key].pref):
                best[key] = m
        return list(best.values())

    # -- which of them are reported

    def reported(self, watermark):
        matches = sorted(self.all_matches(watermark), key=lambda m: (m.point, m.order))
        policy = self.rule.policy
        if policy == 'no skip':
            return matches
        out, used, starts = [], 0, set()
        while matches:
            m = matches.pop(0)
            if m.used & used or m.first in starts:
                continue
            out.append(m)
            used |= m.uses(policy)
            if policy != 'past last':
                starts.add(m.first)
        return out


# ---- answers as in spec.fyke.jsonl ---------------------------------------------------------------

def answer_of(world, m):
    ids = lambda b: sorted(world.events[i]['id'] for i in b)
    return {'at': m.point[0], 'by': 'deadline' if m.point[1] else 'event',
            'ids': ids(positions(m.used)),
            'steps': {n: ids(b) for n, b in sorted(m.labels.items()) if b}}


def quiet_group(world, m):
    out = []
    for names in world.rule.quiet_per:
        if len(names) > 1:
            b = m.labels.get(names[0], ())
            out.append(field_of(world.events[b[0]], names[1:]) if b else None)
    return tuple(out)


def hold_back(world, matches, watermark):
    """Applies `quiet for`: (answers that go out, quiet_ended records)."""
    out, ended, state = [], [], {}
    for m in matches:
        group = quiet_group(world, m)
        until, held = state.get(group, (NEVER, 0))
        if m.point[0] <= until:
            state[group] = (until, held + 1)
            continue
        if held:
            ended.append({'at': until, 'count': held})
        a = answer_of(world, m)
        a['suppressed'] = held
        out.append(a)
        state[group] = (m.point[0] + world.rule.quiet, 0)
    ended += [{'at': until, 'count': held} for until, held in state.values()
              if held and watermark > until]
    return out, ended


def keys_in(rule, events):
    return sorted({key_of(rule, e) for e in events} - {None}, key=str)


def evaluate(file, events, watermark, budget=None, notes=None):
    """{'expected': […]} and with `quiet` 'quiet_ended'; raises TooMuch beyond `budget`. `notes`:
    a Counter of what was met."""
    import partial  # it builds on this module
    out = {'expected': []}
    for rule, key in ((r, k) for r in file.rules for k in keys_in(r, events)):
        mine = [e for e in events if key_of(rule, e) == key]
        world = Matcher(file, rule, mine, events)
        world.budget = budget
        matches = world.reported(watermark)
        if rule.timeout:
            out.setdefault('timeouts', []).extend(partial.timeouts(world, matches, watermark))
        if notes is not None:
            notes['borders'] += world.borders
        if rule.quiet is None:
            out['expected'] += [answer_of(world, m) for m in matches]
        else:
            went, ended = hold_back(world, matches, watermark)
            out['expected'] += went
            out.setdefault('quiet_ended', []).extend(ended)
    return out
