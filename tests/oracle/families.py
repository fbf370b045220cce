"""Families of cases beside the generator's: what `run.py` does not draw, with seeds of their own.

  families.py --cases-binary PATH --family outputs|sets|guards [--seed N] [--cases N] [--workers N]

outputs: rules that tell an alert and events of one match; sets: sets of profiles, shown in order;
guards: `with no` on parts that end at a deadline.
Exit: 0, 1 when an answer differs, or when too few cases have a match.
"""
import argparse
import collections
import json
import multiprocessing
import sys

import cases as made
import generate
import guards
import oracle
import outputs
import sets
import writer
from engine import run_cases

MATCH_FLOOR = 30  # per cent of the cases
# Constructs that a family must meet, and how often in a thousand cases.
FLOORS = {
    'outputs': {'alert and event': 300, 'alert, at timeout event': 10, 'event, at timeout alert': 10,
                'timeout alert': 10, 'timeout event': 10, 'held back': 10, 'event in front': 100,
                'main rule': 100, 'derived in a chain': 20, 'derived by deadline': 20,
                'derived by timeout': 2, 'two events': 5, 'profile': 20},
    'sets': {'every': 100, 'max': 100, 'max with every': 50, 'warm': 50, 'nested': 20, 'where': 50,
             'distinct with max': 50, 'several values': 100, 'not in order of value': 50,
             'derived': 50},
    'guards': {'group': 300, 'all': 100, 'any': 50, 'a step behind': 300, 'span': 100, 'border': 200,
               'guard at an end': 50},
}


class Outputs:
    @staticmethod
    def make(seed):
        return outputs.make_rule(seed)

    @staticmethod
    def text(file, joints):
        return outputs.text_of(file, joints)

    @staticmethod
    def answer(file, joints, events, watermark, notes):
        return oracle.evaluate(outputs.split(file, joints), events, watermark, made.SHORT, notes)

    @staticmethod
    def notes(file, joints, case, notes):
        return outputs.notes_of(file, joints, case, notes)


class Guards:
    @staticmethod
    def make(seed):
        return guards.make_rule(seed)

    @staticmethod
    def text(file, _):
        return writer.write(file)

    @staticmethod
    def answer(file, _, events, watermark, notes):
        return oracle.evaluate(file, events, watermark, made.SHORT, notes)

    @staticmethod
    def notes(file, _, case, notes):
        return guards.notes_of(file, case, notes)


class Sets:
    @staticmethod
    def make(seed):
        return sets.make_rule(seed)

    @staticmethod
    def text(file, _):
        return writer.write(file)

    @staticmethod
    def answer(file, _, events, watermark, notes):
        oracle.Matcher, plain = sets.Matcher, oracle.Matcher
        try:
            return oracle.evaluate(file, events, watermark, made.SHORT, notes)
        finally:
            oracle.Matcher = plain

    @staticmethod
    def notes(file, _, case, notes):
        return sets.notes_of(file, case)


FAMILIES = {'outputs': Outputs, 'sets': Sets, 'guards': Guards}


def fitting(family, file, joints, events, watermark, arrival):
    """A case with the oracle's answers, of as many events as it can take; what was met on the way."""
    while True:
        notes = collections.Counter()
        try:
            said = family.answer(file, joints, events, watermark, notes)
        except oracle.TooMuch:
            events, arrival = made.shorter(events, arrival)
            continue
        case = {'rule': family.text(file, joints), 'watermark': watermark, 'events': events, **said}
        if arrival:
            case['arrival'] = arrival
        return case, notes


def some(family, seed, size):
    """[(case, what it has)]: `size` cases, four of each rule."""
    out = []
    while len(out) < size:
        seed += 1
        maker = family.make(seed)
        if maker is None:
            continue
        file, joints, rng = maker
        for k in range(4):
            case, notes = fitting(family, file, joints, *generate.make_events(file, rng))
            held = sum(ended['count'] for ended in case.get('quiet_ended', ()))
            if len(case['expected']) + held <= made.MANY:
                case['name'] = '%d.%d' % (seed, k)
                out.append((case, family.notes(file, joints, case, notes)))
    return out[:size]


def first_seed(seed, case):
    """Of the rules from case number `case` on."""
    return (seed * 100000 + case) * 10000


def one(job):
    binary, name, seed, size = job
    seen, cases = collections.Counter(), some(FAMILIES[name], seed, size)
    for case, notes in cases:
        seen.update(notes)
        seen['cases'] += 1
        seen['matched'] += bool(case['expected'])
    by_name = {case['name']: case for case, _ in cases}
    found = run_cases(binary, list(by_name.values()))
    return seen, [(what, words, by_name[n]) for n, (what, words) in found.items()]


def missing(name, seen):
    out = ['%s: %d' % (word, seen[word]) for word, floor in FLOORS[name].items()
           if seen[word] * 1000 < floor * seen['cases']]
    if seen['matched'] * 100 < MATCH_FLOOR * seen['cases']:
        out.append('%d with a match' % seen['matched'])
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--cases-binary', required=True)
    p.add_argument('--family', choices=sorted(FAMILIES), required=True)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=2000)
    p.add_argument('--workers', type=int, default=2)
    p.add_argument('--show', type=int, default=5, help='how many differences to print')
    args = p.parse_args()
    jobs = [(args.cases_binary, args.family, first_seed(args.seed, k),
             min(made.CHUNK, args.cases - k)) for k in range(0, args.cases, made.CHUNK)]
    seen, kinds = collections.Counter(), collections.Counter()
    with multiprocessing.Pool(args.workers) as pool:
        for counted, found in pool.imap(one, jobs):
            seen.update(counted)
            for what, words, case in found:
                kinds[what] += 1
                if sum(kinds.values()) <= args.show:
                    print(case['name'], what, words, '\n', case['rule'], json.dumps(case), flush=True)
    print(' · '.join('%s %d' % (w, n) for w, n in sorted(seen.items())))
    short = missing(args.family, seen)
    print('\n'.join('too few: ' + line for line in short), end='\n' if short else '')
    print('%s, seed %d: %d cases, %d with a match, %d differ %s' % (
        args.family, args.seed, seen['cases'], seen['matched'], sum(kinds.values()), dict(kinds)))
    return 1 if kinds or short else 0


if __name__ == '__main__':
    sys.exit(main())
