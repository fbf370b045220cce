"""Cases printed as inline tests say the same in `fyke test`; with an answer changed they fail.

  inline_check.py --fyke PATH [--seed N] [--cases N]
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

from inline import test_of
from search import TooMuch
from ways import cases_behind


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
    bad = changed = ran = 0
    for case, file in cases_behind(args.seed * 1000000, args.cases):
        try:
            text = test_of(case, file)
        except TooMuch:  # derived events, with the given measures
            continue
        ran += 1
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
    print('%d cases as inline tests, %d with an answer changed, %d wrong' % (ran, changed, bad))
    return 1 if bad or not changed or ran * 2 < args.cases else 0


if __name__ == '__main__':
    sys.exit(main())
