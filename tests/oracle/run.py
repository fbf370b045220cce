"""Differential test: random rules over random events, the oracle's answers against the engine's.

  run.py --cases-binary PATH [--seed N] [--cases N] [--without CONSTRUCT[,…]] [--shrink]
         [--keep DIR] [--per-rule N]
  run.py --validate FILE   the oracle itself against cases with known answers

Exit: 0, 1 when an answer differs.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile

import generate
import oracle
import reader
import writer
from smaller import candidates


# ---- the oracle against known answers ------------------------------------------------------------

def canonical(case):
    lines = [json.dumps([m['at'], m['by'], {k: sorted(v) for k, v in m['steps'].items()},
                         m.get('suppressed')], sort_keys=True) for m in case.get('expected', [])]
    ended = [json.dumps([m['at'], m['count']]) for m in case.get('quiet_ended', [])]
    return sorted(lines), sorted(ended)


def validate(path):
    """Cases of the format in tests/README.md; those with timeouts are not evaluated here."""
    same = other = left = 0
    with open(path) as f:
        for line in f:
            case = json.loads(line)
            if 'expected' not in case or 'timeouts' in case:
                left += 1
                continue
            file = reader.read(case['rule'])
            got = oracle.evaluate(file, case['events'], case['watermark'])
            if canonical(got) == canonical(case):
                same += 1
            else:
                other += 1
                print('differs', case['name'], '\n', case['rule'], case['events'],
                      '\n expected', canonical(case), '\n oracle  ', canonical(got))
    print('%d same, %d differ, %d not asked (refusals, timeouts)' % (same, other, left))
    return 1 if other else 0


MANY = 200  # answers; more tell nothing new


# ---- cases ---------------------------------------------------------------------------------------

def answered(name, file, events, watermark, arrival=None):
    case = {'name': name, 'rule': writer.write(file), 'watermark': watermark, 'events': events}
    if arrival:
        case['arrival'] = arrival
    case.update(oracle.evaluate(file, events, watermark))
    return case


def batches(args):
    """Yields lists of (case, file)."""
    seed, made, batch = args.seed * 1000000, 0, []
    without = [w for w in args.without.split(',') if w]
    unknown = set(without) - set(generate.CONSTRUCTS)
    if unknown:
        sys.exit('no such construct: %s' % ', '.join(sorted(unknown)))
    while made < args.cases:
        file, rng = generate.make_rule(seed, without)
        for k in range(args.per_rule):
            events, watermark, arrival = generate.make_events(file, rng, without)
            case = answered('%d.%d' % (seed, k), file, events, watermark, arrival)
            if len(case['expected']) <= MANY:
                batch.append((case, file))
                made += 1
        seed += 1
        if len(batch) >= args.batch:
            yield batch
            batch = []
    if batch:
        yield batch


def run_cases(binary, cases):
    """{name: what} of the cases that did not come out equal, with the engine's own words."""
    with tempfile.NamedTemporaryFile('w', suffix='.jsonl', delete=False) as f:
        for case in cases:
            f.write(json.dumps(case) + '\n')
    try:
        p = subprocess.run([binary, f.name, '-v'], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=600)
    finally:
        os.unlink(f.name)
    out, found, ran = p.stdout.decode(errors='replace'), {}, set()
    name, words = None, []
    for line in out.splitlines():
        m = re.match(r'(differs|waiting|skipped|ran)  +(.*)$', line)
        if not m:
            words.append(line)
            continue
        if name:
            found[name] = (found[name][0], '\n'.join(words))
        name, words = None, []
        if m.group(1) == 'ran':
            ran.add(m.group(2))
        else:
            what = m.group(2).split(':')
            name = what[0].strip()
            found[name] = (m.group(1) + ' ' + ':'.join(what[1:]).strip(), '')
    if p.returncode not in (0, 1):
        for case in cases:
            if case['name'] not in ran:
                found[case['name']] = ('crash', out[-3000:])
                rest = cases[cases.index(case) + 1:]
                if rest:
                    found.update(run_cases(binary, rest))
                break
    return found


# ---- making a difference small -------------------------------------------------------------------

def shrink(binary, case, file, what):
    words = ''
    for _ in range(60):
        options = []
        for k, (events, w, f, arrival) in enumerate(candidates(case, file)):
            try:
                options.append((answered('c%d' % k, f, events, w, arrival), f))
            except (AssertionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
                continue
        if not options:
            break
        found = run_cases(binary, [c for c, _ in options])
        for c, f in options:
            kind = found.get(c['name'], ('', ''))
            if kind[0] == what:
                case, file, words = c, f, kind[1]
                break
        else:
            break
    return case, file, words


def show(case):
    out = case['rule'].split('rule r', 1)[1]
    lets = [l for l in case['rule'].splitlines() if l.startswith('let ')]
    text = ' '.join('%s%d@%d%s%s' % (e['topic'].upper(), e['id'], e['at'],
                                     '=%d' % e['v'] if 'v' in e else '',
                                     '' if e['k'] == 'k1' else '/' + e['k'])
                    for e in case['events'])
    answers = ['%d%s %s%s' % (m['at'], 'D' if m['by'] == 'deadline' else '', m['steps'],
                              ' suppressed %d' % m['suppressed'] if 'suppressed' in m else '')
               for m in case['expected']]
    if len(answers) > 12:
        answers = answers[:12] + ['… %d in all' % len(answers)]
    return '%s%s\n  events %s  watermark %d%s\n  oracle %s %s' % (
        '\n'.join(lets), out, text, case['watermark'],
        '  arrival %s' % case['arrival'] if case.get('arrival') else '',
        '; '.join(answers) or 'nothing', case.get('quiet_ended', ''))


def clip(text):
    lines = text.rstrip().splitlines()
    return '\n'.join(lines[:16] + ['      … %d lines' % len(lines)] if len(lines) > 16 else lines)


def shape_of(case):
    """The rule without its types, numbers and names: two cases of one shape show one thing."""
    text = case['rule'].split('rule r', 1)[1]
    text = re.sub(r'\b[A-D]\b|\b[a-h]\d+\b|\bL\d+\b', 'X', text)
    text = re.sub(r'\d+', '0', text)
    text = re.sub(r'(sum|count|max|last|first|min|average)\(', 'agg(', text)
    return re.sub(r'<=|>=|!=|[<>=]', '=', text)


# ---- main ----------------------------------------------------------------------------------------

def main():
    p = argparse.ArgumentParser()
    p.add_argument('--validate')
    p.add_argument('--cases-binary')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=5000)
    p.add_argument('--per-rule', type=int, default=4)
    p.add_argument('--batch', type=int, default=2000)
    p.add_argument('--without', default='')
    p.add_argument('--shrink', type=int, default=0, help='how many differences to make small')
    p.add_argument('--show-refused', type=int, default=0)
    p.add_argument('--max-refused', type=float, default=100, help='per cent')
    args = p.parse_args()
    if args.validate:
        return validate(args.validate)
    total, fired, kinds, refusals, shown = 0, 0, collections.Counter(), collections.Counter(), 0
    examples, shapes = collections.defaultdict(list), collections.Counter()
    for batch in batches(args):
        by_name = {c['name']: (c, f) for c, f in batch}
        total += len(batch)
        fired += sum(1 for c, _ in batch if c['expected'])
        for name, (what, words) in run_cases(args.cases_binary, [c for c, _ in batch]).items():
            kinds[what] += 1
            case, file = by_name[name]
            if what == 'differs refused' or what.startswith('waiting'):
                m = re.search(r'(E\d{4}): (.*)', words)
                code = m.group(0) if m else words[:80]
                refusals[re.sub(r'`[^`]*`|\d+(ms|s|m|h)?\b(?<!E\d{4})', '_', code)] += 1
                examples[code[:5]].append(case)
                continue
            if shown < args.shrink:
                shown += 1
                case, file, w = shrink(args.cases_binary, case, file, what)
                words = w or words
                shape = shape_of(case)
                shapes[shape] += 1
                if shapes[shape] > 1:
                    continue
            print('%s %s' % (name, what))
            print(show(case))
            print(clip(words[words.find('    got'):] if '    got' in words else words))
            sys.stdout.flush()
    refused = kinds.pop('differs refused', 0) + sum(v for k, v in kinds.items()
                                                    if k.startswith('waiting'))
    for code, n in refusals.most_common():
        print('refused %6d  %s' % (n, code))
    for code, cases in sorted(examples.items()):
        for case in cases[:args.show_refused]:
            print('refused', code, show(case))
    differ = sum(v for k, v in kinds.items() if not k.startswith('waiting'))
    print('%d cases: %d with a match, %d refused, %d differ %s' % (total, fired, refused, differ,
                                                                  dict(kinds)))
    return 1 if differ or refused * 100 > args.max_refused * total else 0


if __name__ == '__main__':
    sys.exit(main())
