#!/usr/bin/env python3
"""The only copy of what is written to lies on a broker that is away for longer than a transaction may take,
while another one has the coordinator of transactions, which ends them meanwhile. Kafka 4.3.1 then leaves what
they had written open in the partitions that have no leader (docs/kafka.md). One instance and a group of two
write what nobody disturbed writes.

    no_leader.py FYKE
"""
import sys
import time

import outages
from outages import cluster

AWAY = 3
TRANSACTION_MS = 3000


class OneCopy(outages.World):
    def make(self, topic, *how):
        super().make(topic, f"on={AWAY}", *how)

    def run(self, app, out, log, *more):
        s = super().run(app, out, log, *more, "-X", f"transaction.timeout.ms={TRANSACTION_MS}")
        s.command[s.command.index("--commit-every") + 1] = "600ms"  # most of the time one is open
        return s


def coordinators_stay():
    for topic in ("__transaction_state", "__consumer_offsets"):
        if int(cluster("leader", topic, 0)) == AWAY:
            cluster("move", topic, 0, AWAY % 3 + 1)


def an_output_has_no_leader(w):
    w.start()
    w.go_on("calm")
    coordinators_stay()
    w.go_on("coordinators are elsewhere")
    for _ in range(2):
        cluster("kill", AWAY)
        time.sleep(3 * TRANSACTION_MS / 1000)
        cluster("restart", AWAY)
        w.go_on("the broker of the outputs was away")


if __name__ == "__main__":
    outages.run_cases(sys.argv[1], [(an_output_has_no_leader, OneCopy)])
