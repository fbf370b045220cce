#!/usr/bin/env python3
"""stages.py STAGES ROOT: every stage of bench/stages does its work over a few events, and is told with a time; what the
rules find when they are stepped alone is what the engine reports."""
import re
import subprocess
import sys
import tempfile

STAGES = ["scan", "decode", "order", "key", "look-up", "step", "timers", "encode", "load", "freeze", "write", "evaluate",
          "engine"]
EVENTS = 20000


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0 or done.stderr:
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout.splitlines()


def figures(lines):
    return {m.group(1): int(m.group(2)) for m in (re.match(r"(\S+) +(\d+) ns  \(\d+ to \d+\)  per ", l) for l in lines)}


def check(what, right):
    if not right:
        sys.exit(f"FAILED: {what}")


def main():
    stages, root = sys.argv[1:3]
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as logins:
        subprocess.run([f"{root}/bench/logins.py", str(EVENTS)], stdout=logins, check=True)
        work = [f"{root}/bench/queries/q1.rules", f"w1={logins.name}"]
        head, *lines = run(stages, "-n", "1", *work)
        told = figures(lines)
        check(f"stages told: {list(told)}", list(told) == STAGES)
        check(f"a stage takes no time: {told}", all(ns > 0 for ns in told.values()))
        found = re.search(r"(\d+) alerts, (\d+) matches in steps", head)
        check(head, found and int(found.group(1)) > 0 and found.group(1) == found.group(2))
        ten = figures(run(stages, "-n", "1", f"{root}/bench/queries/ten.rules", work[1])[1:])
        check(f"ten rules: {ten}", list(ten) == STAGES and all(ns > 0 for ns in ten.values()))
        for stage in STAGES:
            alone = figures(run(stages, "-n", "1", "-s", stage, *work)[1:])
            check(f"{stage} alone: {alone}", list(alone) == [stage])
    print(f"{len(STAGES)} stages")


main()
