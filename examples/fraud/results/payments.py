#!/usr/bin/env python3
"""Card transactions of the Sparkov generator, one JSON object per line, as payments of
examples/fraud/rules. Standard input to standard output; `fraud` is the label."""
import json
import sys


def main():
    for line in sys.stdin:
        e = json.loads(line)
        json.dump({"card": e["card"], "at": e["ts"], "user": e["card"],
                   "amount": f'{e["cents"] // 100}.{e["cents"] % 100:02}', "currency": "USD",
                   "status": "approved", "merchant.name": e["merchant"],
                   "merchant.category": e["category"], "fraud": e["fraud"]}, sys.stdout)
        sys.stdout.write("\n")


main()
