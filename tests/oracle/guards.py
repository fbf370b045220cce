"""Random rules with a guard on a part that ends at a deadline: `( … no M for D ) with no N`.

The generator draws them too rarely to show, within 20,000 cases, what happens to an N at the deadline itself.
"""
import random

import generate
from rules import Absent, Count, Ev, File, Group, Of, Rule, Step, number
from shape import ends_in_absence


def ending(maker, rng, dur):
    """A step, and an absence for a time behind it."""
    ev = Ev(rng.choice(maker.types), maker.alias(), maker.own() if rng.random() < 0.3 else None)
    part = Count(rng.choice((1, 2)), 2, ev) if rng.random() < 0.2 else ev
    no = Ev(rng.choice(maker.types), where=maker.own())
    return [Step(part), Absent(no, rng.randint(1, dur))]


def guarded(maker, rng, dur):
    if rng.random() < 0.6:
        front = [Step(Ev(rng.choice(maker.types), maker.alias()))] if rng.random() < 0.5 else []
        part = Group(front + ending(maker, rng, dur))
    else:
        other = [Step(Ev(rng.choice(maker.types), maker.alias()))]
        parts = [ending(maker, rng, dur), other if rng.random() < 0.5 else ending(maker, rng, dur)]
        part = Of(rng.choice(('all', 'all', 'any')), rng.sample(parts, 2))
    part.with_no = Ev(rng.choice(generate.TYPES), where=maker.own() if rng.random() < 0.6 else None)
    if rng.random() < 0.3:
        part.within = rng.randint(dur, 8)
    return part


def make_rule(seed):
    """(file, (), rng)"""
    rng = random.Random('guards %d' % seed)
    maker = generate.Maker(rng, ('let', 'list', 'lookup'))
    dur = rng.randint(1, 4)
    items = [Step(guarded(maker, rng, dur))]
    if rng.random() < 0.5:
        items.append(Step(Ev(rng.choice(maker.types), maker.alias())))
    rule = Rule(items, head=rng.randint(8, 14) if rng.random() < 0.6 else None)
    rule.policy = rng.choice(('past last', 'to next', 'no skip'))
    rule.timeout = rule.head is not None and rng.random() < 0.2
    return File(list(generate.TYPES), {}, [number(rule)]), (), rng


def notes_of(file, case, notes):
    part = file.rules[0].items[0].part
    out = {'group' if isinstance(part, Group) else part.word}
    out |= {'a step behind'} if len(file.rules[0].items) > 1 else set()
    out |= {'span'} if part.within is not None else set()
    ends = {m['at'] for m in case['expected']}
    guard = part.with_no.src.lower()
    if notes['borders']:
        out.add('border')
    if any(e['topic'] == guard and e['at'] in ends for e in case['events']):
        out.add('guard at an end')
    return out
