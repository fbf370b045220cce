#!/usr/bin/env bash
# three_brokers.py with brokers of its own.
brokers=(3)
source "$(dirname "$0")/own_brokers.sh"
python3 "$here/three_brokers.py" "$fyke"
