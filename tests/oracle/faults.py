"""Does the comparison find faults? Each fault of faults_table.py is put into a copy of the tree,
built, and asked for the cases of the short form until one differs, then for those of the families.

  faults.py --scratch DIR [--only WORDS[|WORDS…]] [--sample N] [--cases N] [--seed N] [--jobs N]
            [--rows FILE]

--rows keeps what was found in FILE; the same command goes on behind it.
Exit: 0, 1 when a fault survives or its text does not stand in its file exactly once.
"""
import argparse
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
import time

import engine
import families
from cases import CHUNK, chunk
from faults_table import FAULTS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def copy_tree(scratch):
    """What git knows of, where it differs: unchanged files keep their time."""
    names = subprocess.run(['git', 'ls-files'], cwd=ROOT, stdout=subprocess.PIPE,
                           check=True).stdout.decode().split('\n')
    for name in filter(None, names):
        here, there = ROOT / name, scratch / 'tree' / name
        if here.is_file() and not (there.is_file() and there.read_bytes() == here.read_bytes()):
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(here, there)


def configure(scratch):
    build = scratch / 'build'
    launcher = ['-DCMAKE_C_COMPILER_LAUNCHER=ccache'] if shutil.which('ccache') else []
    subprocess.run(['cmake', '-S', scratch / 'tree', '-B', build, '-G', 'Ninja',
                    '-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_C_FLAGS_DEBUG=-O1', '-DBUILD_TESTING=ON']
                   + launcher, stdout=subprocess.DEVNULL, check=True)
    return build


def built(build, jobs):
    env = dict(os.environ, CCACHE_BASEDIR=str(build.parent), CCACHE_NOHASHDIR='1')
    p = subprocess.run(['ninja', '-C', build, '-j%d' % jobs, 'conformance_cases'], env=env,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode == 0, p.stdout.decode(errors='replace')


class Cases:
    """The cases of the short form in chunks; made once, and kept beside the copy."""

    def __init__(self, scratch, seed, cases):
        self.seed, self.n = seed, (cases + CHUNK - 1) // CHUNK
        self.store, self.made = scratch / ('cases.%d.pickle' % seed), []
        if self.store.is_file():
            self.made = pickle.loads(self.store.read_bytes())

    def chunks(self):
        for k in range(self.n):
            if k == len(self.made):
                self.made.append([case for case, _, _ in chunk(self.seed, k, CHUNK, 4, ())])
                self.store.write_bytes(pickle.dumps(self.made))
            yield self.made[k]


def first_difference(build, cases):
    """(how many cases until the first that differs, what), or None."""
    binary, before = str(build / 'tests/conformance/conformance_cases'), 0
    for part in cases.chunks():
        found = engine.run_cases(binary, part)
        for k, case in enumerate(part):
            if case['name'] in found:
                return before + k + 1, found[case['name']][0]
        before += len(part)
    for name, family in sorted(families.FAMILIES.items()):
        part = [case for case, _ in families.some(family, families.first_seed(1, 0), CHUNK)]
        found = engine.run_cases(binary, part)
        for k, case in enumerate(part):
            if case['name'] in found:
                return k + 1, '%s, family %s' % (found[case['name']][0], name)
    return None


def try_fault(scratch, build, cases, fault, jobs):
    """(found after, what) or a reason why not."""
    what, name, old, new = fault
    path = scratch / 'tree' / name
    text = path.read_text()
    if text.count(old) != 1:
        return None, 'its text stands %d times in %s' % (text.count(old), name)
    path.write_text(text.replace(old, new))
    try:
        ok, words = built(build, jobs)
        if not ok:
            return None, 'does not build: ' + words[-600:]
        found = first_difference(build, cases)
        return found if found else (None, 'survives %d cases' % (cases.n * CHUNK))
    finally:
        path.write_text(text)


class Rows:
    """What was found, a line each; with a path also in a file, which is read first."""

    def __init__(self, path):
        self.path = pathlib.Path(path) if path else None
        self.lines = []
        if self.path and self.path.is_file():
            self.lines = self.path.read_text().splitlines()

    def __contains__(self, fault):
        return any(line.startswith('| %s | `%s` |' % fault[:2]) for line in self.lines)

    def add(self, fault, after, what):
        line = '| %s | `%s` | %s |' % (fault[0], fault[1], '%d (%s)' % (after, what) if after
                                       else '**%s**' % what)
        print(line, flush=True)
        self.lines.append(line)
        if self.path:
            with self.path.open('a') as f:
                f.write(line + '\n')

    def survived(self):
        return sum('**' in line for line in self.lines)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--scratch', required=True)
    p.add_argument('--only', default='')
    p.add_argument('--sample', type=int, help='so many faults, spread over the table')
    p.add_argument('--cases', type=int, default=20000)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--rows', help='file of what was found so far')
    args = p.parse_args()
    engine.LIMIT_S = 30
    scratch = pathlib.Path(args.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    copy_tree(scratch)
    build = configure(scratch)
    cases = Cases(scratch, args.seed, args.cases)
    ok, words = built(build, args.jobs)
    if not ok:
        sys.exit(words[-2000:])
    faults = [f for f in FAULTS if any(words in f[0] for words in args.only.split('|'))]
    if args.sample:
        faults = faults[::max(1, len(faults) // args.sample)][:args.sample]
    rows, begin = Rows(args.rows), time.time()
    for fault in faults:
        if fault not in rows:
            rows.add(fault, *try_fault(scratch, build, cases, fault, args.jobs))
    print('%d faults, %d survive, %d s' % (len(rows.lines), rows.survived(), time.time() - begin))
    return 1 if rows.survived() or not faults else 0


if __name__ == '__main__':
    sys.exit(main())
