"""What the exactly-once tests share: topics, load, subjects that die, and the comparison.

A subject is a program that reads a topic, keeps state and writes another topic: journal_probe, the
smallest one, or fyke itself. "Equal" means: per key the same sequence, per topic the same multiset,
byte for byte, read with read_committed.
"""
import collections
import json
import os
import random
import signal
import subprocess
import sys
import time

KTOOL = os.environ["FYKE_KTOOL"]
BOOTSTRAP = os.environ["FYKE_TEST_BOOTSTRAP"]
BROKER = os.environ.get("FYKE_BROKER", "")
# Variables FYKE_… are settings to fyke.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("FYKE_")}
# Where a process can be made to die; those of a start are reached once per life.
POINTS = ["kafka-before-init", "kafka-after-init", "kafka-before-begin", "kafka-after-begin",
          "kafka-before-alert", "kafka-after-alert", "kafka-before-entry", "kafka-after-entry",
          "kafka-before-header", "kafka-after-header", "kafka-before-offsets",
          "kafka-after-offsets", "kafka-before-commit", "kafka-after-commit"]


class Failed(Exception):
    pass


def ktool(*args, stdin=None):
    done = subprocess.run([KTOOL, *map(str, args)], input=stdin, capture_output=True, timeout=120)
    if done.returncode != 0:
        raise Failed(f"ktool {args}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def dump(topic, app=None):
    """Committed records of a topic: (partition, key, payload, headers, ts), in order. The name of the
    application stands in some headers and is no difference."""
    rows = []
    for line in ktool("--committed", "consume", topic).splitlines():
        r = json.loads(line)
        headers = tuple("APP" if app and h == app else h for h in r.get("headers", []))
        rows.append((r["partition"], r["key"], r["payload"], headers, r["ts"]))
    return rows


def state(changelog):
    """What a changelog says in the end: database key -> bytes, without headers and the journal's
    own entries, which tell commits apart."""
    last = {}
    for line in ktool("--committed", "--hex", "consume", changelog).splitlines():
        r = json.loads(line)
        if not r["key"].startswith("00"):
            last[r["key"]] = r["payload"]
    return {k: v for k, v in last.items() if v is not None}


def marked_ends(topic, *how):
    """Messages by which a lost transaction's partitions were ended (connectors/kafka_left_open.h)."""
    rows = map(json.loads, ktool(*how, "--hex", "consume", topic).splitlines())
    return [r for r in rows if r["key"] == b"\0JX".hex() and r["payload"] is None]


def same_state(want, got):
    if want == got:
        return len(want)
    only = [sorted(set(a) - set(b)) for a, b in ((want, got), (got, want))]
    other = [k for k in want if k in got and want[k] != got[k]]
    raise Failed(f"state differs: {len(only[0])} records missing, {len(only[1])} too many, "
                 f"{len(other)} with other bytes, e.g. {(only[0] + only[1] + other)[:2]}")


def compare(want, got):
    """What an undisturbed live run has written, and what was committed: per key the same records in the same
    order, byte for byte. Nothing is sorted. Both without partitions that differ by nothing but their
    interleaving."""
    per_key = [collections.defaultdict(list), collections.defaultdict(list)]
    for side, rows in zip(per_key, (want, got)):
        for row in rows:
            side[row[0], row[1]].append(row[2:])
    if per_key[0] == per_key[1]:
        return
    a, b = collections.Counter(want), collections.Counter(got)
    lost, doubled = list((a - b).elements()), list((b - a).elements())
    if not lost and not doubled:
        key = next(k for k in per_key[0] if per_key[0][k] != per_key[1][k])
        pairs = zip(per_key[0][key], per_key[1][key])
        raise Failed("the same records, but not in the same order within a key: of "
                     f"{key}, e.g. {next(p for p in pairs if p[0] != p[1])}")
    raise Failed(f"{len(lost)} lost, e.g. {lost[:2]}; {len(doubled)} too many, e.g. {doubled[:2]}")


def by_judgement(rows):
    """Refused records: those of a key and partition go out when they are judged. That is when they are read,
    but for events of values that came back, which are judged when their turn comes: no order between
    these two (docs/kafka.md)."""
    said = [dict(zip(r[3][::2], r[3][1::2])) for r in rows]
    return [(r[0], (r[1], h["__fyke.errors.topic"], h["__fyke.errors.partition"],
                    h["__fyke.errors.why"] == "after_idle"), *r[2:]) for r, h in zip(rows, said)]


def ends(topics):
    """Where each partition ends."""
    return {(t, int(row.split("\t")[0])): int(row.split("\t")[3]) for t in topics
            for row in ktool("offsets", "nobody", t).decode().splitlines()}


def deaf():
    """Who is asked for figures before it listens is not ended by that."""
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)


class Subject:
    """One program under one application name; lives one after the other."""

    all = []

    def __init__(self, command, log):
        Subject.all.append(self)
        self.command = command
        self.log = log
        self.lives = self.kills = 0
        self.process = None

    def start(self, *more):
        self.lives += 1
        self.out = open(self.log, "ab")
        self.process = subprocess.Popen([*self.command, *more], stdout=self.out, stderr=self.out,
                                        env=ENVIRONMENT, preexec_fn=deaf)

    def wait(self, timeout=150):
        """Exit code, negative for a signal."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"a life did not end within {timeout} s")
        self.out.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.out.close()

    def dies_at(self, fault, *more):
        """True when the fault was reached."""
        self.start("--fault", fault, *more)
        code = self.wait()
        if code == -signal.SIGKILL:
            self.kills += 1
            return True
        if code != 0:
            raise Failed(f"the life that should die at {fault} ended with {code}")
        return False

    def dies_after(self, seconds, *more):
        self.start(*more)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            self.kills += 1
            return
        self.out.close()
        if code != 0:
            raise Failed(f"a life ended with {code}")

    def finishes(self, *more, timeout=240):
        self.start(*more)
        code = self.wait(timeout)
        if code != 0:
            raise Failed(f"a life that nobody killed ended with {code}")

    def figures(self, path):
        """What it says of itself; None when it does not listen yet, or not any more."""
        if os.path.exists(path):
            os.remove(path)
        self.process.send_signal(signal.SIGUSR1)
        for _ in range(20):
            time.sleep(0.05)
            try:
                with open(path) as f:
                    return json.load(f)
            except (FileNotFoundError, json.JSONDecodeError):
                continue
        return None

    def reads_live(self, topics, stats, *more, timeout=240):
        """One life that nobody disturbs: it reads the topics to where they end now, live, and is told to stop
        then. What it writes is the reference."""
        want = ends(topics)
        deadline = time.monotonic() + timeout
        self.start("--stats", stats, *more)
        while True:
            said = self.figures(stats)
            at = {(p["topic"], p["partition"]): p["next_offset"]
                  for p in (said or {}).get("partitions", [])}
            if all(at.get(part, 0) >= end for part, end in want.items()):
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"the reference has not read everything: {at} of {want}\n{tail(self.log)}")
        self.process.terminate()
        code = self.wait(60)
        if code != 0:
            raise Failed(f"the reference ended with {code}:\n{tail(self.log)}")


def tail(path, lines=15):
    with open(path, errors="replace") as f:
        return "".join(f.readlines()[-lines:])


def verdict(body):
    """Runs a test; what it returns is said, what it raises fails."""
    started = time.monotonic()
    try:
        print(f"{body()} ({time.monotonic() - started:.0f} s)")
    except Failed as why:
        print(f"FAILED: {why}", file=sys.stderr)
        sys.exit(1)
    finally:
        for subject in Subject.all:  # a test that failed leaves nobody behind
            if subject.process and subject.process.poll() is None:
                subject.process.kill()


def seeded(default=1):
    seed = int(os.environ.get("EOS_SEED", default))
    print(f"seed {seed}", flush=True)
    return random.Random(seed)
