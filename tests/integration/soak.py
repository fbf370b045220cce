#!/usr/bin/env python3
"""Half an hour of keys that come and go: exactly once, and neither memory nor the database grows.

    soak.py FYKE

One process reads a steady stream over a real broker. A user lives for some twenty events and never comes
back; event time runs many times faster than the clock, so that what is kept for a day is let go while the
test runs. The first half's maximum of resident memory and of the database's file is the measure for the
second half. In the end the committed alerts equal those of an undisturbed run.

SOAK_SECONDS    how long (1800)
SOAK_RATE       events per second (400)
SOAK_FIGURES    file for one line per sample
EOS_SEED        another load; printed
"""
import collections
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import eos

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("SOAK_SECONDS", "1800"))
RATE = int(os.environ.get("SOAK_RATE", "400"))
ALIVE = 200          # users at a time
EVENTS_PER_USER = 20
STEP_MS = 1500       # event time per event: a day in 57,600 of them
PARTITIONS = 3
END_OF_TIME = 10**13
# The second half may be above the first by so much, in per cent.
MARGIN = {"memory": 15, "database": 10}
# What a busy machine is behind waits on the broker, not in the client's queue: it is no state.
QUEUE = ["-X", "queued.max.messages.kbytes=2048", "-X", "fetch.message.max.bytes=65536"]


class Load:
    """Events at a steady pace, by one producer."""

    def __init__(self, topic, rng):
        self.rng = rng
        self.n, self.time = 0, 1_000_000
        self.producer = subprocess.Popen([eos.KTOOL, "-k", "user", "produce", topic],
                                         stdin=subprocess.PIPE)

    def event(self):
        self.n += 1
        self.time += STEP_MS
        user = self.n // EVENTS_PER_USER + self.rng.randrange(ALIVE)
        at = self.time - self.rng.choice([0, 0, 0, 2000, 20000])
        return (f'{{"user":"u{user}","at":{at},'
                f'"result":"{self.rng.choice(["success", "failure", "failure"])}",'
                f'"country":"{self.rng.choice(["NL", "DE", "BR", "FR"])}","n":{self.n}}}\n')

    def send(self, count):
        self.producer.stdin.write("".join(self.event() for _ in range(count)).encode())
        self.producer.stdin.flush()

    def end(self):
        self.producer.stdin.close()
        if self.producer.wait(60) != 0:
            raise eos.Failed("the producer failed")


def resident(pid):
    """KiB: all, and what is not a page of a file."""
    with open(f"/proc/{pid}/status") as f:
        found = dict(line.split(":", 1) for line in f)
    return int(found["VmRSS"].split()[0]), int(found["RssAnon"].split()[0])


def database(state):
    """KiB on disk, of every file of the state."""
    return sum(os.stat(os.path.join(at, name)).st_blocks // 2
               for at, _, names in os.walk(state) for name in names)


def digest(rows):
    """Per key the sequence of its alerts, small."""
    keys = collections.defaultdict(hashlib.sha256)
    for partition, key, *rest in rows:
        keys[partition, key].update(repr(rest).encode())
    return {k: h.hexdigest() for k, h in keys.items()}


class Soak:
    def __init__(self, fyke, rng):
        self.name = f"soak-{os.getpid()}"
        self.work = tempfile.mkdtemp(prefix="soak-")
        self.state = f"{self.work}/state"
        self.source, self.out = f"{self.name}-in", f"{self.name}-out"
        for topic, n in ((self.source, PARTITIONS), (self.out, 1), (f"{self.out}-ref", 1)):
            eos.ktool("create", topic, n)
        with open(f"{HERE}/soak.rules") as f, open(f"{self.work}/soak.rules", "w") as to:
            to.write(f.read().replace("@TOPIC@", self.source))
        self.fyke = fyke
        self.load = Load(self.source, rng)
        self.samples = []  # (second, RSS, anonymous, database), KiB

    def run(self, app, out, state, *more):
        return eos.Subject([self.fyke, "run", "-r", f"{self.work}/soak.rules", "-i", "kafka", "-o",
                            f"kafka:{out}", "--app", app, "--state", state, "-q",
                            "--memory", "64MiB", *QUEUE, "-X", f"bootstrap.servers={eos.BOOTSTRAP}", *more],
                           f"{self.work}/{app}.log")

    def sample(self, second, pid):
        rss, anonymous = resident(pid)
        self.samples.append((second, rss, anonymous, database(self.state)))
        if second % 60 == 0:
            print(f"{second:5} s: {self.load.n} events, {rss // 1024} MiB resident, "
                  f"{anonymous // 1024} MiB of it no file, database "
                  f"{self.samples[-1][3] // 1024} MiB, {self.behind()} not committed", flush=True)

    def soak(self, subject):
        started = time.monotonic()
        for second in range(1, SECONDS + 1):
            self.load.send(RATE)
            time.sleep(max(0, started + second - time.monotonic()))
            if subject.process.poll() is not None:
                raise eos.Failed(f"it ended with {subject.process.poll()}:\n{eos.tail(subject.log)}")
            self.sample(second, subject.process.pid)

    def flat(self, what, column):
        half = len(self.samples) // 2
        first = max(s[column] for s in self.samples[:half])
        second = max(s[column] for s in self.samples[half:])
        said = f"{what}: at most {first} KiB in the first half, {second} KiB in the second"
        if second > first * (100 + MARGIN[what]) / 100:
            raise eos.Failed(f"{said}: more than {MARGIN[what]} % above")
        return said

    def behind(self):
        """Records that are not committed yet."""
        rows = [row.split("\t") for row in
                eos.ktool("offsets", self.name, self.source).decode().splitlines()]
        return sum(int(row[3]) - max(int(row[1]), 0) for row in rows)

    def end_of_time(self):
        for p in range(PARTITIONS):
            line = (f'{{"user":"end{p}","at":{END_OF_TIME},"result":"success","country":"NL",'
                    '"n":0}\n')
            eos.ktool("-p", p, "-k", "user", "produce", self.source, stdin=line.encode())

    def compare(self):
        self.run(f"{self.name}-ref", f"{self.out}-ref", f"{self.work}/ref", "--delivery",
                 "at-least-once").finishes("--once", timeout=1200)
        want, got = eos.dump(f"{self.out}-ref"), eos.dump(self.out)
        if len(want) < self.load.n / 100:
            raise eos.Failed(f"only {len(want)} alerts in the reference")
        if len(want) != len(got) or digest(want) != digest(got):
            eos.compare(want, got)
        return len(want)

    def close(self):
        for topic in (self.source, self.out, f"{self.out}-ref", f"{self.name}.changelog"):
            eos.ktool("delete", topic)
        shutil.rmtree(self.work)


def body():
    s = Soak(sys.argv[1], eos.seeded())
    subject = s.run(s.name, s.out, s.state)
    subject.start()
    try:
        s.soak(subject)
        behind = s.behind()
        s.load.end()
        s.end_of_time()
        subject.process.terminate()
        if subject.wait(120) != 0:
            raise eos.Failed(f"it did not end in order:\n{eos.tail(subject.log)}")
        subject.finishes("--once", timeout=300)
        said = [s.flat("memory", 1), s.flat("database", 3)]
        alerts = s.compare()
    except eos.Failed as why:
        raise eos.Failed(f"files in {s.work}: {why}") from why
    finally:
        if os.environ.get("SOAK_FIGURES"):
            with open(os.environ["SOAK_FIGURES"], "w") as f:
                f.writelines(" ".join(map(str, row)) + "\n" for row in s.samples)
    events = s.load.n
    s.close()
    return (f"{events} events of {events // EVENTS_PER_USER + ALIVE} users in {SECONDS} s, "
            f"{behind} not committed at the end; " + "; ".join(said) +
            f"; {alerts} alerts, as undisturbed")


if __name__ == "__main__":
    eos.verdict(body)
