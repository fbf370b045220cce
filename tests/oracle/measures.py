"""Measures of profiles, worked out anew from all events before the one at hand (3.12)."""
import math
from fractions import Fraction

PLACES = 18   # of decimals
NS = 6        # of durations in ms


def scaled(x, places=PLACES):
    """Rounded half to even."""
    return Fraction(round(Fraction(x) * 10 ** places), 10 ** places)


def root(x, places):
    """Rounded to the nearest."""
    return Fraction((math.isqrt(math.floor(4 * x * 10 ** (2 * places))) + 1) // 2, 10 ** places)


def deviation(values, places):
    """Of a sample."""
    if len(values) < 2:
        return None
    mean = Fraction(sum(values)) / len(values)
    return root(sum((x - mean) ** 2 for x in values) / (len(values) - 1), places)


def nearest_rank(values, percent):
    rank = math.ceil(Fraction(percent * len(values), 100))
    return sorted(values)[max(rank, 1) - 1]


def total(name, values, nth=None):
    """An aggregate over values that are not missing."""
    if name == 'count':
        return len(values)
    if name == 'sum':
        return sum(values)
    if name.startswith('gap'):
        gaps = [b - a for a, b in zip(values, values[1:])]
        if name == 'gap_stddev':
            return deviation(gaps, NS)
        return scaled(Fraction(sum(gaps)) / len(gaps), NS) if gaps else None
    if name == 'stddev':
        return deviation(values, PLACES)
    if not values:
        return None
    if name == 'count_distinct':
        return len(set(values))
    if name in ('distinct', 'set'):
        return list(dict.fromkeys(values))
    if name == 'collect':
        return list(values)
    if name == 'average':
        return scaled(Fraction(sum(values)) / len(values))
    if name == 'percentile':
        return nearest_rank(values, nth)
    if name == 'nth':
        return values[nth - 1] if nth <= len(values) else None
    return {'min': min, 'max': max, 'first': lambda v: v[0], 'last': lambda v: v[-1]}[name](values)


def bucket(m, time):
    return time - time % m.every


def begin(m, time):
    """The earliest time that belongs to the window at `time`."""
    return (time if m.every is None else bucket(m, time)) - m.over


def place(m, event):
    """The time by which an event belongs to a window or not."""
    return event['at'] if m.every is None else bucket(m, event['at'])


def warm(m, events, time):
    """Has `warm` passed since the first event, anew whenever nothing was left of the window?"""
    since = last = None
    for e in events:
        if last is None or place(m, last) < begin(m, e['at']):
            since = e['at']
        last = e
    if last is None or place(m, last) < begin(m, time):
        return False
    return time - since >= m.warm


def of(name, arg, nth, events):
    if name.startswith('gap'):
        return total(name, [e['at'] for e in events])
    if arg is None:
        return len(events)
    return total(name, [e[arg] for e in events if e.get(arg) is not None], nth)


def recent(values, most):
    """The `most` values that were seen last."""
    latest = list(dict.fromkeys(reversed(values)))[:most]
    return [x for x in dict.fromkeys(values) if x in latest]


def in_window(m, events, time):
    low = begin(m, time)
    seen = [e for e in events if place(m, e) >= low]
    if m.every is not None:
        seen = [e for e in seen if place(m, e) < bucket(m, time)]
    return seen


def value(m, p, events, takes):
    """Part `p` of measure `m` over the events of its window; takes: does its `where` hold?"""
    if p.inner is not None:
        buckets = {}
        for e in events:
            buckets.setdefault(bucket(m, e['at']), [])
            if takes(e):
                buckets[bucket(m, e['at'])].append(e)
        inner = [of(p.inner, p.arg, p.inner_nth, part) for part in buckets.values()]
        return total(p.outer, [x for x in inner if x is not None], p.nth)
    events = [e for e in events if takes(e)]
    if m.most is not None and p.outer in ('set', 'distinct'):
        return recent([e[p.arg] for e in events if e.get(p.arg) is not None], m.most) or None
    return of(p.outer, p.arg, p.nth, events)
