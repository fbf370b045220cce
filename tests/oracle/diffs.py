"""Random rule sets, an old and a new one, through `fyke diff`: rules that are the same in both are evaluated once,
and nothing of what is said may depend on that.

  diffs.py --fyke PATH [--seed N] [--cases N] [--workers N]

Each case is compared three ways: with a set of the old rules beside a declaration that nobody reads, for which each
set is evaluated by itself; with the digests that `fyke replay` gives for either set; with other threads, batches
and buffers. Half of the cases read profiles or derived events.
Exit: 0, 1 when something differs, or when too few cases have an alert, share rules or differ.
"""
import argparse
import copy
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile

import writer
from metamorphic import line, moment, records
from rules import number
from ways import rule_and_events

APART = 'event Nobody from topic "nobody" { k : string key  at : timestamp in ms event time }\n'
POLICIES = ('past last', 'to next', 'no skip')


def twin(rule, name, rng):
    """A rule of another name that mostly differs in something."""
    it = copy.deepcopy(rule)
    it.name = name
    changed(it, rng)
    return number(it)


def changed(rule, rng):
    what = rng.random()
    if what < 0.3 and rule.policy in POLICIES:
        rule.policy = rng.choice(POLICIES)
    elif what < 0.5 and rule.head is not None:
        rule.head += rng.choice((1, 2))
    elif what < 0.7 and rule.quiet is None and not rule.silent:
        rule.quiet = rng.choice((3, 10))
    elif what < 0.8 and rule.quiet is not None:
        rule.quiet += 1


def two_sets(file, rng):
    """(old, new): rules of the case and some like them; some of these changed, gone or added."""
    plain = [r for r in file.rules if not r.derives]
    old = copy.deepcopy(file)
    for i in range(rng.choice((1, 2, 3))):
        old.rules.append(twin(rng.choice(plain), 't%d' % i, rng))
    new = copy.deepcopy(old)
    for r in new.rules:
        if rng.random() < 0.3:
            changed(r, rng)
            number(r)
    if rng.random() < 0.3:
        new.rules.append(twin(rng.choice(plain), 'added', rng))
    if rng.random() < 0.3:
        old.rules.append(twin(rng.choice(plain), 'gone', rng))
    if rng.random() < 0.2:
        rng.shuffle(new.rules)
    return old, new


class Bench:
    def __init__(self, fyke, directory):
        self.fyke, self.dir = fyke, directory

    def put(self, name, text):
        with open(os.path.join(self.dir, name), 'w') as f:
            f.write(text)

    def json(self, *args):
        """None: a set that the language refuses."""
        p = subprocess.run([self.fyke, *args, '-i', 'in.jsonl', '--input-format', 'kcat', '--format', 'json'],
                           cwd=self.dir, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if p.returncode == 1:
            return None
        if p.returncode:
            raise RuntimeError(p.stderr.decode(errors='replace'))
        said = json.loads(p.stdout)
        return {k: v for k, v in said.items() if k not in ('wall_s', 'cpu_s', 'old', 'new')}


def check(bench, old, new, rng, span):
    more = ['-j', rng.choice('12'), '--batch', rng.choice(('1', '7')), '--buffer', '1MiB']
    # What evaluation begins with and ends with is the same for both, whatever they look back to.
    around = span and span + ['--warm-up', '5ms', '--cool-down', '5ms']
    bench.put('old.rules', old)
    bench.put('new.rules', new)
    bench.put('apart.rules', old.replace('language 1\n', 'language 1\n' + APART, 1))
    once = bench.json('diff', 'old.rules', 'new.rules', *around)
    if once is None:
        return None, []
    bad = []
    if bench.json('diff', 'apart.rules', 'new.rules', *around) != once:
        bad.append('evaluated twice they say something else')
    other = bench.json('diff', 'old.rules', 'new.rules', *around, *more)
    if dict(other, records=0) != dict(once, records=0):  # a range ends with the batch that passes its end
        bad.append('other threads and batches')
    for name, key in (('old', 'digest_before'), ('new', 'digest_after')):
        if bench.json('replay', '-r', name + '.rules', *around)['digest'] != once[key]:
            bad.append('replay of the %s set' % name)
    return once, bad


def one(job):
    fyke, seed, more = job
    file, (events, watermark, arrival), rng = rule_and_events(seed, more)
    rng = random.Random('diff %d' % seed)
    if all(r.derives for r in file.rules):
        return seed, None, []
    old, new = (writer.write(f) for f in two_sets(file, rng))
    read = [line(*r) for r in records(events, arrival)]
    times = sorted(e['at'] for e in events)
    span = []
    if times and rng.random() < 0.4:
        span = ['--from', moment(times[len(times) // 4]), '--to', moment(times[3 * len(times) // 4] + 1)]
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(fyke, directory)
        bench.put('in.jsonl', ''.join(l + '\n' for l in read))
        once, bad = check(bench, old, new, rng, span)
        if bad:
            bad.append('%s--- new\n%s%s %s' % (old, new, span, '\n'.join(read)))
        return seed, once, bad


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--fyke', required=True)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=60)
    p.add_argument('--workers', type=int, default=2)
    args = p.parse_args()
    jobs = [(os.path.abspath(args.fyke), args.seed * 1000000 + i * 1000, i % 2 == 0) for i in range(args.cases)]
    done = fired = differ = mixed = wrong = 0
    with multiprocessing.Pool(args.workers) as pool:
        for seed, once, bad in pool.imap(one, jobs):
            if bad:
                wrong += 1
                print('case %d: %s' % (seed, '\n'.join(bad)), flush=True)
            if once is not None:
                fates = {r['is'] for r in once['rules']}
                done += 1
                fired += once['before'] + once['after'] > 0
                differ += once['before'] != once['same']
                mixed += 'unchanged' in fates and len(fates) > 1
    print('%d of %d cases, %d with an alert, %d with differences, %d with rules of both kinds, %d wrong'
          % (done, args.cases, fired, differ, mixed, wrong))
    few = done * 2 < args.cases or fired * 4 < done or mixed * 4 < done or differ * 20 < done
    return 1 if wrong or few else 0


if __name__ == '__main__':
    sys.exit(main())
