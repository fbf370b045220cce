#!/usr/bin/env bash
# group_outage.py with a broker of its own.
brokers=(1)
source "$(dirname "$0")/own_brokers.sh"
python3 "$here/group_outage.py" "$fyke"
