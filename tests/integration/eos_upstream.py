#!/usr/bin/env python3
"""Topics that an upstream writes in transactions: open ones, aborted ones, and the markers behind them.

    eos_upstream.py FYKE
"""
import json
import subprocess
import time

import eos
from eos_faults import run_cases, stop

RULES = """language 1
event Login from topic "@TOPIC@" {
  user : string key
  at   : timestamp in ms event time
  n    : int
  idle after 1s
}
rule alone {
  for each user
  when Login as l
  then no Login for 10s
  emit alert { n = l.n }
}
rule pair {
  for each user within 1 minute
  when Login as first
  then Login as second
  emit alert { from = first.n  to = second.n }
}
"""
# What each partition is for.
UPSTREAM, TRAFFIC, SILENT = 0, 1, 2
AWAIT_S = 90


class Upstream:
    """A producer with a transaction that stays open until it is told how to end it."""

    def __init__(self, w, name, *more):
        self.process = subprocess.Popen(
            [eos.KTOOL, "--txn", f"{w.name}-{name}", "-X", "transaction.timeout.ms=600000", "-k", "user",
             *map(str, more), "produce", w.source], stdin=subprocess.PIPE)

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def end(self):
        """As it was made: committed or aborted."""
        self.process.stdin.close()
        if self.process.wait(AWAIT_S) != 0:
            raise eos.Failed("the upstream's transaction did not end")


def event(n, user, at):
    return f'{{"user":"{user}","at":{at},"n":{n}}}\n'


def send(w, partition, *events):
    eos.ktool("-p", partition, "-k", "user", "produce", w.source, stdin="".join(events).encode())


def until(what, true):
    deadline = time.monotonic() + AWAIT_S
    while not true():
        if time.monotonic() > deadline:
            raise eos.Failed(f"not within {AWAIT_S} s: {what}")
        time.sleep(0.1)


def everything(topic):
    """What has been written, decided or not."""
    return len(eos.ktool("consume", topic).splitlines())


class Engine:
    """One live process over the world's topic, by the rules above."""

    def __init__(self, w):
        self.w, self.stats = w, f"{w.work}/upstream.stats"
        with open(f"{w.work}/eos.rules", "w") as f:
            f.write(RULES.replace("@TOPIC@", w.source))
        self.life = w.another("state", "--stats", self.stats)

    def figures(self):
        said = None
        while said is None:
            if self.life.process.poll() is not None:
                raise eos.Failed(f"it has ended:\n{eos.tail(self.life.log)}")
            said = self.life.figures(self.stats)
        return said

    def partitions(self):
        return {p["partition"]: p for p in self.figures()["partitions"]}

    def await_silence(self, partition, times=1):
        until(f"silence of partition {partition} is noticed {times} times",
              lambda: self.partitions()[partition]["idle_advances"] >= times)

    def alerts(self):
        """(rule, emitted values), in any order: the users are in different partitions."""
        said = [json.loads(r[2]) for r in eos.dump(self.w.out)]
        return sorted((a["rule"], *a["emit"].values()) for a in said)


def silence_beside_an_open_transaction(w, *how):
    """Two partitions fall silent, of which one was never heard; a third has an open transaction. Its silence
    would be older than that of the second one, when that is noticed."""
    engine = Engine(w)
    send(w, UPSTREAM, event(1, "held", 1000))
    upstream = Upstream(w, "open", "-p", UPSTREAM, *how)
    upstream.send(event(4, "held", 2000))
    until("the open transaction's record is in the log", lambda: everything(w.source) == 2)
    engine.life.start()
    send(w, TRAFFIC, event(2, "free", 1000), event(3, "free", 100_000))
    engine.await_silence(SILENT)
    until("the traffic is read", lambda: engine.partitions()[TRAFFIC]["next_offset"] == 2)
    noticed = engine.partitions()[TRAFFIC]["idle_advances"]
    send(w, TRAFFIC, event(5, "free", 100_001))
    engine.await_silence(TRAFFIC, noticed + 1)
    held = engine.partitions()[UPSTREAM]
    if held["idle_advances"] != 0 or held["next_offset"] != 1 or engine.alerts():
        raise eos.Failed(f"the open transaction passed for silence: {held}, {engine.alerts()}")
    upstream.end()
    engine.await_silence(UPSTREAM)
    return engine


def ends(engine, want):
    """All that is decided went out; nothing was late; a restart has nothing to read behind the markers."""
    w = engine.w
    until(f"{want}", lambda: engine.alerts() == sorted(want))
    said = engine.figures()
    if said["late"] or said["after_idle"]:
        raise eos.Failed(f"events were refused: {said}")
    stop(engine.life)
    if engine.alerts() != sorted(want):
        raise eos.Failed(f"{engine.alerts()} instead of {sorted(want)}")
    at, high = [int(x) for x in eos.ktool("offsets", w.name, w.source).decode().split("\n")[UPSTREAM]
                .split("\t")[1:4:2]]
    if at != high:
        raise eos.Failed(f"the position {at} stands in front of markers, the partition ends at {high}")


def an_open_transaction_upstream_is_not_silence(w):
    engine = silence_beside_an_open_transaction(w)
    ends(engine, [("alone", 2), ("alone", 4), ("pair", 1, 4), ("pair", 3, 5)])
    return "held back until it was committed, then read in its turn"


def an_aborted_transaction_upstream_is_not_seen(w):
    engine = silence_beside_an_open_transaction(w, "--abort")
    ends(engine, [("alone", 1), ("alone", 2), ("pair", 3, 5)])
    return "held back until it was aborted, then silent"


def transactions_upstream_under_kills(w):
    """Committed, aborted and plain records in turns, kills in between. What was aborted would be seen."""
    def in_transaction(name, lines, *how):
        upstream = Upstream(w, name, *how)
        upstream.send(lines)
        upstream.end()

    def ghosts():
        return "".join(f'{{"user":"ghost","at":{w.time},"result":"success","country":"NL","n":{i}}}\n'
                       for i in range(20))

    for i, point in enumerate(["kafka-before-commit:2", "kafka-after-offsets:1", "kafka-after-commit:1",
                               "mid-checkpoint:1", "kafka-before-offsets:1"]):
        w.load(60)
        in_transaction("a", ghosts(), "--abort")
        in_transaction("b", "".join(w.event() + "\n" for _ in range(60)))
        if i % 2:
            in_transaction("a", ghosts(), "--abort")  # markers at the end
        w.subject.dies_at(point, "--once")
    w.subject.finishes("--once")
    for topic in (w.out, f"{w.out}-dead"):
        if any("ghost" in str(r) for r in eos.dump(topic)):
            raise eos.Failed(f"aborted records were evaluated: {topic}")


if __name__ == "__main__":
    run_cases([an_open_transaction_upstream_is_not_silence, an_aborted_transaction_upstream_is_not_seen,
               transactions_upstream_under_kills])
