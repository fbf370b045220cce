"""Parts of matches that were begun and not finished when their window closed (language.md section 4,
Timeout), by enumeration: the walk of oracle.py, which may be left wherever one more event would be
bound."""
import math

from oracle import NEVER, NEXT, Ctx, Matcher, positions
from rules import Ev


class Part:
    def __init__(self, c, pref):
        self.labels, self.used = c.labels, c.used
        self.order = (-bin(c.used).count('1'), pref + (math.inf,))


class Parts(Matcher):
    """`open`: parts of the pattern that have begun; `seen`: what earlier iterations of the groups
    around have bound; `prefs`: their preference so far; `leave`: who is told where the walk is left.
    All four are stacks."""

    def __init__(self, file, rule, events, history, first, now):
        super().__init__(file, rule, events, history)
        self.first, self.now, self.best = first, now, None
        self.open, self.seen, self.prefs, self.leave = [], [], [], [self.left]

    def candidates(self, c):
        start = self.first if c.last is None else c.last + 1
        return [i for i in range(start, self.n) if self.at[i] > c.mint]

    @staticmethod
    def during(stack, item, results):
        """The item stands on the stack while the generator works, not while others do."""
        stack.append(item)
        for r in results:
            stack.pop()
            yield r
            stack.append(item)
        stack.pop()

    # -- what is alive

    def total(self, env, level):
        env = dict(env)
        for seen in reversed(self.seen[level:]):
            for name, bound in seen.items():
                env[name] = bound + tuple(env.get(name, ()))
        return env

    def pref(self, c, level):
        out = ()
        for base, done, used, before in self.prefs[level:]:
            out += base + (-(done + (c.used != used)),) + before
        return out + c.pref

    def alive(self, c, level):
        after = range((-1 if c.last is None else c.last) + 1, self.n)
        if c.last is not None and any(l.kind == 'next' for l in c.links) and any(
                self.counted[k] for k in self.candidates(c)):
            return False
        if any(self.holds(ev, k, env) for ev, env, since in c.pend for k in after):
            return False
        for ev, env, since in c.pendn:
            k = self.next_counted(since)
            if k is not None and self.holds(ev, k, env):
                return False
        for part, before, scope in self.open[level:]:
            bound = positions(c.used & ~before.used)
            if (part.within is not None and bound and
                    self.at[bound[-1]] - self.at[bound[0]] > part.within):
                return False
            if part.with_no and bound and any(
                    self.holds(part.with_no, k, self.total(c.env, scope))
                    for k in range(bound[0] + 1, self.n)):
                return False
        return True

    def left(self, c):
        if not c.used or positions(c.used)[0] != self.first or not self.alive(c, 0):
            return
        whole = c.but(env=self.total(c.env, 0))
        if not self.leading_holds(whole, self.first) or self.killed(whole, self.first,
                                                                    (self.now, 1, -1)):
            return
        part = Part(c, self.pref(c, 0))
        if self.best is None or part.order < self.best.order:
            self.best = part

    # -- where the walk may be left

    def run_event(self, ev, c):
        self.leave[-1](c)
        yield from super().run_event(ev, c)

    def run_part(self, part, c):
        if isinstance(part, Ev):
            yield from self.run_event(part, c)
            return
        inner = {'Count': self.run_count, 'Times': self.run_times, 'Group': self.run_group,
                 'Of': self.run_of}[type(part).__name__]
        frame = (part, c, len(self.seen))
        for d in self.during(self.open, frame, inner(part, c.but(dl=NEVER))):
            if d.dl <= self.now and self.guard_holds(part, c, d):
                yield d.but(dl=max(c.dl, d.dl))
            elif d.dl > NEVER and d.dl >= self.at[d.last]:
                self.open.append(frame)  # it waits for its deadline, or that comes too late
                self.leave[-1](d)
                self.open.pop()

    def run_count(self, part, c):
        self.leave[-1](c)
        yield from super().run_count(part, c)

    def grow(self, part, c, run, env0):
        d = self.bind(c, part.ev, run, (-len(run),) + tuple(run), env0)
        settled = (part.until and len(run) >= part.lo and
                   self.value(part.until, run[-1], d.env) is True)
        broken = part.adj == 'row' and self.next_counted(run[-1]) is not None
        if not settled and not broken and (part.hi is None or len(run) < part.hi):
            self.leave[-1](d)
        yield from super().grow(part, c, run, env0)

    def rounds(self, part, c, d, outer, seen, done):
        results = self.during(self.prefs, (c.pref, done, d.used, d.pref),
                              self.during(self.seen, seen,
                                          self.run_items(part.items, 0, d.but(pref=()))))
        for r in results:
            if r.used == d.used:
                continue
            r = r.but(pref=d.pref + r.pref)
            total = {n: seen[n] + tuple(r.env.get(n, ())) for n in seen}
            count = done + 1
            whole = r.but(env={**outer, **total}, pref=c.pref + (-count,) + r.pref)
            if count >= part.lo and (part.having is None or
                                     self.value(part.having, r.last, whole.env) is True):
                yield whole
            if part.hi is None or count < part.hi:
                links = (NEXT,) if part.adj == 'row' else ()
                yield from self.rounds(part, c, r.but(env=outer, links=links), outer, total,
                                       count)

    # -- parts in any order: each may be whole, left somewhere, or not begun

    def run_of(self, part, c):
        if part.need() == 1:
            yield from super().run_of(part, c)
            return
        self.leave[-1](c)
        base = c.but(links=(), pend=(), pendn=())
        for d in self.some_parts(part.parts, 0, part.need(), base, base, False, c):
            entered = self.entered(c, d)
            if entered:
                last = positions(d.used & ~c.used)[-1]
                ended = d.dl if d.dl >= self.at[last] else NEVER
                yield d.but(links=(), pend=(), pendn=(), last=last, base=ended)

    def entered(self, c, d):
        first = positions(d.used & ~c.used)[0]
        ev, env = d.tests[first]
        return self.enter(c, first, ev, env)

    def some_parts(self, parts, k, need, base, c, unfinished, whole):
        left = len(parts) - k
        if need == 0 or left == 0:
            if need == 0 and not unfinished:
                yield c.but(pref=c.pref + (1,) * left)
            elif c.used != whole.used and self.entered(whole, c):
                last = positions(c.used & ~whole.used)[-1]
                self.leave[-1](c.but(links=(), pend=(), pendn=(), last=last))
            return
        marks = len(self.open), len(self.seen), len(self.prefs), len(self.leave)

        def left_in_part(d):
            if d.used == c.used or not self.alive(d, marks[0]):
                return
            d = d.but(env=self.total(d.env, marks[1]), links=(), pend=(), pendn=(),
                      pref=self.pref(d, marks[2]) + (math.inf,))
            stacks = self.open, self.seen, self.prefs, self.leave
            self.open, self.seen, self.prefs, self.leave = (
                s[:m] for s, m in zip(stacks, marks))
            for _ in self.some_parts(parts, k + 1, need - 1, base, d, True, whole):
                assert False, 'an unfinished part was taken for a whole'
            self.open, self.seen, self.prefs, self.leave = stacks

        start = c.but(last=base.last, mint=base.mint, pref=c.pref + (0,), dl=base.dl)
        for d in self.during(self.leave, left_in_part, self.run_items(parts[k], 0, start)):
            if d.dl > self.now:
                left_in_part(d)
                continue
            yield from self.some_parts(parts, k + 1, need - 1, base,
                                       d.but(mint=max(c.mint, d.mint), dl=max(c.dl, d.dl)),
                                       unfinished, whole)
        yield from self.some_parts(parts, k + 1, need, base, c.but(pref=c.pref + (1,)),
                                   unfinished, whole)

    def longest(self):
        for c in self.run_items(self.rule.items, 0, Ctx()):
            self.left(c)
        return self.best


def used_at(rule, reported, time):
    used = 0
    for m in reported:
        if m.point <= (time, 2):
            used |= m.uses(rule.policy)
    return used


def timeouts(world, reported, watermark):
    """Answers as in spec.fyke.jsonl. `reported`: the matches, in their order."""
    out, shown, rule = [], 0, world.rule
    began = {m.first for m in reported}
    for first in range(world.n):
        now = world.at[first] + rule.head
        if now >= watermark or first in began or used_at(rule, reported, now) >> first & 1:
            continue
        if rule.policy == 'past last' and shown >> first & 1:
            continue
        events = [e for e in world.events if e['at'] <= now]
        search = Parts(world.file, rule, events, world.history, first, now)
        search.budget = world.budget
        part = search.longest()
        world.budget = search.budget
        if part is None:
            continue
        shown |= part.used
        ids = lambda b: sorted(events[i]['id'] for i in b)
        last = positions(part.used)[-1]
        out.append({'at': now, 'step': next(n for n, b in part.labels.items() if last in b),
                    'ids': ids(positions(part.used)),
                    'steps': {n: ids(b) for n, b in sorted(part.labels.items()) if b}})
    return out
