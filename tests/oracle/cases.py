"""Random cases with the oracle's answers. Case k of a seed is the same however many are made."""
import collections

import generate
import oracle
import writer

CHUNK = 1000   # cases that are made and run together
MANY = 200     # answers; more tell nothing new
SHORT, LONG = 800, 8000  # events bound in an enumeration: usually, and in one rule of twenty


def answered(name, file, events, watermark, arrival=None, budget=None, notes=None):
    case = {'name': name, 'rule': writer.write(file), 'watermark': watermark, 'events': events}
    if arrival:
        case['arrival'] = arrival
    case.update(oracle.evaluate(file, events, watermark, budget, notes))
    return case


def shorter(events, arrival):
    """The first two thirds of a stream whose enumeration takes too long."""
    n = len(events) * 2 // 3
    return events[:n], arrival and [i for i in arrival if i < n]


def fitting(name, file, events, watermark, arrival, budget, notes):
    while True:
        try:
            return answered(name, file, events, watermark, arrival, budget, notes)
        except oracle.TooMuch:
            events, arrival = shorter(events, arrival)


def chunk(seed, index, size, per_rule, without):
    """A list of (case, file, notes)."""
    out = []
    rule = (seed * 1000000 + index) * 10000
    while len(out) < size:
        file, rng = generate.make_rule(rule, without)
        budget = LONG if rule % 20 == 0 else SHORT
        for k in range(per_rule):
            events, watermark, arrival = generate.make_events(file, rng, without)
            notes = collections.Counter()
            case = fitting('%d.%d' % (rule, k), file, events, watermark, arrival, budget, notes)
            # held back ones too: of a thousand at one point the engine counts no more
            held = sum(ended['count'] for ended in case.get('quiet_ended', ()))
            if len(case['expected']) + held <= MANY:
                out.append((case, file, notes))
        rule += 1
    return out[:size]
