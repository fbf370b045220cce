#!/usr/bin/env python3
"""count.py STAGES FYKE COMPILER [--update]: instructions per event of bench/stages under callgrind, against expected.txt.

A count has no noise, so it sees what a clock on a shared machine does not: more than 10 % above what
is written down fails. Less than 10 % below is told: then --update writes down what is so now.
Held still: decoding on its portable way, the C library as on a processor without AVX, the records,
the order of addresses. Another compiler makes other code: there the test is skipped.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected.txt")
BAND = 0.10
# name: stage, further options, rules, generator
WORK = {
    "decode.logins": ("decode", ["-w", "portable"], "bench/queries/q1.rules", "logins"),
    "decode.logins.general": ("decode", ["-w", "general"], "bench/queries/q1.rules", "logins"),
    "decode.payments": ("decode", ["-w", "portable"], "bench/payments.rules", "payments"),
    "evaluate.q1": ("evaluate", [], "bench/queries/q1.rules", "logins"),
    "evaluate.q2": ("evaluate", [], "bench/queries/q2.rules", "logins"),
    "evaluate.q3": ("evaluate", [], "bench/queries/q3.rules", "logins"),
    "evaluate.q5": ("evaluate", [], "near_equal 1000", "logins"),
    "evaluate.payments": ("evaluate", [], "bench/payments.rules", "payments"),
    "evaluate.fraud": ("evaluate", [], "examples/fraud/rules", "fraud"),
}
EVENTS = 20000


def records(name, fyke, scratch):
    """Arguments TOPIC=FILE of the generator's records, which are made once."""
    directory = os.path.join(scratch, name)
    if not os.path.isdir(directory):
        os.mkdir(directory)
        if name == "fraud":
            subprocess.run([fyke, "gen", "fraud", "-q", "--events", str(EVENTS), "--out", directory], check=True)
        else:
            topic = {"logins": "w1", "payments": "payments"}[name]
            with open(os.path.join(directory, topic + ".jsonl"), "wb") as out:
                subprocess.run([f"bench/{name}.py", str(EVENTS)], stdout=out, check=True)
    files = sorted(f for f in os.listdir(directory) if f.endswith(".jsonl") and f != "labels.jsonl")
    return [f"{f[:-6]}={os.path.join(directory, f)}" for f in files]


def rule_file(rules, scratch):
    """`near_equal N`: copies of one rule with other spans, which are made."""
    if not rules.startswith("near_equal "):
        return rules
    made = subprocess.run(["bench/near_equal.py", rules.split()[1], scratch], stdout=subprocess.PIPE, text=True,
                          check=True)
    return made.stdout.strip()


def count(stages, work, inputs, scratch):
    stage, options, rules, _ = work
    rules = rule_file(rules, scratch)
    environment = dict(os.environ, GLIBC_TUNABLES="glibc.cpu.hwcaps=-AVX_Fast_Unaligned_Load,-AVX2,-AVX2_Usable,-ERMS")
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
         stages, "-n", "1", "-s", stage, *options, rules, *inputs],
        capture_output=True, text=True, env=environment)
    total = re.search(r"Collected : (\d+)", done.stderr)
    n = re.match(r"(\d+) records", done.stdout)
    if done.returncode != 0 or not total or not n:
        sys.exit(f"{stage} {rules}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    if int(total.group(1)) == 0:
        sys.exit("nothing counted: bench/stages was built without valgrind/callgrind.h")
    return round(int(total.group(1)) / int(n.group(1)))


def read_expected():
    with open(EXPECTED) as f:
        lines = f.read().splitlines()
    return lines[0].lstrip("# "), {k: int(v) for k, v in (l.split() for l in lines[1:])}


def compare(name, got, expected):
    change = got / expected - 1
    word = "FAILED: dearer than the band allows" if change > BAND else \
        "cheaper: write it down with --update" if change < -BAND else "ok"
    print(f"{name:24} {got:7} instructions per event, expected {expected:7} ({change:+.1%})  {word}", flush=True)
    return change <= BAND


def main():
    stages, fyke, compiler = sys.argv[1:4]
    update = sys.argv[4:] == ["--update"]
    made_with, expected = read_expected() if os.path.exists(EXPECTED) else ("", {})
    if not shutil.which("valgrind"):
        print("SKIPPED: no valgrind")
        sys.exit(77)
    if not update and compiler != made_with:
        print(f"SKIPPED: counted with {made_with}; this is {compiler}")
        sys.exit(77)
    if not update and set(expected) != set(WORK):
        sys.exit("expected.txt does not hold what is counted: --update")
    with tempfile.TemporaryDirectory() as scratch:
        got = {name: count(stages, work, records(work[3], fyke, scratch), scratch) for name, work in WORK.items()}
    if update:
        with open(EXPECTED, "w") as f:
            f.write(f"# {compiler}\n" + "".join(f"{name} {n}\n" for name, n in got.items()))
    if not all([compare(name, n, expected.get(name, n)) for name, n in got.items()]) and not update:
        sys.exit(1)


main()
