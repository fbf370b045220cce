#!/usr/bin/env python3
"""Three brokers under one instance and a group of two, all the time under load: leaders move, also those of
positions and transactions; the network is cut, answers get lost, connections are reset; a leader is killed
and comes back. Each of both writes what one instance writes that nobody disturbed.

    three_brokers.py FYKE      FYKE_LONG=1: leaders hang, and refuse connections; more of them are killed
"""
import os
import sys
import time

import outages
from outages import cluster

LONG = os.environ.get("FYKE_LONG") == "1"


def leader(topic, partition=0):
    return int(cluster("leader", topic, partition))


def led(w):
    """Topics whose leaders matter: input, output, state of both, positions, transactions."""
    return [w.topics[0], w.outputs()[0], w.outputs(w.one)[0], f"{w.name}.changelog", f"{w.one}.changelog",
            "__consumer_offsets", "__transaction_state"]


def leaders_move(w):
    for topic in led(w) if LONG else (w.topics[0], f"{w.name}.changelog", "__transaction_state"):
        cluster("move", topic, 0, leader(topic) % 3 + 1)
    w.go_on("leaders moved")


def network_is_cut(w):
    cluster("cut")
    time.sleep(2)
    cluster("mend")
    w.go_on("the network was cut")
    cluster("mute")
    time.sleep(2)
    cluster("drop")
    cluster("mend")
    w.go_on("answers got lost, connections were reset")


def is_killed(w, topic):
    node = leader(topic)
    cluster("kill", node)
    w.go_on(f"the leader of {topic} is killed")
    cluster("restart", node)
    w.go_on("it is back")


def hangs(w, topic):
    node = leader(topic)
    cluster("pause", node)
    w.go_on(f"the leader of {topic} hangs", seconds=150)
    cluster("resume", node)
    w.go_on("it has come to itself")
    cluster("move", topic, 0, node)
    cluster("refuse", node)
    time.sleep(3)
    cluster("mend", node)
    w.go_on("it has refused connections")


def brokers_come_and_go(w):
    w.start()
    w.go_on("calm")
    leaders_move(w)
    network_is_cut(w)
    is_killed(w, "__transaction_state")
    if LONG:
        for topic in (w.outputs()[0], f"{w.name}.changelog"):
            is_killed(w, topic)
        for topic in (w.topics[0], f"{w.one}.changelog", "__consumer_offsets"):
            hangs(w, topic)


if __name__ == "__main__":
    outages.run_cases(sys.argv[1], [(brokers_come_and_go, outages.World)])
