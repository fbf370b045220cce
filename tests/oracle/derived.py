"""Derived events: their fields and their places in the total order (3.14, 3.8)."""
import operator

from rules import sources_of
from search import TooMuch

MOST = 40  # derived events of one rule; a consumer of more tells nothing new


def names_behind(file, src):
    if src in file.lets:
        return {n for p in file.lets[src] for n in names_behind(file, p.src)}
    return {src}


def level_of(file, rule):
    """0: reads no derived event; else one more than the rules that derive for it."""
    named = [ev.src for ev in sources_of(rule)] + [p.source.src for p in file.profiles
                                                   if not rule.derives]
    names = set().union(*(names_behind(file, src) for src in named))
    return max((level_of(file, r) + 1 for n in names for r in file.producers(n)), default=0)


def levels(file):
    """(level, rule) in dependency order."""
    return sorted(((level_of(file, r), r) for r in file.rules), key=operator.itemgetter(0))


class Order:
    """Events with their places. A place is (time, 0 input | 1 deadline, root, how far from the
    root, the way from it): behind its cause and in front of what follows the cause's root; what one
    input event brings about stands by its distance first, since the cause's place decides before
    the rule's name."""

    def __init__(self, events):
        self.placed = [((e['at'], 0, (i,), 0, ()), e) for i, e in enumerate(events)]

    @property
    def events(self):
        return [e for _, e in self.placed]

    def place(self, event):
        return next(p for p, e in self.placed if e is event)

    def add(self, new):
        self.placed = sorted(self.placed + new, key=operator.itemgetter(0))


def behind(order, world, point, own):
    """The place of what a match that completes at `point` derives; own: rule name, key, number."""
    level, name, key, number = own
    time, by_deadline, at = point
    if by_deadline:
        return (time, 1, (level, name, key, number), 0, ())
    time, kind, root, far, way = order.place(world.events[at])
    return (time, kind, root, far + 1, way + ((name, key, number),))


def event_of(world, time, value):
    names = (('k', 'j') if world.rule.second_key else ('k',)) if world.rule.keyed else ()
    e = {'topic': world.rule.derives.lower(), 'at': time, 'id': '%s@%d' % (world.rule.name, time)}
    if world.n:
        e.update({n: world.events[0][n] for n in names})
    if value is not None:
        e['v'] = value
    return e


def of(world, order, where, matches, late, notes):
    """(place, event) for every match and every timeout of one rule and key."""
    level, key = where
    out, numbers = [], {}
    told = [(m.point, world.value(world.rule.value, None, m.labels)) for m in matches]
    told += [((t['at'], 1, -1), 1) for t in late]
    for point, value in told:
        number = numbers[point] = numbers.get(point, -1) + 1
        own = (level, world.rule.name, key, number)
        out.append((behind(order, world, point, own), event_of(world, point[0], value)))
    notes['derived'] += len(out)
    notes['derived by deadline'] += any(m.point[1] for m in matches)
    notes['derived by timeout'] += bool(late)
    notes['several at one point'] += any(numbers.values())
    notes['derived in a chain'] += level > 0 and bool(out)
    if len(out) > MOST:
        raise TooMuch
    return out
