#!/usr/bin/env bash
# no_leader.py with brokers of its own.
brokers=(3)
source "$(dirname "$0")/own_brokers.sh"
python3 "$here/no_leader.py" "$fyke"
