"""Do the tests of exactly-once find faults? Each protocol of protocol_faults_table.py is put into a
copy of the tree, built, and given to its tests until one fails.

  protocol_faults.py --scratch DIR [--only WORDS] [--sample N] [--jobs N] [--limit S]

Exit: 0, 1 when a fault survives or its text does not stand in its file exactly once.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'oracle'))
from faults import configure, copy_tree  # noqa: E402
from protocol_faults_table import FAULTS  # noqa: E402

# A test that takes so many times what it takes without a fault does not end, on however busy a machine.
TIMES, LEAST_S = 10, 300
FAILED = '[  FAILED  ]'


def built(build, tests, jobs):
    env = dict(os.environ, CCACHE_BASEDIR=str(build.parent), CCACHE_NOHASHDIR='1')
    p = subprocess.run(['ninja', '-C', build, '-j%d' % jobs] + ['test_' + t for t in tests],
                       env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode == 0, p.stdout.decode(errors='replace')


def words_until_failure(test, build, tree, limit):
    """(what it printed, exit or None when it took too long): no case after the first that fails."""
    p = subprocess.Popen([build / 'tests' / ('test_' + test)], cwd=tree, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors='replace')
    late = threading.Event()
    watch = threading.Timer(limit or threading.TIMEOUT_MAX, lambda: (late.set(), p.kill()))
    watch.daemon = True
    watch.start()
    lines = []
    for line in p.stdout:
        lines.append(line.rstrip('\n'))
        if line.startswith(FAILED):
            p.kill()
    code = p.wait()
    watch.cancel()
    return lines, None if late.is_set() else code


def first_failure(scratch, build, tests, limits):
    """What the first test that fails says; None: all pass."""
    for test in tests:
        lines, code = words_until_failure(test, build, scratch / 'tree', limits.get(test))
        if code is None:
            return '%s: does not end in %d s' % (test, limits[test])
        if code != 0:
            case = [x.split(']')[1].strip() for x in lines if x.startswith(FAILED)]
            said = [x for x in lines if 'ERROR' in x or 'rror: ' in x or 'ssert' in x]
            return '%s: %s: %s' % (test, (case or ['?'])[0], (said or ['exit %d' % code])[0][:120])
    return None


def limits_of(scratch, build, tests):
    """How long each may take; ends when one fails without a fault."""
    limits = {}
    for test in tests:
        begin = time.time()
        what = first_failure(scratch, build, [test], {})
        if what:
            sys.exit('without a fault: ' + what)
        limits[test] = max(LEAST_S, TIMES * (time.time() - begin))
    return limits


def apply(scratch, edits):
    """The files as they were, or what is wrong with the table."""
    before = {}
    for name, old, new in edits:
        path = scratch / 'tree' / name
        text = path.read_text()
        before.setdefault(path, text)
        if text.count(old) != 1:
            restore(before)
            return None, '%r stands %d times in %s' % (old[:60], text.count(old), name)
        path.write_text(text.replace(old, new))
    return before, None


def restore(before):
    for path, text in before.items():
        path.write_text(text)


def try_fault(scratch, build, tests, edits, limits, jobs):
    """(found, what)"""
    before, wrong = apply(scratch, edits)
    if wrong:
        return False, wrong
    try:
        ok, words = built(build, tests, jobs)
        if not ok:
            return False, 'does not build: ' + words[-600:]
        what = first_failure(scratch, build, tests, limits)
        return what is not None, what or 'survives'
    finally:
        restore(before)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--scratch', required=True)
    p.add_argument('--only', default='')
    p.add_argument('--sample', type=int, help='so many faults, spread over the table')
    p.add_argument('--jobs', type=int, default=2)
    p.add_argument('--limit', type=int, help='seconds for each test, which are known to pass')
    args = p.parse_args()
    scratch = pathlib.Path(args.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    copy_tree(scratch)
    build = configure(scratch)
    every = sorted({t for fault in FAULTS for t in fault[1]})
    ok, words = built(build, every, args.jobs)
    if not ok:
        sys.exit(words[-2000:])
    limits = {t: args.limit for t in every} if args.limit else limits_of(scratch, build, every)
    faults = [f for f in FAULTS if args.only in f[0]]
    if args.sample:
        faults = faults[::max(1, len(faults) // args.sample)][:args.sample]
    survived, begin = 0, time.time()
    for name, tests, *edits in faults:
        found, what = try_fault(scratch, build, tests, edits, limits, args.jobs)
        survived += not found
        print('| %s | %s |' % (name, what if found else '**%s**' % what), flush=True)
    print('%d faults, %d survive, %d s' % (len(faults), survived, time.time() - begin))
    return 1 if survived or not faults else 0


if __name__ == '__main__':
    sys.exit(main())
