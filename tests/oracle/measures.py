"""Measures of profiles, worked out anew from all events before the one at hand (3.12)."""
from fractions import Fraction


def total(name, values):
    """An aggregate over values that are not missing."""
    if name == 'count':
        return len(values)
    if name == 'sum':
        return sum(values)
    if not values:
        return None
    if name == 'count_distinct':
        return len(set(values))
    if name in ('distinct', 'set'):
        return list(dict.fromkeys(values))
    if name == 'average':
        return Fraction(sum(values)) / len(values)
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


def of(name, arg, events):
    if arg is None:
        return len(events)
    return total(name, [e[arg] for e in events if e.get(arg) is not None])


def recent(values, most):
    """The `most` values that were seen last."""
    latest = list(dict.fromkeys(reversed(values)))[:most]
    return [x for x in dict.fromkeys(values) if x in latest]


def value(m, events, time):
    """events: those of the profile's source and key before the current one, in order."""
    if m.warm is not None and not warm(m, events, time):
        return None
    low = begin(m, time)
    seen = [e for e in events if place(m, e) >= low]
    if m.every is not None:
        seen = [e for e in seen if place(m, e) < bucket(m, time)]
    if m.inner is not None:
        parts = {}
        for e in seen:
            parts.setdefault(bucket(m, e['at']), []).append(e)
        inner = [of(m.inner, m.arg, part) for part in parts.values()]
        return total(m.outer, [x for x in inner if x is not None])
    if m.most is not None:
        return recent([e[m.arg] for e in seen if e.get(m.arg) is not None], m.most) or None
    return of(m.outer, m.arg, seen)
