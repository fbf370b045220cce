"""Questions about a pattern: what may be empty, what is open at its end, what is named."""
from rules import Absent, Group, Of, Step, Times


def uses(e, name):
    if isinstance(e, tuple):
        if len(e) > 1 and e[0] == 'path':
            return e[1][0] == name
        return any(uses(x, name) for x in e)
    return False


def can_be_empty(part):
    if isinstance(part, Group) or isinstance(part, Times):
        return all(isinstance(x, Absent) or x.optional or can_be_empty(x.part)
                   for x in part.items)
    return False


def tighter(limit, within):
    return within if limit is None else limit if within is None else min(limit, within)


def open_ends(items, limit):
    """(absence without a time after which no step need follow in `items`, the limit around it)."""
    for item in reversed(items):
        if isinstance(item, Absent):
            if item.dur is None:
                yield item, limit
            continue
        part = item.part
        if isinstance(part, (Group, Times)):
            yield from open_ends(part.items, tighter(limit, part.within))
        elif isinstance(part, Of):
            for inner in part.parts:
                yield from open_ends(inner, tighter(limit, part.within))
        if not item.optional and not can_be_empty(part):
            return


def ends_in_absence(part):
    if isinstance(part, (Group, Times)):
        return any(isinstance(x, Absent) or (isinstance(x, Step) and ends_in_absence(x.part))
                   for x in part.items)
    if isinstance(part, Of):
        return any(isinstance(x, Absent) or (isinstance(x, Step) and ends_in_absence(x.part))
                   for items in part.parts for x in items)
    return False


def ends_optional(items):
    end = items[-1]
    if isinstance(end, Absent):
        return any(isinstance(x, Step) and x.optional for x in items)
    if end.optional:
        return True
    part = end.part
    if isinstance(part, (Group, Times)):
        return ends_optional(part.items)
    if isinstance(part, Of):
        return any(ends_optional(x) for x in part.parts)
    return False
