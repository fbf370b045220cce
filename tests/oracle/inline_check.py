"""Cases printed as inline tests say the same in `fyke test`; with an answer changed they fail.

  inline_check.py --fyke PATH [--seed N] [--cases N]
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

from cases import chunk
from generate import NOT_YET
from inline import test_of


def passes(fyke, text):
    with tempfile.NamedTemporaryFile('w', suffix='.rules', delete=False) as f:
        f.write(text)
    try:
        p = subprocess.run([fyke, 'test', f.name], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60)
    finally:
        os.unlink(f.name)
    return p.returncode == 0, p.stdout.decode(errors='replace')


def spoilt(text):
    """One expected event is another."""
    return re.sub(r'(expect at \d+ms 1 match \{ e_\w+ = \[?)\d+', r'\g<1>99', text, count=1)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--fyke', required=True)
    p.add_argument('--seed', type=int, default=3)
    p.add_argument('--cases', type=int, default=100)
    args = p.parse_args()
    bad = changed = 0
    without = NOT_YET + ('derived', 'profile')  # tests give profiles instead of feeding them
    for case, file, _ in chunk(args.seed, 0, args.cases, 1, without):
        text = test_of(case, file)
        ok, words = passes(args.fyke, text)
        if not ok:
            bad += 1
            print(case['name'], 'fails as an inline test\n', text, words)
        other = spoilt(text)
        if ok and other != text and changed < 20:
            changed += 1
            if passes(args.fyke, other)[0]:
                bad += 1
                print(case['name'], 'passes with a wrong answer\n', other)
    print('%d cases as inline tests, %d with an answer changed, %d wrong' % (args.cases, changed,
                                                                            bad))
    return 1 if bad or not changed else 0


if __name__ == '__main__':
    sys.exit(main())
