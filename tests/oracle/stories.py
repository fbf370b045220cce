"""Random events for a rule, made so that it often matches."""
from rules import Absent, Count, Ev, Group, Times, tests_of


def story(items, rng):
    """Sources that could make up a match, in written order."""
    for item in items:
        if isinstance(item, Absent):
            if rng.random() < 0.2:
                yield item.ev
            continue
        part = item.part
        if item.optional and rng.random() < 0.4:
            continue
        if isinstance(part, Ev):
            yield part
        elif isinstance(part, Count):
            for _ in range(min(part.lo + rng.choice((0, 0, 1, 2)), 4)):
                yield part.ev
        elif isinstance(part, Times):
            for _ in range(min(part.lo, 3)):
                yield from story(part.items, rng)
        elif isinstance(part, Group):
            yield from story(part.items, rng)
        elif part.word == 'any':
            yield from story(rng.choice(part.parts), rng)
        else:
            parts = rng.sample(part.parts, part.need())
            for inner in parts:
                yield from story(inner, rng)


def behind(file, tests, rng):
    """Derived events by what their rules would match."""
    for ev in tests:
        rules = file.producers(ev.src)
        if rules:
            yield from behind(file, story(rng.choice(rules).items, rng), rng)
        else:
            yield ev


def type_of(file, src, rng):
    while src in file.lets:
        src = rng.choice(file.lets[src]).src
    return src


def wanted_value(ev, rng):
    """A value that is likely to satisfy the test of `ev`."""
    e = ev.where
    if e and e[0] == 'cmp' and e[2] == ('path', ('v',)) and e[3][0] == 'lit' and e[1] in (
            '=', '<=', '>=') and rng.random() < 0.8:
        return e[3][1]
    return None if rng.random() < 0.08 else rng.randint(0, 3)


def durations(rule):
    """The times that the rule speaks of; events just that far apart stand at its borders."""
    out = [rule.head] + [l.dur for l in rule.leading]
    stack = list(rule.items)
    while stack:
        item = stack.pop()
        if isinstance(item, Absent):
            out.append(item.dur)
            continue
        part = item.part
        out += [item.link.within, item.link.after, getattr(part, 'within', None),
                getattr(part, 'each', None)]
        for items in getattr(part, 'parts', None) or [getattr(part, 'items', [])]:
            stack += items
    return [d for d in out if d is not None]


def events_for(file, rng, keys=1, size=0):
    """Up to 12 events, or about `size` of them."""
    rule = file.rules[0]
    named = [ev for ev, _ in tests_of(rule.items)] + rule.without + [l.ev for l in rule.leading]
    named += [p.source for p in file.profiles]
    derives, measures = any(r.derives for r in file.rules), bool(file.profiles)
    rounds = 12 if size else rng.choice((1, 1, 2)) + derives + 2 * measures
    tale = [ev for _ in range(rounds) for ev in behind(file, story(rule.items, rng), rng)]
    for _ in range(size // 4 + rng.choice((0, 1, 1, 2, 3))):
        i = rng.randint(0, len(tale))
        tale[i:i] = behind(file, [rng.choice(named)], rng)
    for _ in range(rng.choice((0, 0, 1))):
        if len(tale) > 1:
            i = rng.randrange(len(tale) - 1)
            tale[i], tale[i + 1] = tale[i + 1], tale[i]
    steps = rng.choice(((0, 1), (0, 1, 1, 2), (0, 1, 2, 3), (0, 0, 0, 1), (1, 2, 3, 4)))
    at = rng.choice((0, 0, 0, 2))
    if any(not l.assume_quiet for l in rule.leading):
        tale = list(behind(file, [rng.choice(named)], rng)) + tale
        at -= rng.randint(2, 6)
    exact = durations(rule)
    out = []
    limit = size or rng.choice((8, 10, 10, 12)) + (5 if derives else 6 * measures)
    for ev in tale[:limit]:
        kind = type_of(file, ev.src, rng)
        e = {'topic': kind.lower(), 'k': 'k%d' % rng.randint(1, keys), 'at': at}
        v = wanted_value(ev, rng)
        if v is not None:
            e['v'] = v
        out.append(e)
        at += rng.choice(exact) if exact and rng.random() < 0.1 else rng.choice(steps)
    low = min((e['at'] for e in out), default=0)
    for e in out:
        e['at'] -= min(low, 0)
    out.sort(key=lambda e: (e['at'], file.events.index(e['topic'].upper())))
    for i, e in enumerate(out):
        e['id'] = i + 1
    return out


def interleaved(events, rng):
    """Another order of reading: each topic in its own order."""
    queues = {}
    for i, e in enumerate(events):
        queues.setdefault(e['topic'], []).append(i)
    out = []
    while queues:
        topic = rng.choice(sorted(queues))
        out.append(queues[topic].pop(0))
        if not queues[topic]:
            del queues[topic]
    return out


def scattered(file, events, rng):
    """Reads every topic out of order, none late: (events in their total order, arrival). Events of
    one time and topic take the order in which they were read."""
    pool, read, top = [dict(e) for e in events], [], {}
    while pool:
        fits = [e for e in pool if all(
            x['topic'] != e['topic'] or x['at'] >= max(top.get(e['topic'], 0), e['at']) -
            file.disorder for x in pool)]
        e = rng.choice(fits)
        pool = [x for x in pool if x is not e]
        top[e['topic']] = max(top.get(e['topic'], 0), e['at'])
        read.append(e)
    order = sorted(range(len(read)), key=lambda i: (
        read[i]['at'], file.events.index(read[i]['topic'].upper()), i))
    out = [read[i] for i in order]
    for i, e in enumerate(out):
        e['id'] = i + 1
    return out, [order.index(i) for i in range(len(read))]
