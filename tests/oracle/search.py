"""Assignments of events to the steps of a pattern, all of them, one after another.

With `partials` also those that stop in the middle: each says what an event may still break
(`duties`), for the timeouts of docs/language.md section 4.
"""
from conditions import World, field_of
from rules import Absent, Count, Ev, Group, Of, Times, tests_of

NEVER = float('-inf')
NOT_TAKEN = float('inf')  # in a preference: behind every event


# ---- a partial match -----------------------------------------------------------------------------

class Ctx:
    """env: name -> positions as conditions see them; labels: the match; last, mint: what comes
    next stands after position `last` and later than time `mint`; links, pend, pendn: what the
    next event bound must satisfy; dl: the latest deadline; tests: position -> (test, env); base:
    the deadline at which parts in any order ended, until the next event is bound; stopped: this is
    no more than a part, and its duties are what later events may break."""
    __slots__ = ('env', 'labels', 'used', 'last', 'mint', 'links', 'pend', 'pendn', 'dl', 'pref',
                 'tests', 'base', 'stopped', 'duties')

    def __init__(self):
        self.env, self.labels, self.used, self.tests = {}, {}, 0, {}
        self.last, self.mint, self.dl, self.base = None, NEVER, NEVER, NEVER
        self.links = self.pend = self.pendn = self.pref = self.duties = ()
        self.stopped = False

    def but(self, **changes):
        c = Ctx.__new__(Ctx)
        c.env, c.labels, c.used, c.tests = self.env, self.labels, self.used, self.tests
        c.last, c.mint, c.dl, c.base = self.last, self.mint, self.dl, self.base
        c.links, c.pend, c.pendn, c.pref = self.links, self.pend, self.pendn, self.pref
        c.stopped, c.duties = self.stopped, self.duties
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
    partials = False

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

    def next_counted(self, last, mint=NEVER):
        return next((k for k in range(last + 1, self.n)
                     if self.counted[k] and self.at[k] > mint), None)

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
            if d.stopped:
                yield d
            else:
                yield from self.run_items(items, at + 1, d)

    def stop(self, c, links=()):
        """c, waiting for a step: what stands between its last event and that step."""
        duties = tuple(('next', c.last, c.mint) for l in links if l.kind == 'next')
        duties += tuple(('no', ev, env, since) for ev, env, since in c.pend)
        duties += tuple(('next no', ev, env, since) for ev, env, since in c.pendn)
        return c.but(stopped=True, duties=c.duties + duties, links=(), pend=(), pendn=(),
                     pref=c.pref + (NOT_TAKEN,))

    def run_item(self, item, c):
        if isinstance(item, Absent):
            yield from self.run_absent(item, c)
            return
        if self.partials and c.used:
            yield self.stop(c, c.links + (item.link,))
        if not item.optional:
            yield from self.run_part(item.part, c.but(links=c.links + (item.link,)))
            return
        yield from self.run_part(item.part, c.but(links=c.links + (item.link,),
                                                  pref=c.pref + (0,)))
        yield c.but(pref=c.pref + (1,))

    def note_border(self, ev, time):
        """For the account of what was covered: an event of the absence's source at its border."""
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
            if self.partials:  # whether it is broken depends on when the window closes
                duty = ('no for', item.ev, c.env, c.last, c.base, end)
                yield c.but(mint=max(c.mint, end), dl=max(c.dl, end), duties=c.duties + (duty,))
            elif not any(c.base < self.at[k] <= end and self.holds(item.ev, k, c.env)
                       for k in range(c.last + 1, self.n)):
                yield c.but(mint=max(c.mint, end), dl=max(c.dl, end))

    def run_part(self, part, c):
        if isinstance(part, Ev):
            yield from self.run_event(part, c)
            return
        inner = {Count: self.run_count, Times: self.run_times, Group: self.run_group,
                 Of: self.run_of}[type(part)]
        for d in inner(part, c.but(dl=NEVER)):
            ends = (self.ends(d, self.too_late(part, c, d))
                    if part.within is not None or part.with_no else (d,))
            for d in ends:
                if d.stopped:
                    yield from self.stopped_part(part, c, d)
                elif self.guard_holds(part, c, d):
                    yield d.but(dl=max(c.dl, d.dl))

    def too_late(self, part, before, after):
        """Does the part end at a deadline behind its span?"""
        bound = positions(after.used & ~before.used)
        return (part.within is not None and len(bound) > 0 and
                after.dl - self.at[bound[0]] > part.within)

    def ends(self, d, late=False):
        """A part that is over at a deadline may still wait for it when the window closes. Where the
        deadline comes too late for the part's span, time has run out: no event has broken it."""
        if self.partials and not d.stopped and d.dl > NEVER:
            waiting = self.stop(d, d.links)
            yield waiting if late else waiting.but(duties=waiting.duties + (('waits', d.dl),))
            d = d.but(duties=d.duties + (('over', d.dl),))
        yield d

    def stopped_part(self, part, before, after):
        bound = positions(after.used & ~before.used)
        if bound and part.within is not None:
            if self.at[bound[-1]] - self.at[bound[0]] > part.within:
                return
        duties = after.duties
        if bound and part.with_no:
            duties += (('with no', part.with_no, after.env, bound[0]),)
        yield after.but(duties=duties, dl=max(before.dl, after.dl))

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
        if self.partials:
            d = self.bind(c, part.ev, run, (-len(run),) + tuple(run), env0)
            yield self.stop(d, (NEXT,) if part.adj == 'row' else ())
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
        """In a part of a match an iteration that has begun is one more."""
        turns = self.run_items(part.items, 0, d)
        if part.having is not None:
            turns = (e for r in turns for e in self.ends(r))
        for r in turns:
            if r.used == d.used:
                if r.stopped and done:
                    yield r.but(env={**outer, **seen}, pref=c.pref + (-done,) + r.pref)
                continue
            total = {n: seen[n] + tuple(r.env.get(n, ())) for n in seen}
            env = dict(outer)
            env.update(total)
            count = done + 1
            if r.stopped:
                yield r.but(env=env, pref=c.pref + (-count,) + r.pref)
                continue
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
            if not bound:
                continue  # stopped before it began
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
            at_base = c.but(last=base.last, mint=base.mint, pref=c.pref + (0,), stopped=False,
                            dl=NEVER)
            if self.partials:  # not begun
                yield from self.parts(parts, k + 1, need - 1, base,
                                      c.but(stopped=True, pref=c.pref + (1,)))
            for d in (e for r in self.run_items(parts[k], 0, at_base) for e in self.ends(r)):
                if d.used == c.used:
                    continue
                d = d.but(stopped=d.stopped or c.stopped, dl=max(c.dl, d.dl))
                assert not d.pend and not d.pendn, 'an open absence ends a part'
                yield from self.parts(parts, k + 1, need - 1, base,
                                      d.but(mint=max(c.mint, d.mint)))
        if left > need:
            yield from self.parts(parts, k + 1, need, base, c.but(pref=c.pref + (1,)))


class _Next:
    """In a row."""
    kind, within, after = 'next', None, None


NEXT = _Next()


def names_in(items):
    return [ev.label() for ev, role in tests_of(items) if role == 'step']
