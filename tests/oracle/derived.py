"""Derived events: their fields and their places in the total order (3.14, 3.8)."""
import operator

from rules import events_of, key_of, profiles_read, sources_of
from search import TooMuch

MOST = 40  # derived events of one rule; a consumer of more tells nothing new


def names_behind(file, src):
    if src in file.lets:
        return {n for p in file.lets[src] for n in names_behind(file, p.src)}
    return {src}


def level_of(file, rule):
    """0: reads no derived event; else one more than the rules that derive for it."""
    named = [ev.src for ev in sources_of(rule)]
    named += [p.source.src for p in profiles_read(file, rule)]
    names = set().union(*(names_behind(file, src) for src in named))
    return max((level_of(file, r) + 1 for n in names for r in file.producers(n)), default=0)


def levels(file):
    """(level, rule) in dependency order."""
    return sorted(((level_of(file, r), r) for r in file.rules), key=operator.itemgetter(0))


class Order:
    """Events with their places. A place is (time, 0 input | 1 deadline, root, how far from the
    root, the way from it): behind its cause and in front of what follows the cause's root; what one
    input event or one deadline brings about stands by its distance first, since the cause's place
    decides before the rule's name. A deadline is that of a rule and key, by level."""

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
        return (time, 1, (level, name, key), 1, ((name, key, number),))
    time, kind, root, far, way = order.place(world.events[at])
    return (time, kind, root, far + 1, way + ((name, key, number),))


def event_of(world, time, name, n, value):
    names = (('k', 'j') if world.rule.second_key else ('k',)) if world.rule.keyed else ()
    e = {'topic': name.lower(), 'at': time,
         'id': '%s@%d%s' % (world.rule.name, time, '#%d' % n if n else '')}
    if world.n:
        e.update({n: world.events[0][n] for n in names})
    if value is not None:
        e['v'] = value
    return e


def told_by(world, m):
    """(name, `v`) of each event that a match derives."""
    world.moment = world.moment_of(m.point)
    said = () if world.rule.silent else ((world.rule.derives, world.rule.value),) + world.rule.more
    return [(name, world.value(e, None, m.labels)) for name, e in said]


def of(world, order, where, matches, late, notes):
    """(place, event) for every match and every timeout of one rule and key."""
    level, key = where
    rule = world.rule
    out, numbers = [], {}
    told = [(m.point, told_by(world, m)) for m in matches]
    told += [((t['at'], 1, -1), [(rule.derives, 1)]) for t in late]
    for point, events in told:
        for n, (name, value) in enumerate(events):
            number = numbers[point] = numbers.get(point, -1) + 1
            own = (level, rule.name, key, number)
            out.append((behind(order, world, point, own),
                        event_of(world, point[0], name, n, value)))
    notes['derived'] += len(out)
    notes['derived by deadline'] += any(m.point[1] for m in matches)
    notes['derived by timeout'] += bool(late)
    notes['derived twice'] += bool(matches) and len(events_of(rule)) > 1
    notes['derived by a profile'] += bool(profiles_read(world.file, rule)) and bool(out)
    notes['several at one point'] += any(numbers.values())
    notes['derived in a chain'] += level > 0 and bool(out)
    if len(out) > MOST:
        raise TooMuch
    return out


def cause_before_name(file, order):
    """Are there two events of one root that stand by their causes against their rules' names, and
    are both read by the first rule?"""
    rule = file.rules[0]
    topics = {n.lower() for ev in sources_of(rule) for n in names_behind(file, ev.src)}
    mine = [(place, key_of(rule, e)) for place, e in order.placed if place[4] and
            e['topic'] in topics]
    return any(a[:3] == b[:3] and a[4][-1] > b[4][-1] and key == other
               for i, (a, key) in enumerate(mine) for b, other in mine[i + 1:])
