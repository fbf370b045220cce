#!/usr/bin/env python3
"""What `fyke explain --key` names, made on purpose: random rules and events, each change that is named carried out in
the text of the rule, and the rule run over the same input. It must give the alert that was promised, at the time
that was promised; a window, gap or bound of lateness one millisecond short of what is said to be enough must not. Then
rules of which one thing is wrong (why_broken.py): that one thing must be among what is named. And whatever an answer hangs on
beside the events of the key (why_verdict.py): what is said at the end of the input is what the run gives.

  why.py FYKE [--seed N] [--cases N] [--each N] [--verdicts N]
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import why_broken
import why_verdict

T0 = 1767225600000  # 2026-01-01


class Case:
    """Rule `r` over events of the keys a and b; steps without a name of their own are s1, s2, …"""

    def __init__(self, rng):
        self.window = rng.choice([10, 30, 60])
        self.bound = rng.choice([0, 2, 5])
        self.limits = [rng.randint(1, 9) for _ in range(rng.randint(2, 3))]
        self.gap = rng.choice([None, 4, 8])
        self.count = rng.randint(2, 3) if rng.random() < 0.5 else None
        self.absent = rng.random() < 0.3
        self.quiet = rng.random() < 0.3
        self.events = self.make_events(rng)

    def rule(self):
        steps = []
        for i, limit in enumerate(self.limits):
            test = f'E as s{i + 1} where v > {limit} and kind = "k{i % 2}"'
            if i == 0 and self.count:
                steps.append(f"when {self.count} {test}")
            elif i == 0:
                steps.append(f"when {test}")
            else:
                gap = f"within {self.gap}s " if self.gap and i == 1 else ""
                absent = 'no E where kind = "stop" ' if self.absent and i == 1 else ""
                steps.append(f"then {absent}{'then ' if absent else ''}{gap}{test}")
        return "\n".join([
            "language 1",
            'event E from topic "e" { k : string key  at : timestamp in ms event time  v : int  kind : string',
            f"  out of order by {self.bound or 1}s }}",
            "rule r {",
            f"  for each k within {self.window}s",
            *["  " + s for s in steps],
            *(["  quiet for 20s"] if self.quiet else []),
            "  emit alert { n = 1 }",
            "}",
            ""])

    def make_events(self, rng):
        events, now = [], 0
        for _ in range(rng.randint(6, 14)):
            now += rng.choice([500, 1000, 3000, 7000, 15000])
            late = rng.choice([0, 0, 0, 1000, 4000, 9000])
            events.append({"k": rng.choice("aab"), "at": T0 + max(0, now - late), "v": rng.randint(0, 10),
                           "kind": rng.choice(["k0", "k1", "k0", "k1", "stop"])})
        return events


class Tool:
    def __init__(self, fyke, work):
        self.fyke = fyke
        self.rules = os.path.join(work, "r.rules")
        self.input = os.path.join(work, "e.jsonl")
        self.bounds = []  # options that `run` and `explain` get alike

    def write(self, rule, events=None):
        with open(self.rules, "w", encoding="utf-8") as f:
            f.write(rule)
        if events is not None:
            with open(self.input, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(e) + "\n" for e in events)

    def call(self, *args):
        done = subprocess.run([self.fyke, *args], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(args)}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def explain(self, key):
        return json.loads(self.call("explain", "r", "-r", self.rules, "-i", self.input, "--key", key,
                                    "--format", "json", *self.bounds))

    def alerts(self, key):
        out = self.call("run", "-r", self.rules, "-i", self.input, "-q", *self.bounds)
        alerts = [json.loads(line) for line in out.splitlines()]
        return [a for a in alerts if a["key"] == {"k": key} and a["kind"] == "match"]


def places(alert):
    return [(e["topic"], e["offset"]) for e in alert["evidence"]]


def changed(rule, words):
    """The rule with the change that the words name; None: words that this does not read."""
    as_other = re.fullmatch(r"`(.+?)` as `(.+?)`", words)
    without = re.fullmatch(r"without `(.+?)`", words)
    if as_other:
        old, new = as_other.groups()
    elif without:
        old, new = without.group(1), "true" if "=" in without.group(1) or ">" in without.group(1) else ""
    else:
        return None
    if rule.count(old) != 1:
        return None
    return rule.replace(old, new)


def check_reason(tool, key, rule, reason):
    if rule is None:
        return False
    tool.write(rule)
    promised = (reason["alert"]["detected"], places(reason["alert"]))
    got = [(a["detected"], places(a)) for a in tool.alerts(key)]
    assert promised in got, f"{reason['change']}: promised {promised}, got {got}\n{rule}"
    if reason["kind"] in ("window", "gap", "late"):
        needed = re.search(r"(within|after|out of order by) ([0-9a-z]+)`$", reason["change"])
        assert needed, reason["change"]
        word, length = needed.groups()
        less = milliseconds(length) + (1 if reason["kind"] == "gap" else -1)
        short = re.sub(rf"{word} {length}(?![0-9a-z])", f"{word} {less}ms", rule)
        tool.write(short)
        known = [(a["detected"], places(a)) for a in tool.alerts(key)]
        assert promised not in known, f"{reason['change']}: one millisecond less does it, too\n{short}"
    return True


class Capped:
    """Starts that differ, and one event that only one of them goes with, which the cap has dropped."""

    def __init__(self, rng):
        self.starts = rng.randint(3, 6)
        self.meant = rng.randrange(self.starts - 1)
        self.bound = rng.randint(1, self.starts - self.meant - 1)
        self.events = [{"k": "a", "at": T0 + 1000 * i, "v": i, "kind": "k0"} for i in range(self.starts)]
        self.events.append({"k": "a", "at": T0 + 1000 * self.starts, "v": self.meant, "kind": "k1"})

    RULE = """language 1
event E from topic "e" { k : string key  at : timestamp in ms event time  v : int  kind : string }
rule r {
  for each k within 1 hour
  when E as s where kind = "k0" then E as t where kind = "k1" and v = s.v
  emit alert { n = 1 }
}
"""


def capped_cases(tool, seed, each):
    """As many open starts as are named bring the match about, one less do not. None: a case is not so, which is said."""
    tried = 0
    for number in range(each):
        case = Capped(random.Random(f"{seed}/capped/{number}"))
        tool.bounds = ["--max-runs", str(case.bound)]
        tool.write(Capped.RULE, case.events)
        try:
            reasons = [r for r in tool.explain("a")["reasons"] if r["kind"] == "capped"]
            assert len(reasons) == 1, "capped is not named"
            needed = reasons[0]["needed"]
            promised = (reasons[0]["alert"]["detected"], places(reasons[0]["alert"]))
            for bound, fires in ((needed, True), (needed - 1, False)):
                tool.bounds = ["--max-runs", str(bound)]
                got = [(a["detected"], places(a)) for a in tool.alerts("a")]
                assert (promised in got) == fires, f"--max-runs {bound}: promised {promised}, got {got}"
                tried += 1
        except AssertionError as e:
            print(f"seed {seed}, capped {number}: {e}\n{case.bound} of {case.starts} starts, {case.meant} is meant")
            return None
        finally:
            tool.bounds = []
    return tried


def milliseconds(text):
    units = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
    return sum(int(n) * units[u] for n, u in re.findall(r"([0-9]+)(ms|s|m|h|d)", text))


def broken_cases(tool, seed, each, kinds):
    """None: one of them is not as it should be, which is said."""
    tried = 0
    for fault, kind in why_broken.FAULTS.items():
        for number in range(each):
            case = why_broken.Broken(random.Random(f"{seed}/{fault}/{number}"), fault)
            tool.write(case.rule(), case.events)
            try:
                reasons = tool.explain("a")["reasons"]
                assert kind in [r["kind"] for r in reasons], f"{kind} is not among {[r['change'] for r in reasons]}"
                for reason in reasons:
                    check_reason(tool, "a", why_broken.changed(case.rule(), reason), reason)
                    kinds[reason["kind"]] = kinds.get(reason["kind"], 0) + 1
                    tried += 1
            except AssertionError as e:
                print(f"seed {seed}, {fault} {number}: {e}\n{case.rule()}\n"
                      + "\n".join(json.dumps(x) for x in case.events))
                return None
    return tried


def main():
    args = argparse.ArgumentParser()
    args.add_argument("fyke")
    args.add_argument("--seed", type=int, default=1)
    args.add_argument("--cases", type=int, default=12)
    args.add_argument("--each", type=int, default=1, help="cases per fault")
    args.add_argument("--verdicts", type=int, default=12)
    a = args.parse_args()
    kinds, tried, fired = {}, 0, 0
    with tempfile.TemporaryDirectory() as work:
        tool = Tool(a.fyke, work)
        for number in range(a.cases):
            case = Case(random.Random(f"{a.seed}/{number}"))
            tool.write(case.rule(), case.events)
            for key in "ab":
                tool.write(case.rule())
                why = tool.explain(key)
                fired += why["fired"]
                for reason in why["reasons"]:
                    try:
                        if check_reason(tool, key, changed(case.rule(), reason["change"]), reason):
                            tried += 1
                            kinds[reason["kind"]] = kinds.get(reason["kind"], 0) + 1
                    except AssertionError as e:
                        print(f"seed {a.seed}, case {number}, key {key}: {e}\n{case.rule()}\n"
                              + "\n".join(json.dumps(x) for x in case.events))
                        return 1
        named = broken_cases(tool, a.seed, a.each, kinds)
        verdicts = why_verdict.check_all(tool, a.seed, a.verdicts)
        capped = capped_cases(tool, a.seed, 4 * a.each)
        if named is None or verdicts is None or capped is None:
            return 1
    print(f"{capped} runs with other caps, just enough and one less")
    print(f"{verdicts[0]} keys asked about, for {verdicts[1]} of them the rule had fired: as in the run")
    print(f"{named} changes made in rules of which one thing was wrong, which each time was among them")
    print(f"{tried} changes made, all of them fire as promised: "
          + ", ".join(f"{n} {k}" for k, n in sorted(kinds.items())) + f"; {fired} fired as they were")
    return 0 if tried > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
