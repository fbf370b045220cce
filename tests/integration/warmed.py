#!/usr/bin/env python3
"""warmed.py RULE TOPIC OLD NEW AUDIT < alerts: what a rule said that was changed once, and warmed, while it was running.

OLD and NEW are undisturbed runs under either version, AUDIT has the record of the switch. The alerts on stdin (kcat
envelopes) must be those of OLD that were detected in front of the clock of TOPIC at the switch and those of NEW that were
detected from there on, each once; some of these must have begun before.
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
    rule, topic, old_path, new_path, audit = sys.argv[1:]
    with open(old_path) as f:
        old = of_rule(rule, f)
    with open(new_path) as f:
        new = of_rule(rule, f)
    with open(audit) as f:
        switch = next(r for r in map(json.loads, f) if "warmed" in (x["open"] for x in r.get("rules", [])))
    clock = min(p["watermark"] for p in switch["positions"] if p["topic"] == topic)
    got = of_rule(rule, sys.stdin)
    want = [a for a in old if a["detected"][:-1] < clock[:-1]] + [a for a in new if a["detected"][:-1] >= clock[:-1]]
    begun = sum(a["plan"] == new[0]["plan"] and a["first"][:-1] < clock[:-1] for a in got)
    now = sum(a["plan"] == new[0]["plan"] for a in got)
    if ids(want) != ids(got) or begun == 0:
        lost = sorted(a["detected"] for a in want if a["match_id"] not in ids(got))
        more = sorted(a["detected"] for a in got if a["match_id"] not in ids(want))
        sys.exit(f"{rule}: switched at {clock}: {len(got)} alerts for {len(want)}, {now} of the new version, {begun} begun "
                 f"before; lost: {lost[:5]}, invented: {more[:5]}")
    print(f"{len(got) - now} of the old version, then {now} of the new one, {begun} of them begun before the switch")


main()
