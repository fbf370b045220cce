"""Differential test: random rules over random events, the oracle's answers against the engine's.

  run.py --cases-binary PATH [--seed N] [--cases N] [--workers N]
         [--without CONSTRUCT[,…]] [--with CONSTRUCT[,…]]
         [--shrink N] [--require-coverage] [--pairs FILE] [--first]
         [--from N | --counts FILE [--minutes M]]
  run.py --validate FILE   the oracle itself against cases with known answers

Exit: 0, 1 when an answer differs.
"""
import argparse
import collections
import json
import multiprocessing
import re
import sys
import time

import generate
import inline
import oracle
import reader
from cases import CHUNK, answered, chunk
from coverage import Coverage
from engine import run_cases
from sittings import Sittings
from smaller import candidates


# ---- the oracle against known answers ------------------------------------------------------------

def canonical(case):
    lines = [json.dumps([m['at'], m['by'], {k: sorted(v) for k, v in m['steps'].items()},
                         m.get('suppressed')], sort_keys=True) for m in case.get('expected', [])]
    ended = [json.dumps([m['at'], m['count']]) for m in case.get('quiet_ended', [])]
    timeouts = [json.dumps([m['at'], m['step'], {k: sorted(v) for k, v in m['steps'].items()}],
                           sort_keys=True) for m in case.get('timeouts', [])]
    return sorted(lines), sorted(ended), sorted(timeouts)


def validate(path):
    """Cases of the format in tests/README.md."""
    same = other = left = 0
    with open(path) as f:
        for line in f:
            case = json.loads(line)
            if 'expected' not in case:
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
    print('%d same, %d differ, %d not asked (refusals)' % (same, other, left))
    return 1 if other else 0


# ---- making a difference small -------------------------------------------------------------------

def shrink(binary, case, file, what):
    words = ''
    for _ in range(60):
        options = []
        for k, (events, w, f, arrival) in enumerate(candidates(case, file)):
            try:
                options.append((answered('c%d' % k, f, events, w, arrival, 20000), f))
            except (oracle.TooMuch, AssertionError, AttributeError, IndexError, KeyError, TypeError,
                    ValueError):
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
    answers += ['%dT at %s %s' % (m['at'], m['step'], m['steps'])
                for m in case.get('timeouts', [])[:12]]
    lets += [l for l in case['rule'].splitlines() if l.startswith('profile ')]
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

class Job:
    """What a worker does with one chunk; the answer does not depend on which worker it was."""

    def __init__(self, args, without):
        self.args, self.without = args, without

    def __call__(self, index):
        args = self.args
        size = min(CHUNK, args.begin + args.cases - index * CHUNK)
        made = chunk(args.seed, index, size, args.per_rule, self.without)
        seen = Coverage()
        for case, file, notes in made:
            seen.add(case, file, notes)
        by_name = {case['name']: (case, file) for case, file, _ in made}
        found = run_cases(args.cases_binary, [case for case, _, _ in made])
        return seen, [(name, what, words) + by_name[name]
                      for name, (what, words) in found.items()]


class Report:
    def __init__(self, args, without):
        self.args, self.seen = args, Coverage(without)
        self.kinds, self.refusals = collections.Counter(), collections.Counter()
        self.examples, self.shapes = collections.defaultdict(list), collections.Counter()
        self.shown = 0

    def counters(self):
        return {'n': self.seen.n, 'kinds': self.kinds, 'refusals': self.refusals}

    def refused(self, case, words):
        m = re.search(r'(E\d{4}): (.*)', words)
        code = m.group(0) if m else words[:80]
        self.refusals[re.sub(r'`[^`]*`|\d+(ms|s|m|h)?\b(?<!E\d{4})', '_', code)] += 1
        self.examples[code[:5]].append(case)

    def add(self, name, what, words, case, file):
        self.kinds[what] += 1
        if what == 'differs refused' or what.startswith('waiting'):
            self.refused(case, words)
            return
        if self.shown < self.args.shrink:
            self.shown += 1
            case, file, w = shrink(self.args.cases_binary, case, file, what)
            words = w or words
            self.shapes[shape_of(case)] += 1
            if self.shapes[shape_of(case)] > 1:
                return
        print('%s %s' % (name, what))
        print(show(case))
        print(clip(words[words.find('    got'):] if '    got' in words else words))
        print('  as inline tests:\n' + inline.test_of(case, file))
        print('  as a case: ' + json.dumps(dict(case, name=name)))
        sys.stdout.flush()

    def differ(self):
        return sum(v for k, v in self.kinds.items()
                   if not k.startswith('waiting') and k != 'differs refused')

    def close(self):
        n = self.seen.n['cases']
        refused = sum(self.refusals.values())
        for code, count in self.refusals.most_common():
            print('refused %6d  %s' % (count, code))
        for code, cases in sorted(self.examples.items()):
            for case in cases[:self.args.show_refused]:
                print('refused', code, show(case))
        print('\n'.join(self.seen.lines()))
        short = self.seen.missing() if self.args.require_coverage else []
        print('\n'.join('not covered: ' + line for line in short), end='\n' if short else '')
        if self.args.pairs:
            with open(self.args.pairs, 'w') as f:
                f.writelines(line + '\n' for line in self.seen.matrix())
        print('seed %d: %d cases, %d with a match, %d refused, %d differ %s' % (
            self.args.seed, n, self.seen.n['matched'], refused, self.differ(), dict(self.kinds)))
        return 1 if self.differ() or short or refused * 100 > self.args.max_refused * n else 0


def chunks_of(args, job):
    indexes = range(args.begin // CHUNK, (args.begin + args.cases + CHUNK - 1) // CHUNK)
    if args.workers == 1:
        yield from map(job, indexes)
        return
    with multiprocessing.Pool(args.workers) as pool:
        yield from pool.imap(job, indexes)


def compare(args):
    without = {w for w in args.without.split(',') if w}
    bring = {w for w in getattr(args, 'with').split(',') if w}
    unknown = (without | bring) - set(generate.CONSTRUCTS)
    if unknown:
        sys.exit('no such construct: %s' % ', '.join(sorted(unknown)))
    without |= set(generate.NOT_YET) - bring
    report = Report(args, without)
    sittings = args.counts and Sittings(args.counts, args.seed, without)
    if sittings:
        sittings.load(report.counters())
        args.begin = sittings.chunks * CHUNK
        args.cases = max(args.cases - args.begin, 0)
    end = time.monotonic() + args.minutes * 60
    for seen, found in chunks_of(args, Job(args, without)):
        report.seen.n.update(seen.n)
        for difference in found:
            report.add(*difference)
        if args.progress and report.seen.n['cases'] % 20000 == 0:
            print('%d cases, %d differ' % (report.seen.n['cases'], report.differ()), flush=True)
        if sittings:
            sittings.chunk_done(report.counters())
        if (args.first and report.differ()) or time.monotonic() > end:
            break
    if sittings:
        sittings.save(report.counters())
    return report.close()


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--validate')
    p.add_argument('--cases-binary')
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=5000)
    p.add_argument('--per-rule', type=int, default=4)
    p.add_argument('--workers', type=int, default=1)
    p.add_argument('--without', default='')
    p.add_argument('--with', default='', help='although generate.NOT_YET names it')
    p.add_argument('--shrink', type=int, default=0, help='how many differences to make small')
    p.add_argument('--from', dest='begin', type=int, default=0, help='case to begin with')
    p.add_argument('--counts', help='goes on where this file stops, up to --cases in all')
    p.add_argument('--minutes', type=float, default=float('inf'), help='for this sitting')
    p.add_argument('--first', action='store_true', help='stop after a chunk with a difference')
    p.add_argument('--progress', action='store_true')
    p.add_argument('--require-coverage', action='store_true')
    p.add_argument('--pairs', help='file for the counts of all pairs')
    p.add_argument('--show-refused', type=int, default=0)
    p.add_argument('--max-refused', type=float, default=100, help='per cent')
    args = p.parse_args()
    if args.begin % CHUNK or (args.counts and (args.begin or args.cases % CHUNK)):
        p.error('--from and, with --counts, --cases are multiples of %d' % CHUNK)
    return validate(args.validate) if args.validate else compare(args)


if __name__ == '__main__':
    sys.exit(main())
