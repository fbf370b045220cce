"""What must not change an answer: random cases through `fyke run`, each in several ways.

  metamorphic.py --fyke PATH [--seed N] [--cases N] [--workers N]

The same bytes are asked for, with two exceptions: over restarts the order of lines (each run writes
its own), and where events of a partition are read in another order, their offsets. No restarts where
an absence stands first: a partition that is empty at the first start begins there (language.md 3.7).
Half of the cases read a profile or derived events. Between two events: ways.py.
Exit: 0, 1 when an output differs, or when too few cases have an alert.
"""
import argparse
import collections
import datetime
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile

import oracle
import writer
from cases import SHORT
from rules import sources_of
from stories import interleaved, scattered
from ways import rule_and_events

STEP = 10  # between two offsets: room for events that do not matter


class Differs(Exception):
    pass


# ---- a case as files -----------------------------------------------------------------------------

def moment(ms):
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms)
    return t.isoformat(timespec='milliseconds') + 'Z'


def line(topic, offset, payload):
    return json.dumps({'topic': topic, 'partition': 0, 'offset': offset, 'tstype': 'create',
                       'ts': payload['at'], 'key': payload['k'], 'payload': payload})


def records(events, arrival):
    """(topic, offset, payload) in the order of reading."""
    out, next_offset = [], collections.Counter()
    for i in arrival or range(len(events)):
        topic = events[i]['topic']
        payload = {n: v for n, v in events[i].items() if n != 'topic'}
        out.append((topic, next_offset[topic] * STEP, payload))
        next_offset[topic] += 1
    return out


class Bench:
    """Runs the command in a directory of its own."""

    def __init__(self, fyke, directory, file, watermark):
        self.fyke, self.dir = fyke, directory
        self.end = ['--watermark-end', moment(watermark)]
        self.runs = 0
        self.rules = os.path.join(directory, 'case.rules')
        with open(self.rules, 'w') as f:
            f.write(writer.write(file))

    def put(self, lines, name='in.jsonl'):
        path = os.path.join(self.dir, name)
        with open(path, 'w') as f:
            f.writelines(l + '\n' for l in lines)
        return path

    def run(self, path, *more, end=True):
        self.runs += 1
        p = subprocess.run([self.fyke, 'run', '-r', self.rules, '-i', path, '-q', '--input-format',
                            'kcat'] + (self.end if end else []) + list(more),
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        if p.returncode:
            raise Differs('exit %d: %s' % (p.returncode, p.stderr.decode(errors='replace')))
        return p.stdout.decode()


def same(what, want, got):
    if want != got:
        raise Differs('%s\n--- as it is\n%s--- so\n%s' % (what, want, got))


# ---- the ways ------------------------------------------------------------------------------------

def other_topic(file, rng):
    named = set()
    stack = [ev.src for r in file.rules for ev in sources_of(r)]
    stack += [p.source.src for p in file.profiles]
    while stack:
        src = stack.pop()
        if src in file.lets:
            stack += [p.src for p in file.lets[src]]
        named.add(src)
    free = [t for t in file.events if t not in named]
    return rng.choice(free).lower() if free else None


def with_noise(file, read, rng):
    """Events of another key beside others of a topic, and events that no rule names. They move no
    clock and no beginning: each has the time of the event read before it from its topic."""
    out, free = [], other_topic(file, rng)
    for topic, offset, payload in read:
        out.append((topic, offset, payload))
        if rng.random() < 0.5 and all(r.keyed for r in file.rules):
            out.append((topic, offset + 1, dict(payload, k='zz', id=1000 + offset)))
        if rng.random() < 0.3 and free and file.disorder is None:
            out.append((free, 1000 * STEP + len(out), dict(payload, id=2000 + offset)))
    return out


def without_noise(text):
    return ''.join(l + '\n' for l in text.splitlines() if json.loads(l)['key'].get('k') != 'zz')


def by_id(text, read):
    """Alerts with the events' numbers instead of their coordinates."""
    ids = {(t, o): p['id'] for t, o, p in read}
    out = []
    for l in text.splitlines():
        a = json.loads(l)
        a.pop('match_id', None)
        if 'decided_by' in a:
            d = a['decided_by']
            a['decided_by'] = ids[d['topic'], d['offset']]
        for e in a.get('evidence', ()):
            if 'rule' in e:
                e.pop('match_id')
            else:
                e['offset'] = ids[e['topic'], e['offset']]
        out.append(json.dumps(a))
    return out


def restarts(bench, lines):
    """The output over runs that each read one event more."""
    out, path = '', None
    state = os.path.join(bench.dir, 'state')
    for n in range(1, len(lines) + 1):
        path = bench.put(lines[:n], 'grows.jsonl')
        out += bench.run(path, '--state', state, '--memory', '64KiB', '--commit-every', '1ms',
                         end=n == len(lines))
    return out


def check(bench, file, events, arrival, rng):
    read = records(events, arrival)
    lines = [line(*r) for r in read]
    path = bench.put(lines)
    base = bench.run(path)
    for jobs in ('2', '4'):
        same('-j ' + jobs, base, bench.run(path, '-j', jobs))
    same('--detector general', base, bench.run(path, '--detector', 'general'))
    small = os.path.join(bench.dir, 'small')
    same('evicted', base, bench.run(path, '-j', '2', '--state', small, '--memory', '1',
                                    '--commit-every', '1ms'))
    same('irrelevant events', base, without_noise(bench.run(bench.put(
        [line(*r) for r in with_noise(file, read, rng)], 'noise.jsonl'))))
    if file.disorder is None:
        order = [line(*r) for r in records(events, None)]
        want = bench.run(bench.put(order, 'order.jsonl'))
        same('another order of topics', want, bench.run(bench.put(
            [order[i] for i in interleaved(events, rng)], 'mixed.jsonl')))
        if all(l.assume_quiet for r in file.rules for l in r.leading):
            same('restarts', sorted(want.splitlines()), sorted(restarts(bench, order).splitlines()))
    elif len({(e['at'], e['topic']) for e in events}) == len(events):
        again, arrived = scattered(file, events, rng)
        numbered = {(e['at'], e['topic']): e['id'] for e in events}
        again = [dict(e, id=numbered[e['at'], e['topic']]) for e in again]
        other = records(again, arrived)
        got = bench.run(bench.put([line(*r) for r in other], 'shuffled.jsonl'))
        same('shuffled within the bound', by_id(base, read), by_id(got, other))
    return bool(base)


def one(job):
    fyke, seed, more = job
    file, (events, watermark, arrival), rng = rule_and_events(seed, more)
    try:
        oracle.evaluate(file, events, watermark, SHORT)
    except oracle.TooMuch:
        return seed, None, 0, None
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(fyke, directory, file, watermark)
        try:
            return seed, check(bench, file, events, arrival, rng), bench.runs, None
        except Differs as d:
            return seed, True, bench.runs, '%s\n%s\nevents %s\narrival %s' % (
                d, writer.write(file), json.dumps(events), arrival)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--fyke', required=True)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--cases', type=int, default=40)
    p.add_argument('--workers', type=int, default=2)
    args = p.parse_args()
    jobs = [(args.fyke, args.seed * 1000000 + i * 1000, i % 2 == 0) for i in range(args.cases)]
    runs = fired = bad = 0
    with multiprocessing.Pool(args.workers) as pool:
        for seed, alerts, n, differs in pool.imap(one, jobs):
            runs += n
            fired += bool(alerts)
            if differs:
                bad += 1
                print('case %d: %s' % (seed, differs), flush=True)
    print('%d cases, %d with an alert, %d runs, %d differ' % (args.cases, fired, runs, bad))
    return 1 if bad or fired * 6 < args.cases else 0


if __name__ == '__main__':
    sys.exit(main())
