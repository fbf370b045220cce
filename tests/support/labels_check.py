#!/usr/bin/env python3
"""Compares alerts with the labels of `fyke gen`.

usage: labels_check.py ALERTS.jsonl LABELS.jsonl [--max-natural SHARE]

An alert belongs to an episode when rule and key agree and one of its evidence events is one of
the episode's. Prints per rule how many attacks were found and missed, how many decoys were hit and
how many alerts belong to no episode. Exit code 1 if an attack is missed, a decoy is hit, or the
share of alerts outside of all episodes exceeds --max-natural (default: any share is fine); 2 if
the files cannot be used.
"""
import argparse
import collections
import json
import sys


def read_lines(path):
    stream = sys.stdin if path == "-" else open(path, encoding="utf-8")
    with stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error


def coordinates(event):
    """None for a derived event, which has no place in a topic."""
    if "topic" not in event:
        return None
    return event["topic"], event["partition"], event["offset"]


def alert_key(alert):
    """Labels name keys of one field by its bare value."""
    values = [str(v) for v in alert.get("key", {}).values()]
    return values[0] if len(values) == 1 else json.dumps(values)


class Rule:
    def __init__(self):
        self.episodes = {}
        self.by_event = collections.defaultdict(set)
        self.alerts = 0
        self.hit = set()
        self.natural = []

    def add_label(self, label):
        number = label["episode"]
        self.episodes[number] = label
        for event in label["events"]:
            self.by_event[coordinates(event)].add(number)

    def add_alert(self, alert):
        self.alerts += 1
        key = alert_key(alert)
        touched = {
            number
            for event in alert.get("evidence", [])
            for number in self.by_event.get(coordinates(event), ())
            if self.episodes[number]["key"] == key
        }
        self.hit |= touched
        if not touched:
            self.natural.append(alert)

    def select(self, attack, hit):
        return [
            label
            for number, label in sorted(self.episodes.items())
            if label["attack"] == attack and (number in self.hit) == hit
        ]


def load(alerts_path, labels_path):
    rules = collections.defaultdict(Rule)
    for label in read_lines(labels_path):
        rules[label["rule"]].add_label(label)
    if not rules:
        raise ValueError(f"{labels_path}: no labels")
    for alert in read_lines(alerts_path):
        if alert.get("kind") == "match":
            rules[alert["rule"]].add_alert(alert)
    return rules


def describe(what, label):
    print(f"    {what}: {label['key']} episode {label['episode']} from {label['from']}: {label['note']}")


def report(rules):
    """Prints the table and returns (missed attacks, decoys hit, natural alerts, all alerts)."""
    print(f"{'rule':<26}{'alerts':>8}{'found':>8}{'missed':>8}{'decoys hit':>12}{'natural':>9}")
    totals = [0, 0, 0, 0]
    for name, rule in sorted(rules.items()):
        missed = rule.select(attack=True, hit=False)
        found = rule.select(attack=True, hit=True)
        decoys = rule.select(attack=False, hit=True)
        print(
            f"{name:<26}{rule.alerts:>8}{len(found):>8}{len(missed):>8}"
            f"{len(decoys):>12}{len(rule.natural):>9}"
        )
        for label in missed:
            describe("missed", label)
        for label in decoys:
            describe("decoy hit", label)
        for i, n in enumerate((len(missed), len(decoys), len(rule.natural), rule.alerts)):
            totals[i] += n
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("alerts", help="JSON lines as fyke run writes them; - for stdin")
    parser.add_argument("labels", help="labels.jsonl of fyke gen")
    parser.add_argument("--max-natural", type=float, default=1.0, metavar="SHARE")
    args = parser.parse_args()
    try:
        rules = load(args.alerts, args.labels)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"labels_check: {error!r}", file=sys.stderr)
        return 2
    missed, decoys, natural, alerts = report(rules)
    share = natural / alerts if alerts else 0.0
    print(f"{alerts} alerts, {natural} of them outside of all episodes ({share:.1%})")
    return 1 if missed or decoys or share > args.max_natural else 0


if __name__ == "__main__":
    sys.exit(main())
