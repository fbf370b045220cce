#!/usr/bin/env python3
"""drained.py RULE OLD NEW < alerts: what a rule said that was changed once, while it was running.

OLD and NEW are undisturbed runs under either version. There must be a moment such that the alerts on stdin
(kcat envelopes) are those of OLD that began up to it and those of NEW that began behind it, each once.
"""
import json
import sys


def of_rule(rule, lines):
    found = []
    for line in lines:
        alert = json.loads(line)
        if "payload" in alert:
            alert = alert["payload"]
            alert = json.loads(alert) if isinstance(alert, str) else alert
        if alert["rule"] == rule:
            found.append(alert)
    return found


def ids(alerts):
    return sorted(a["match_id"] for a in alerts)


def main():
    rule, old_path, new_path = sys.argv[1:]
    with open(old_path) as f:
        old = of_rule(rule, f)
    with open(new_path) as f:
        new = of_rule(rule, f)
    got = of_rule(rule, sys.stdin)
    begins = ["", *sorted({a["first"] for a in old + new})]  # also in front of all of them
    plan = old[0]["plan"]
    ended = sorted(a["first"] for a in got if a["plan"] == plan)
    for moment in begins if not ended else begins[begins.index(ended[-1]):]:
        want = [a for a in old if a["first"] <= moment] + [a for a in new if a["first"] > moment]
        if ids(want) == ids(got):
            behind = sum(a["plan"] == plan and a["detected"] > moment for a in got)
            print(f"{len(ended)} of the old version, {behind} of them ended behind the change, "
                  f"{len(got) - len(ended)} of the new one")
            return
        if len([a for a in old if a["first"] <= moment]) > len(ended):
            break
    sys.exit(f"{rule}: {len(got)} alerts ({len(ended)} of the old version) are no {len(old)} of the "
             f"old version up to a moment and {len(new)} of the new one behind it")


main()
