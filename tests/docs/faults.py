#!/usr/bin/env python3
"""The runner of the documentation finds what is wrong, and only that: faults.py --fyke FYKE."""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MUST_FAIL = re.compile(r"<!-- must fail: (.*) -->")


def wanted(text):
    """Line of a block's first line -> what must be said about it."""
    found, waiting = {}, ""
    inside = False
    for number, line in enumerate(text.split("\n"), 1):
        comment = MUST_FAIL.match(line)
        if comment:
            waiting = comment[1]
        elif line.startswith("```"):
            inside = not inside
            if inside and waiting:
                found[number + 1] = waiting
                waiting = ""
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fyke", required=True)
    arguments = parser.parse_args()
    page = os.path.join(HERE, "faults.md")
    done = subprocess.run([sys.executable, os.path.join(HERE, "run.py"), "--fyke", arguments.fyke, page],
                          stdout=subprocess.PIPE, text=True, timeout=120, check=False)
    answers = {int(number): text for number, text in
               re.findall(r"^\S*faults\.md:(\d+): (.*?)(?=^\S*faults\.md:\d+: |^\d+ examples)",
                          done.stdout, re.M | re.S)}
    with open(page, encoding="utf-8") as file:
        want = wanted(file.read())
    wrong = [f"line {line}: `{text}` was not said, but: {answers.get(line, 'nothing')}"
             for line, text in want.items() if text not in answers.get(line, "")]
    wrong += [f"line {line}: not wanted: {text}" for line, text in answers.items() if line not in want]
    if done.returncode != 1:
        wrong.append(f"exit {done.returncode}, not 1")
    print("\n".join(wrong) or f"{len(want)} faults found")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
