"""Generated rules (bench/shapes.py):

- 1,000 of them have more than 200 shapes, every construct among them, pass `fyke check`, and are the same for one seed;
- what rules find among two hundred others, of which an index keeps most events from them, is what they find in files
  too small for an index; with one thread or two, and on the general detector.

    generated.py --fyke FYKE --bench DIRECTORY"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

CONSTRUCTS = ("then first ", "then next ", "then next no ", "then within ", "then after ", "then no ", "no E where T then",
              "for 0 then ", "without ", "with no ", "any of ", "all of ", "0 of ", "times (", "in a row", "anywhere",
              "each within ", "until ", "having ", "optional ", "or more ", " to 0 ", "after match skip to next",
              "after match no skip", "skip to first ", "skip to last ", "quiet for ", "on timeout emit alert")
RULES, SMALL, EVENTS, USERS = 200, 5, 8000, 4


def fail(what):
    sys.exit(f"FAILED: {what}")


def check_shapes(fyke, shapes, activity, scratch):
    rules = list(shapes.rules(random.Random(1), 1000))
    again = list(shapes.rules(random.Random(1), 1000))
    if [r.text() for r in rules] != [r.text() for r in again]:
        fail("other rules for the same seed")
    found = {r.shape() for r in rules}
    if len(found) < 200:
        fail(f"{len(found)} shapes")
    missing = [c for c in CONSTRUCTS if not any(c in s for s in found)]
    if missing:
        fail(f"no rule with {missing}")
    done = subprocess.run([fyke, "check", write(scratch, "all", activity, rules)], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"fyke check: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    print(f"{len(found)} shapes")


def write(scratch, name, activity, rules):
    path = os.path.join(scratch, f"{name}.rules")
    with open(path, "w") as f:
        f.write(activity.declarations() + "\n\n" + "\n".join(r.text() for r in rules))
    return path


def alerts(fyke, rules, events, *more):
    done = subprocess.run([fyke, "run", "-q", "-r", rules, "-i", f"activity={events}", *more], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"fyke run {rules}: {done.stderr[-2000:]}")
    return done.stdout


def found(lines):
    """Alerts without the number of the rule set."""
    out = []
    for line in lines.splitlines():
        alert = json.loads(line)
        alert.pop("ruleset")
        out.append(json.dumps(alert, sort_keys=True))
    return sorted(out)


def check_answers(fyke, shapes, activity, scratch):
    events = os.path.join(scratch, "events.jsonl")
    made = activity.Events(random.Random(3), users=USERS)
    rules = list(shapes.rules(random.Random(2), RULES))
    tests = [t for r in rules for t in r.tests]
    with open(events, "w") as f:
        for _, event in made.aimed_stream(EVENTS, tests):
            f.write(json.dumps(event) + "\n")
    together = alerts(fyke, write(scratch, "together", activity, rules), events)
    for more in (("-j", "2"), ("--detector", "general")):
        if alerts(fyke, os.path.join(scratch, "together.rules"), events, *more) != together:
            fail(f"other alerts with {more}")
    apart = "".join(alerts(fyke, write(scratch, f"part{i}", activity, rules[i:i + SMALL]), events)
                    for i in range(0, RULES, SMALL))
    if found(together) != found(apart):
        fail("other alerts among other rules")
    fired = {json.loads(line)["rule"] for line in together.splitlines()}
    if len(fired) < RULES // 4:
        fail(f"only {len(fired)} of {RULES} rules found anything")
    print(f"{len(together.splitlines())} alerts of {len(fired)} rules")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--fyke", required=True)
    p.add_argument("--bench", required=True)
    o = p.parse_args()
    sys.path.insert(0, o.bench)
    import activity
    import shapes
    with tempfile.TemporaryDirectory() as scratch:
        check_shapes(o.fyke, shapes, activity, scratch)
        check_answers(o.fyke, shapes, activity, scratch)


main()
