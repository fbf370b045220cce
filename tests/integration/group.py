#!/usr/bin/env python3
"""Several instances that share two topics: 2, then 3, then 1 under load, with kill -9, a restart under
the same name that nobody else notices, and one that was stopped for longer than its session, whose
partitions are taken over from warm copies and whose offsets never fall.

    group.py FYKE

The committed alerts equal those of one instance that reads everything, live: per key the same sequence, per
topic the same multiset, byte for byte.

GROUP_SEED    another load; printed
"""
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time

import eos
import readings

HERE = os.path.dirname(os.path.abspath(__file__))
USERS, PARTITIONS = 40, 4


class World:
    names = ("logins", "payments")
    rules_files = ("group.rules",)
    session_ms = 6000

    def __init__(self, fyke, seed, name="group"):
        self.rng = random.Random(seed)
        self.fyke = fyke
        self.work = tempfile.mkdtemp(prefix="group-")
        self.name = f"{name}-{os.getpid()}"
        self.app = self.name
        self.topics = [f"{self.name}-{name}" for name in self.names]
        self.n, self.time = 0, 1_000_000
        for topic in self.topics:
            eos.ktool("create", topic, PARTITIONS)
        rules = readings.joined(*(f"{HERE}/{name}" for name in self.rules_files))
        for name, topic in zip(self.names, self.topics):
            rules = rules.replace(f"@{name.upper()}@", topic)
        with open(f"{self.work}/group.rules", "w") as to:
            to.write(rules)

    def run(self, app, out, log, *more):
        return eos.Subject(
            [self.fyke, "run", "-r", f"{self.work}/group.rules", "-i", "kafka", "-o",
             f"kafka:{out}", "--app", app, "--commit-every", "50ms", "-X",
             f"bootstrap.servers={eos.BOOTSTRAP}", *more], f"{self.work}/{log}")

    def member(self, name, *more):
        return self.run(self.app, f"{self.name}-out", f"{name}.log", "--state",
                        f"{self.work}/{name}", "--instances", "group", "--instance-id", name,
                        "-X", f"session.timeout.ms={self.session_ms}", "-X",
                        "heartbeat.interval.ms=500", "--standby", "1", "--stats",
                        f"{self.work}/{name}.stats", *more)

    def figures(self, s, name):
        """What an instance that runs says of itself."""
        return self.stats(s, name)["instance"]

    def stats(self, s, name):
        """The figures of an instance that runs."""
        path = f"{self.work}/{name}.stats"
        if os.path.exists(path):
            os.remove(path)
        s.process.send_signal(signal.SIGUSR1)
        for _ in range(600):
            time.sleep(0.1)
            try:
                with open(path) as f:
                    return json.load(f)
            except (FileNotFoundError, json.JSONDecodeError):
                continue
        raise eos.Failed(f"{name} tells no figures")

    def wait_warm(self, s, name, copies):
        """Until it keeps so many copies and nothing has come for them for a second."""
        last = None
        for _ in range(40):
            now = self.figures(s, name)
            if now["warm_copies"] == copies and now == last:
                return now
            last = now
            time.sleep(1)
        raise eos.Failed(f"{name} does not keep {copies} warm copies: {last}")

    def offsets(self):
        """Per partition of both topics: the committed position."""
        rows = {}
        for topic in self.topics:
            for line in eos.ktool("offsets", self.app, topic).decode().splitlines():
                p, committed = line.split("\t")[:2]
                rows[topic, int(p)] = -1 if committed == "-" else int(committed)
        return rows

    def produce(self, n):
        lines = [[], []]
        for _ in range(n):
            self.n += 1
            self.time += self.rng.randrange(400)
            user = f"u{self.rng.randrange(USERS)}"
            at = self.time - self.rng.randrange(4000)
            lines[self.rng.randrange(2)].append(
                json.dumps({"user": user, "at": at, "n": self.n}) + "\n")
        self.send(lines)

    def send(self, lines):
        for topic, some in zip(self.topics, lines):
            eos.ktool("-k", "user", "-X", "partitioner=murmur2", "produce", topic,
                      stdin="".join(some).encode())

    def end_time(self):
        """Every partition of both topics goes far ahead, so that all that can be is decided."""
        for topic in self.topics:
            for p in range(PARTITIONS):
                row = {"user": f"end{p}", "at": self.time + 10**9, "n": 0}
                eos.ktool("-k", "user", "-p", p, "produce", topic,
                          stdin=(json.dumps(row) + "\n").encode())

    def read_rest(self):
        """By one that is given everything, which it is when the names of those that ended are free."""
        for _ in range(5):
            time.sleep(self.session_ms / 1000 + 1)
            last = self.member("last", "-q", "--once")
            last.start()
            code = last.wait(90)
            if code != 0:
                raise eos.Failed(f"the last life ended with {code}: {eos.tail(last.log)}")
            if "4 of 4 partitions are ours" in eos.tail(last.log, 1):
                return
        raise eos.Failed("the last life was never given everything")

    def close(self):
        """What a test that passed leaves behind."""
        for s in eos.Subject.all:
            if s.process and s.process.poll() is None:
                s.kill()
        for topic in (*self.topics, f"{self.name}-out", f"{self.name}-out-dead",
                      f"{self.name}.changelog", f"{self.name}.rules", f"{self.name}-refunds",
                      f"{self.name}-alone-out", f"{self.name}-alone.changelog",
                      f"{self.name}-2.changelog", f"{self.name}-2.rules"):
            try:
                eos.ktool("delete", topic)
            except eos.Failed:
                pass  # not every test makes all of them
        shutil.rmtree(self.work)

    def said(self, name, text):
        with open(f"{self.work}/{name}.log", errors="replace") as f:
            return f.read().count(text)

    def logs(self):
        """The end of what every member said."""
        names = sorted(n for n in os.listdir(self.work) if n.endswith(".log"))
        return "".join(f"--- {n}\n" + open(f"{self.work}/{n}", errors="replace").read()[-2000:]
                       for n in names)

    def wait_said(self, name, text, times=1, seconds=90):
        deadline = time.time() + seconds
        while self.said(name, text) < times:
            if time.time() > deadline:
                raise eos.Failed(f"{name} did not say {text!r} {times} times:\n" + self.logs())
            time.sleep(0.1)


def alerts(topic):
    """Without those of the events that end time: how far they are decided differs."""
    return [r for r in eos.dump(topic) if '"end' not in (r[2] or "")]


def reference(w):
    out = f"{w.name}-alone-out"
    eos.ktool("create", out, 1)
    alone = w.run(f"{w.name}-alone", out, "alone.log", "--state", f"{w.work}/alone")
    alone.reads_live(w.topics, f"{w.work}/alone.stats")
    rows = alerts(out)
    if len(rows) < 100:
        raise eos.Failed(f"the reference has {len(rows)} alerts only")
    return rows


def moves(w):
    a, b, c = (w.member(n) for n in "abc")
    w.produce(600)
    a.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    w.produce(300)
    b.start()
    w.wait_said("b", "2 of 4 partitions are ours")
    w.produce(300)
    time.sleep(0.5)
    b.kill()
    w.produce(200)
    given = w.said("a", "partitions are ours")
    b.start()  # the same name, in time: nobody else hears of it
    w.wait_said("b", "2 of 4 partitions are ours", 2)
    w.produce(200)
    if w.said("a", "partitions are ours") != given:
        raise eos.Failed("a restart under the same name made the group share anew")
    c.start()
    w.wait_said("c", "of 4 partitions are ours")
    w.produce(300)
    time.sleep(0.5)
    b.kill()
    c.kill()
    w.wait_said("a", "4 of 4 partitions are ours", 2)
    w.produce(200)
    return a, b


def entries(w):
    """Of the changelog of all tasks: what restores without copies read."""
    return len(eos.ktool("--committed", "consume", f"{w.name}.changelog").splitlines())


def the_offset_never_falls(before, after):
    for part, was in before.items():
        if after[part] < was:
            raise eos.Failed(f"the position of {part} fell from {was} to {after[part]}")


def stopped_past_the_session_taken_over_and_resumed(w, a, b):
    """It is stopped with partitions, past its session; others take them over, from warm copies; it
    wakes up in the middle of a batch: what it had begun is lost, and nothing that others have committed
    goes back."""
    b.start()
    w.wait_said("b", "2 of 4 partitions are ours", 3)
    w.produce(200)
    warm = w.wait_warm(a, "a", 2)
    given = w.said("b", "partitions are ours")
    w.produce(200)
    b.process.send_signal(signal.SIGSTOP)
    w.produce(200)
    w.wait_said("a", "4 of 4 partitions are ours", 3)
    w.produce(200)
    time.sleep(1)
    now, all_of_it = w.figures(a, "a"), entries(w)
    tail = now["restored_entries"] - warm["restored_entries"]
    print(f"takeover with warm copies: {tail} entries read of {all_of_it}")
    if tail * 5 > all_of_it:
        raise eos.Failed("a takeover with warm copies reads as if there were none")
    committed = w.offsets()
    b.process.send_signal(signal.SIGCONT)
    w.wait_said("b", "going on from the last commit")
    the_offset_never_falls(committed, w.offsets())
    w.wait_said("b", "of 4 partitions are ours", given + 1)
    the_offset_never_falls(committed, w.offsets())
    w.produce(200)
    for s in (a, b):
        s.process.send_signal(signal.SIGTERM)
        if s.wait(40) not in (0, 130):
            raise eos.Failed(open(s.log).read()[-3000:])


def refusals(w):
    """Topics with different numbers of partitions, and rules by another key."""
    eos.ktool("create", f"{w.name}-six", 6)
    with open(f"{w.work}/group.rules") as f:
        rules = f.read()
    for name, text, says in (
            ("six", rules.replace(w.topics[1], f"{w.name}-six"), "has 4 partitions, topic"),
            ("key", rules.replace("for each user\n", "for each n\n"), "rule silent needs one instance"),
    ):
        with open(f"{w.work}/{name}.rules", "w") as to:
            to.write(text)
        s = w.member(name)
        s.command[s.command.index("-r") + 1] = f"{w.work}/{name}.rules"
        s.start()
        if s.wait() != 2 or w.said(name, says) == 0:
            raise eos.Failed(f"{name}: not refused:\n" + open(s.log).read()[-2000:])


def main():
    seed = int(os.environ.get("GROUP_SEED", "7"))
    print(f"GROUP_SEED={seed}")
    World.rules_files = ("group.rules", "group_quiet.rules")
    w = World(sys.argv[1], seed)
    eos.ktool("create", f"{w.name}-out", 1)
    try:
        refusals(w)
        a, b = moves(w)
        stopped_past_the_session_taken_over_and_resumed(w, a, b)
        w.end_time()
        w.read_rest()
        want, got = reference(w), alerts(f"{w.name}-out")
        eos.compare(want, got)
        print(f"{len(want)} alerts the same")
    except eos.Failed as e:
        print(f"FAILED: {e}", file=sys.stderr)
        return 1
    finally:
        for s in eos.Subject.all:
            if s.process and s.process.poll() is None:
                s.process.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
