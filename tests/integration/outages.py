"""What the tests share in which brokers, or the network to them, go away under load: one instance and a
group of two read the same topics, and each writes what one instance writes that nobody disturbed.
tests/support/kafka/cluster starts the brokers."""
import os
import random
import subprocess
import time

import eos
import group
import group_matrix
from load import Load

CLUSTER = os.environ["FYKE_CLUSTER"]
# Load and questions do not go through the network that is cut; what is tested does.
os.environ["FYKE_TEST_BOOTSTRAP"] = os.environ["FYKE_TEST_ADMIN"]


def cluster(*args):
    done = subprocess.run([CLUSTER, *map(str, args)], capture_output=True, text=True, timeout=150)
    if done.returncode != 0:
        raise eos.Failed(f"cluster {args}: {done.stderr}")
    return done.stdout.strip()


def patient(*args, stdin=None, seconds=90):
    """ktool; while a broker is away a question may fail, or its client never end. What is produced twice
    stands twice in the topic, for everyone."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            done = subprocess.run([eos.KTOOL, *map(str, args)], input=stdin, capture_output=True, timeout=15)
            why = done.stderr.decode(errors="replace")
            if done.returncode == 0:
                return done.stdout
        except subprocess.TimeoutExpired:
            why = "no answer within 15 s"
        if time.monotonic() > deadline:
            raise eos.Failed(f"ktool {args}: {why}")
        time.sleep(0.2)


class World(group_matrix.World):
    names = group.World.names
    rules_files = ("group_matrix.rules",)
    session_ms = 6000

    def __init__(self, fyke, name, rng):
        super().__init__(fyke, name, rng)
        self.began = time.monotonic()
        self.moments = random.Random(rng.random())  # not the load's, which goes on beside
        self.one = f"{self.name}-one"
        for topic in self.outputs(self.one):
            self.make(topic)
        self.solo = self.run(self.one, self.outputs(self.one)[0], "one.log", "-q", "--state",
                             f"{self.work}/one")

    def make(self, topic, *how):
        super().make(topic, *how)
        time.sleep(1)  # one broker hears of it after the other

    def run(self, app, out, log, *more):
        s = super().run(app, out, log, *more)
        s.command[s.command.index("--commit-every") + 1] = "100ms"
        return s

    def send(self, lines):
        for topic, some in zip(self.topics, lines):
            patient("-k", "user", "-X", "partitioner=murmur2", "produce", topic, stdin="".join(some).encode())

    def everyone(self):
        return {"one": self.solo, **self.members}

    def start(self):
        for s in self.everyone().values():
            s.start()
        for name in self.members:
            self.wait_said(name, "2 of 4 partitions are ours")

    def positions(self, app):
        """(topic, partition): (committed, end, number of the commit)"""
        found = {}
        for topic in self.topics:
            for row in patient("offsets", app, topic).decode().splitlines():
                p, at, _, high, *mark = row.split("\t")
                found[topic, int(p)] = (int(at), int(high), mark[0] if mark else "")
        return found

    def go_on(self, what, apps=None, seconds=90):
        """Every partition has moved on in a commit that came behind this call, and nobody has ended."""
        apps = apps or (self.one, self.name)
        before = {app: self.positions(app) for app in apps}
        deadline = time.monotonic() + seconds
        for app in apps:
            while True:
                now = self.positions(app)
                if all(now[part][0] > at for part, (at, *_) in before[app].items()):
                    break
                self.nobody_ended(what)
                if time.monotonic() > deadline:
                    raise eos.Failed(f"{what}: {app} does not go on: {before[app]} {now}\n{self.logs()}")
                time.sleep(0.3)
        print(f"{time.monotonic() - self.began:4.0f} s  {what}: goes on", flush=True)

    def nobody_ended(self, what):
        for name, s in self.everyone().items():
            if s.process is not None and s.process.poll() is not None:
                raise eos.Failed(f"{what}: {name} ended with {s.process.poll()}:\n{self.logs()}")

    def read_to_the_end(self, app, seconds=120):
        """But for the last record of each partition, which waits for its turn."""
        deadline = time.monotonic() + seconds
        while not all(at >= high - 1 for at, high, _ in self.positions(app).values()):
            if time.monotonic() > deadline:
                raise eos.Failed(f"{app} has not read everything: {self.positions(app)}\n{self.logs()}")
            time.sleep(0.3)

    def ends(self, name, s):
        s.process.terminate()
        code = s.wait(90)
        s.process = None
        if code != 0:
            raise eos.Failed(f"{name}, told to end, ended with {code}:\n{eos.tail(s.log)}")

    def check(self):
        self.end_time()
        for app in (self.one, self.name):
            self.read_to_the_end(app)
        for name, s in self.everyone().items():
            self.ends(name, s)
        alone = f"{self.name}-alone"
        self.whole(alone, "--delivery", "at-least-once")
        want, dead = (read(t, alone) for read, t in zip((alerts, refused), self.outputs(alone)))
        if len(want) < 50 or len(dead) < 5:
            raise eos.Failed(f"only {len(want)} alerts, {len(dead)} refused")
        for app in (self.one, self.name):
            out, late = self.outputs(app)
            for what, wanted, got in (("alerts", want, alerts(out, app)),
                                      ("refused records", dead, refused(late, app))):
                try:
                    eos.compare(wanted, got)
                except eos.Failed as why:
                    raise eos.Failed(f"{what} of {app}: {why}\n{self.logs()}") from why
        return f"{len(want)} alerts, {len(dead)} refused records of {self.n}, twice as undisturbed"


def alerts(topic, app):
    del app  # stands in none of them
    return group_matrix.by_clock(group.alerts(topic))


def refused(topic, app):
    return eos.by_judgement(eos.dump(topic, app))


def run_cases(fyke, cases):
    """Of cases with the class of their world."""
    rng = eos.seeded()
    only = os.environ.get("EOS_CASE", "")

    def body():
        for case, world in cases:
            if only not in case.__name__:
                continue
            began = time.monotonic()
            w = world(fyke, case.__name__.replace("_", "-")[:30], rng)
            try:
                with Load(lambda: w.load(40)):
                    case(w)
                said = w.check()
            except eos.Failed as why:
                raise eos.Failed(f"{case.__name__}, files in {w.work}: {why}") from why
            print(f"{case.__name__}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
        return "done"

    eos.verdict(body)
