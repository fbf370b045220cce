#!/usr/bin/env python3
"""Sorted, unique match ids (with rule and key) of alerts on stdin: JSON lines or kcat envelopes."""
import json
import sys


def main():
    kcat = "--kcat" in sys.argv
    ids = set()
    for line in sys.stdin:
        alert = json.loads(line)
        if kcat:
            payload = alert["payload"]
            alert = json.loads(payload) if isinstance(payload, str) else payload
        ids.add((alert["rule"], alert["match_id"], json.dumps(alert["key"])))
    for rule, match_id, key in sorted(ids):
        print(rule, match_id, key)


main()
