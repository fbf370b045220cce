#!/usr/bin/env python3
"""The only broker goes away under one instance and a group of two, under load, for longer than requests may
take and for longer than the session; or the network to one member of the group is cut, or brings no
answers. Each of both writes what one instance writes that nobody disturbed.

    group_outage.py FYKE       EOS_CASE: only cases whose name contains it
"""
import sys
import time

import outages
from outages import cluster

REQUESTS_MS = 2000  # socket.timeout.ms


class Impatient(outages.World):
    def run(self, app, out, log, *more):
        return super().run(app, out, log, *more, "-X", f"socket.timeout.ms={REQUESTS_MS}")


class LongSession(Impatient):
    session_ms = 25_000


class ShortSession(Impatient):
    session_ms = 4_000


def goes_away(w, seconds):
    """Hangs, then is killed."""
    cluster("pause", 1)
    time.sleep(seconds)
    cluster("resume", 1)
    w.go_on(f"the broker hung for {seconds} s")
    cluster("kill", 1)
    time.sleep(seconds)
    cluster("restart", 1)
    w.go_on(f"the broker was down for {seconds} s")


def shares(w):
    return sum(w.said(name, "partitions are ours") for name in w.members)


def longer_than_requests_may_take(w):
    w.start()
    w.go_on("calm")
    before = shares(w)
    goes_away(w, 3 * REQUESTS_MS // 1000)
    print(f"shared anew {shares(w) - before} times", flush=True)


def longer_than_the_session(w):
    w.start()
    w.go_on("calm")
    goes_away(w, 3 * w.session_ms // 1000)


def is_cut_off(w, how):
    """Others have its partitions meanwhile; what it had begun is lost, it comes back and gets its share."""
    had = {name: w.said(name, "4 of 4 partitions are ours") for name in "a"}
    back = w.said("b", "2 of 4 partitions are ours")
    cluster(how, "all", "fyke-b")
    w.wait_said("a", "4 of 4 partitions are ours", had["a"] + 1)
    w.go_on(f"b is cut off ({how})", [w.name])
    cluster("mend", "all", "fyke-b")
    w.wait_said("b", "2 of 4 partitions are ours", back + 1)
    w.go_on("it is back")


def the_network_of_one_member(w):
    w.start()
    w.go_on("calm")
    cluster("cut", "all", "fyke-b")
    time.sleep(w.session_ms / 4000)
    cluster("mend", "all", "fyke-b")
    w.go_on("b was cut off for less than its session")
    for how in ("cut", "mute"):
        is_cut_off(w, how)


CASES = [(longer_than_requests_may_take, LongSession), (longer_than_the_session, ShortSession),
         (the_network_of_one_member, ShortSession)]

if __name__ == "__main__":
    outages.run_cases(sys.argv[1], CASES)
