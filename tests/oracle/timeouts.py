"""`on timeout`: which beginnings of matches are shown when their window closes.

A partial match is an assignment to some of the steps that satisfies what is said of the events it
binds. It stays until an event breaks it: an absence, `next`, `without`, `with no`; nothing else
does (a gap that has passed, a `having` that came out false are no such events). `in a row` is
`next` between the events of a run. In a `no M for D` that is over nobody waits: what follows decides.
"""
from search import Ctx, positions


def next_broken(world, end, *since):
    k = world.next_counted(*since)
    return k is not None and world.at[k] <= end


def duty_broken(world, duty, end):
    """Does an event up to the time `end` break it?"""
    kind, rest = duty[0], duty[1:]
    if kind == 'waits':
        return rest[0] <= end
    if kind == 'over':
        return rest[0] > end
    if kind == 'next':
        return next_broken(world, end, *rest)
    ev, env, since = rest[:3]
    if kind == 'next no':
        return next_broken(world, end, since) and world.holds(ev, world.next_counted(since), env)
    low = float('-inf')
    if kind == 'no for':
        low, end = rest[3], min(end, rest[4])
    return any(low < world.at[k] <= end and world.holds(ev, k, env)
               for k in range(since + 1, world.n))


def without_broken(world, c, first, end):
    for k in range(first + 1, world.n):
        env = {n: tuple(i for i in b if i <= k) for n, b in c.env.items()}
        if world.at[k] <= end and any(world.holds(m, k, env) for m in world.rule.without):
            return True
    return False


def alive(world, c, first, end):
    last = c.used.bit_length() - 1
    return (world.at[last] <= end and world.leading_holds(c, first) and
            not any(duty_broken(world, d, end) for d in c.duties) and
            not without_broken(world, c, first, end))


def longest(world):
    """first event -> the longest part of a match that begins there and is still alive."""
    out = {}
    world.partials = True
    for c in world.run_items(world.rule.items, 0, Ctx()):
        if not c.used:
            continue
        if not c.stopped:  # all is bound, and waits for its deadline
            c = world.stop(c)
            c = c.but(duties=c.duties + (('waits', c.dl),))
        first = positions(c.used)[0]
        order = (-bin(c.used).count('1'), c.pref)
        if first in out and out[first][0] <= order:
            continue
        if alive(world, c, first, world.at[first] + world.rule.head):
            out[first] = (order, c)
    world.partials = False
    return {first: c for first, (_, c) in out.items()}


def answer(world, c, time):
    ids = world.ids
    last = c.used.bit_length() - 1
    return {'at': time, 'step': next(n for n, b in c.labels.items() if last in b),
            'ids': ids(positions(c.used)),
            'steps': {n: ids(b) for n, b in sorted(c.labels.items()) if b}}


def find(world, found, reported, watermark):
    """found: all matches; reported: those that are reported."""
    starts, shown, out = {m.first for m in found}, 0, []
    for first, c in sorted(longest(world).items()):
        time = world.at[first] + world.rule.head
        used = 0
        for m in reported:
            if m.point[0] <= time:
                used |= m.uses_up
        if time >= watermark or first in starts or (used | shown) >> first & 1:
            continue
        out.append(answer(world, c, time))
        if world.rule.policy == 'past last':
            shown |= c.used
    return out
