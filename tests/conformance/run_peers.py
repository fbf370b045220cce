#!/usr/bin/env python3
"""Runs pattern cases of other engines as fyke rules and compares each outcome with what
tests/conformance/peers/outcomes.json says of it: same, differs (by choice, with its class), or not
expressible (with the construct that would be needed). Any other outcome fails.

  run_peers.py --fyke BINARY --cases DIR [--only TEXT] [-v] [--markdown] [--update]

Exit: 0, 1 when an outcome is not the recorded one, 77 when the cases are not there.
"""
import argparse
import collections
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent / 'peers'
sys.path.insert(0, str(HERE))

import flink
import kafkastreams
import panther
import siddhi
from peer import NotExpressible, Refused, ask

SOURCES = {'siddhi': siddhi, 'panther': panther, 'kafkastreams': kafkastreams, 'flink': flink}
SKIPPED = 77


def outcome(binary, source, case, verbose):
    """(outcome, what the run showed)"""
    question = None
    try:
        question = source.question(case)
        alerts = ask(binary, question)
        shown = source.compare(case, alerts)
        result = ('differs', shown) if shown else ('same', '')
    except NotExpressible as why:
        result = ('not expressible', str(why))
    except Refused as why:
        result = ('refused', str(why))
    if verbose and result[0] != 'same':
        print('\n%s: %s' % result)
        if question:
            print(question.rule.split('event Marker')[-1])
            for topic, events in question.topics.items():
                print(topic, *events, sep='\n   ')
        print('end', question and question.end, 'expected', case['expected'])
    return result


def unique(names):
    seen = collections.Counter()
    for n in names:
        seen[n] += 1
        yield n if seen[n] == 1 else '%s (%d)' % (n, seen[n])


def run(binary, folder, only, verbose):
    for key, source in SOURCES.items():
        with open(folder / (key + '.jsonl')) as f:
            cases = [json.loads(line) for line in f]
        for label, case in zip(unique(source.name(c) for c in cases), cases):
            if only in key + ' ' + label:
                yield key, label, outcome(binary, source, case, verbose)


def judged(recorded, key, label, result):
    """None when the outcome is the recorded one."""
    entry = recorded['cases'].get(key, {}).get(label, {'outcome': 'same'})
    if entry['outcome'] != result[0]:
        return 'is %s (%s), recorded as %s' % (result + (entry['outcome'],))
    if result[0] not in ('same', 'not expressible') and entry.get('class') not in recorded['classes']:
        return '%s without a class (%s)' % result
    return None


def markdown(results, recorded):
    for key in SOURCES:
        mine = [(l, r) for k, l, r in results if k == key]
        count = collections.Counter(r[0] for _, r in mine)
        print('| %s | %d | %d | %d | %d |' % (key, len(mine), count['same'], count['differs'] +
                                            count['refused'], count['not expressible']))
    classes = collections.Counter()
    needs = collections.Counter()
    for key, label, result in results:
        if result[0] == 'not expressible':
            needs[result[1]] += 1
        elif result[0] != 'same':
            classes[recorded['cases'][key][label]['class']] += 1
    print()
    for name, n in classes.most_common():
        print('| %s | %d | %s |' % (name, n, recorded['classes'][name]))
    print()
    for name, n in needs.most_common():
        print('| %s | %d |' % (name, n))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--fyke', required=True)
    parser.add_argument('--cases', required=True, type=pathlib.Path)
    parser.add_argument('--only', default='')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('--markdown', action='store_true')
    parser.add_argument('--update', action='store_true', help='record outcomes; classes by hand')
    args = parser.parse_args()
    if not all((args.cases / (k + '.jsonl')).exists() for k in SOURCES):
        print('SKIPPED: no cases of the peers in %s' % args.cases)
        return SKIPPED
    path = HERE / 'outcomes.json'
    recorded = json.loads(path.read_text())
    results = list(run(args.fyke, args.cases, args.only, args.verbose))
    if args.update:
        for key, label, result in results:
            mine = recorded['cases'].setdefault(key, {})
            if result[0] == 'same':
                mine.pop(label, None)
            else:
                mine.setdefault(label, {})['outcome'] = result[0]
        path.write_text(json.dumps(recorded, indent=1, sort_keys=True) + '\n')
    if args.markdown:
        markdown(results, recorded)
    wrong = 0
    for key, label, result in results:
        why = judged(recorded, key, label, result)
        if why:
            wrong += 1
            print('%s %s %s' % (key, label, why))
    print(collections.Counter(r[0] for _, _, r in results), '%d not as recorded' % wrong)
    return 1 if wrong or not results else 0


sys.exit(main())
