"""What must not change an answer, through the library: random cases in the ways of `ways.c`.

  ways.py --binary PATH [--seed N] [--cases N] [--workers N]

Half of the cases read a profile or derived events. Where an absence stands first everything is one
batch: a partition that is empty when the clock first moves begins there (language.md 3.7).
Exit: 0, 1 when a way differs, or when too few cases have an alert.
"""
import argparse
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile

import generate
import writer
from cases import SHORT, fitting

PART = 25  # cases of one call
SHM = '/dev/shm'  # the store syncs at every commit


def has_more(file):
    return bool(file.profiles) or any(r.derives for r in file.rules)


def rule_and_events(seed, more):
    """The first case behind `seed` that reads, if `more`, a profile or derived events."""
    while True:
        file, rng = generate.make_rule(seed)
        if has_more(file) or not more:
            return file, generate.make_events(file, rng), rng
        seed += 1


def case_of(seed, more):
    file, (events, watermark, arrival), _ = rule_and_events(seed, more)
    return fitting('%d' % seed, file, events, watermark, arrival, SHORT, None), file


def cases_behind(seed, n):
    """`n` cases with their trees, every other one with more."""
    return (case_of(seed + 1000 * k, k % 2 == 0) for k in range(n))


def as_line(case, file):
    case['clock'] = all(l.assume_quiet for r in file.rules for l in r.leading)
    return json.dumps(case) + '\n'


def part(job):
    binary, seed, n = job
    with tempfile.TemporaryDirectory(dir=SHM if os.path.isdir(SHM) else None) as directory, \
            tempfile.NamedTemporaryFile('w', suffix='.jsonl') as f:
        f.writelines(as_line(*made) for made in cases_behind(seed, n))
        f.flush()
        p = subprocess.run([binary, f.name, directory], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=600)
    words = p.stdout.decode(errors='replace')
    m = re.search(r'(\d+) cases, (\d+) with an alert, (\d+) differ\n$', words)
    if not m:
        return n, 0, n, words + 'exit %d\n' % p.returncode
    return (*map(int, m.groups()), words[:m.start()])


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--binary', required=True)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=200)
    p.add_argument('--workers', type=int, default=2)
    args = p.parse_args()
    jobs = [(args.binary, args.seed * 100000000 + i * 1000, min(PART, args.cases - i))
            for i in range(0, args.cases, PART)]
    cases = fired = bad = 0
    with multiprocessing.Pool(args.workers) as pool:
        for ran, alerts, differ, words in pool.imap(part, jobs):
            cases, fired, bad = cases + ran, fired + alerts, bad + differ
            print(words, end='', flush=True)
    print('%d cases, %d with an alert, %d differ' % (cases, fired, bad))
    return 1 if bad or fired * 6 < cases else 0


if __name__ == '__main__':
    sys.exit(main())
