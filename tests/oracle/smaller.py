"""Simpler neighbours of a case, for making a difference small."""
import copy

import rules


def smaller_parts(obj):
    """Every tree that is one step simpler, as (attribute, new value)."""
    if isinstance(obj, rules.Ev):
        if obj.where is not None:
            yield 'where', None
            if obj.where[0] in ('and', 'or'):
                yield 'where', obj.where[1]
                yield 'where', obj.where[2]
            if obj.where[0] == 'not':
                yield 'where', obj.where[1]
    for name in ('with_no', 'within', 'each', 'until', 'having', 'adj', 'head', 'quiet', 'after',
                 'kind'):
        if getattr(obj, name, None) is not None and hasattr(obj, name):
            if not (isinstance(obj, rules.Absent)):
                yield name, None
    for name in ('within', 'each', 'head', 'quiet', 'after', 'dur'):
        x = getattr(obj, name, None)
        if isinstance(x, int) and x > 1:
            yield name, x // 2
            yield name, x - 1
    if getattr(obj, 'optional', False):
        yield 'optional', False
    if isinstance(obj, (rules.Count, rules.Times)):
        if obj.lo > 1:
            yield 'lo', obj.lo - 1
        if obj.hi is not None and obj.hi > obj.lo:
            yield 'hi', obj.hi - 1
        if obj.hi is None:
            yield 'hi', obj.lo
            yield 'hi', obj.lo + 1
    if isinstance(obj, rules.Step):
        p = obj.part
        if isinstance(p, rules.Count):
            yield 'part', p.ev
        if isinstance(p, rules.Times):
            yield 'part', rules.Group(p.items, p.with_no, p.within)
        if isinstance(p, rules.Of):
            for items in p.parts:
                yield 'part', rules.Group(items, p.with_no, p.within)
        if isinstance(p, rules.Group) and len(p.items) == 1 and isinstance(p.items[0],
                                                                          rules.Step):
            yield 'part', p.items[0].part
    if isinstance(obj, rules.Rule):
        if obj.timeout:
            yield 'timeout', False
        if obj.policy != 'past last':
            yield 'policy', 'past last'
            if obj.policy != 'to next':
                yield 'policy', 'to next'
        for k in range(len(obj.without)):
            yield 'without', obj.without[:k] + obj.without[k + 1:]
        for k in range(len(obj.leading)):
            yield 'leading', obj.leading[:k] + obj.leading[k + 1:]
    if isinstance(obj, rules.Leading) and not obj.assume_quiet:
        yield 'assume_quiet', True
    items = getattr(obj, 'items', None)
    if items:
        for k in range(len(items)):
            if len(items) > 1:
                yield 'items', items[:k] + items[k + 1:]
            it = items[k]
            if isinstance(it, rules.Step) and isinstance(it.part, rules.Group):
                if it.part.with_no is None and it.part.within is None and not it.optional:
                    yield 'items', items[:k] + it.part.items + items[k + 1:]
    if isinstance(obj, rules.Of):
        for k in range(len(obj.parts)):
            if len(obj.parts) > 2:
                yield 'parts', obj.parts[:k] + obj.parts[k + 1:]


def nodes(obj, seen=None):
    if isinstance(obj, (list, tuple)):
        for x in obj:
            yield from nodes(x)
    elif hasattr(obj, '__dataclass_fields__'):
        yield obj
        for name in obj.__dataclass_fields__:
            yield from nodes(getattr(obj, name))


def simpler_files(file):
    count = sum(1 for _ in nodes(file.rules[0]))
    for k in range(count):
        obj = list(nodes(file.rules[0]))[k]
        for name, value in list(smaller_parts(obj)):
            f = copy.deepcopy(file)
            target = list(nodes(f.rules[0]))[k]
            setattr(target, name, copy.deepcopy(value))
            rules.number(f.rules[0])
            yield f
    if len(file.rules) > 1:
        for rule in file.rules:
            yield rules.File(file.events, file.lets, [rule], file.disorder)
        return
    if file.disorder is not None:
        yield rules.File(file.events, file.lets, file.rules)
    for name in file.lets:
        f = copy.deepcopy(file)
        parts = f.lets.pop(name)
        for ev in nodes(f.rules[0]):
            if isinstance(ev, rules.Ev) and ev.src == name:
                ev.src = parts[0].src
        yield f


def simpler_events(case):
    events = case['events']
    for k in range(len(events)):
        yield [dict(e) for e in events[:k] + events[k + 1:]]
    for k in range(len(events)):
        if 'v' in events[k]:
            e = [dict(x) for x in events]
            del e[k]['v']
            yield e
    for k in range(len(events)):
        gap = events[k]['at'] - (events[k - 1]['at'] if k else 0)
        for d in {gap, 1}:
            if 0 < d <= gap:
                e = [dict(x) for x in events]
                for x in e[k:]:
                    x['at'] -= d
                yield e
    if any(e['k'] != 'k1' for e in events):
        yield [dict(e, k='k1') for e in events]


def candidates(case, file):
    for events in simpler_events(case):
        order = [(e['at'], file.events.index(e['topic'].upper())) for e in events]
        if order == sorted(order):
            top = events[-1]['at'] if events else 0
            for i, e in enumerate(events):
                e['id'] = i + 1
            yield events, max(case['watermark'], top), file, None
    if case.get('arrival'):
        yield case['events'], case['watermark'], file, None
    last = case['events'][-1]['at'] if case['events'] else 0
    for w in {last, (case['watermark'] + last) // 2, case['watermark'] - 1}:
        if last <= w < case['watermark']:
            yield case['events'], w, file, case.get('arrival')
    for f in simpler_files(file):
        yield case['events'], case['watermark'], f, case.get('arrival')
