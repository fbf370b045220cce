#!/usr/bin/env python3
"""fyke from Kafka to Kafka under kill -9: at every fault point and at random moments.

    eos_matrix.py FYKE

The committed alerts must equal those of one undisturbed live run over the same records: per key the same
sequence, per topic the same multiset, byte for byte. Now and then the state directory is deleted
between two lives: the changelog has everything.

EOS_SEED      another load, other moments; printed
FYKE_LONG=1    every point 20 times, 1,000 random kills, in parts of a few minutes each
EOS_DONE      with FYKE_LONG: file that names the parts that have passed; they are left out
EOS_POINTS    only fault points that match this
EOS_PART      only parts whose name contains this
"""
import collections
import datetime
import json
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile

import eos
import readings

HERE = os.path.dirname(os.path.abspath(__file__))
ENGINE_POINTS = ["before-sink-flush", "after-sink-flush", "before-append", "mid-append",
                 "before-header", "before-journal-commit", "after-journal-commit", "after-overlay",
                 "after-commit", "before-checkpoint", "mid-checkpoint", "after-checkpoint",
                 "after-recovery-batch"]
# An abort needs a life that loses its transaction: eos_faults.py. Texts are sent when the rules
# change: reload.sh, and of several instances group_rules.py.
ELSEWHERE = ["kafka-before-abort", "kafka-after-abort", "after-rules", "rules-before-write",
             "rules-before-commit", "rules-after-commit", "before-switch"]
# Reached once per life.
ONCE = {"kafka-before-init", "kafka-after-init", "before-checkpoint", "mid-checkpoint",
        "after-checkpoint", "after-recovery-batch"}
USERS, PARTITIONS = 30, 3
END_OF_TIME = 10**12
SMALL_FETCHES = ["-X", "fetch.message.max.bytes=500"]


def all_points():
    """A point that nobody listed is a step that no test dies at."""
    found = set()
    for folder in ("engine", "connectors", "lib"):
        for path in pathlib.Path(HERE, "../..", folder).rglob("*.c"):
            for call in re.findall(r"fault_point\(([^;]*)\);", path.read_text()):
                found |= set(re.findall(r'"([a-z-]+)"', call))
    listed = set(eos.POINTS) | set(ENGINE_POINTS) | set(ELSEWHERE)
    if found - listed:
        raise eos.Failed(f"fault points in no list: {sorted(found - listed)}")
    if listed - found:
        raise eos.Failed(f"listed fault points that are nowhere: {sorted(listed - found)}")
    return [p for p in eos.POINTS + ENGINE_POINTS if re.search(os.environ.get("EOS_POINTS", ""), p)]


class World:
    """Topics and load of one part."""

    with_readings = True

    def __init__(self, fyke, name, rng):
        self.rng = rng
        self.name = f"{name}-{os.getpid()}"
        self.work = tempfile.mkdtemp(prefix="eos-")
        self.source = f"{self.name}-in"
        self.state = f"{self.work}/state"
        self.n, self.time = 0, 1_000_000
        self.partitions = PARTITIONS
        # (from, to) in ms: what was decided at such times may have gone out once more, as itself.
        self.may_repeat = None
        self.must_repeat = set()  # alerts that have
        self.topics, rules = [self.source], [f"{HERE}/eos.rules"]
        if self.with_readings:
            self.readings = readings.Readings(rng)
            self.topics.append(f"{self.name}-readings")
            rules.append(f"{HERE}/readings.rules")
        for topic in self.topics:
            eos.ktool("create", topic, PARTITIONS)
        self.outputs(f"{self.name}-out")
        with open(f"{self.work}/eos.rules", "w") as to:
            to.write(readings.joined(*rules).replace("@TOPIC@", self.source)
                     .replace("@READINGS@", self.topics[-1]))
        self.fyke = fyke
        self.subject = self.run(self.name, self.out, self.state, "run.log", "--commit-every",
                                "10ms", *SMALL_FETCHES)

    def outputs(self, name):
        """Alerts go there, what is late or invalid to `name`-dead."""
        self.out = name
        eos.ktool("create", name, 1)
        eos.ktool("create", f"{name}-dead", 1)

    def run(self, app, out, state, log, *more):
        return eos.Subject([self.fyke, "run", "-r", f"{self.work}/eos.rules", "-i", "kafka", "-o",
                            f"kafka:{out}", "--dead-letter", f"kafka:{out}-dead", "--app", app, "--state", state, "-q", "-X",
                            f"bootstrap.servers={eos.BOOTSTRAP}", *more], f"{self.work}/{log}")

    def event(self):
        self.n += 1
        self.time += self.rng.choice([0, 0, 0, 1000, 2000])  # ties, also where the clock stands
        at = self.time - self.rng.choice([0, 0, 0, 1000, 4000, 7000])  # the last one is late
        if self.rng.random() < 0.02:
            at = '"never"'  # invalid
        return (f'{{"user":"u{self.rng.randrange(USERS)}","at":{at},'
                f'"result":"{self.rng.choice(["success", "failure", "failure"])}",'
                f'"country":"{self.rng.choice(["NL", "DE", "BR"])}","n":{self.n}}}')

    def load(self, count):
        self.send(self.source, "\n".join(self.event() for _ in range(count)) + "\n")
        if self.with_readings:
            self.send(self.topics[1], self.readings.some(count // 3 + 1))

    def send(self, topic, lines):
        """In many small batches: with SMALL_FETCHES as many passes, where the reference has few."""
        eos.ktool("-k", "user", "-X", "batch.num.messages=5", "produce", topic, stdin=lines.encode())

    def end_of_time(self):
        """Whatever can be decided is decided."""
        for p in range(self.partitions):
            line = (f'{{"user":"end{p}","at":{END_OF_TIME},"result":"success",'
                    '"country":"NL","host":"end","n":0}\n')
            for topic in self.topics:
                eos.ktool("-p", p, "-k", "user", "produce", topic, stdin=line.encode())

    def maybe_forget(self):
        if self.rng.random() < 0.15:
            shutil.rmtree(self.state, ignore_errors=True)

    def reference(self, name, *more):
        topic = f"{self.name}-{name}"
        eos.ktool("create", topic, 1)
        eos.ktool("create", f"{topic}-dead", 1)
        self.run(topic, topic, f"{self.work}/{name}", f"{name}.log",
                 *more).reads_live(self.topics, f"{self.work}/{name}.stats")
        return eos.dump(topic), eos.dump(f"{topic}-dead", topic)

    def check(self):
        """After a last life the output is that of an undisturbed live run, by the simpler protocol; and
        what the changelog holds is what it would hold if nothing had ever ended. Before and after
        the end of time: then next to nothing is left of the state."""
        self.subject.finishes("--once")
        self.reference("calm")
        self.same_state()
        self.end_of_time()
        self.subject.finishes("--once")
        want, dead = self.reference("ref", "--delivery", "at-least-once")
        if len(want) < 20 or len(dead) < 5:
            raise eos.Failed(f"only {len(want)} alerts, {len(dead)} refused in the reference")
        if self.with_readings:
            readings.came_back(want, dead)
        alerts, refused = eos.dump(self.out), eos.dump(f"{self.out}-dead", self.name)
        if self.may_repeat:
            alerts, refused = self.without_repeats(alerts), list(dict.fromkeys(refused))
        eos.compare(want, alerts)
        eos.compare(eos.by_judgement(dead), eos.by_judgement(refused))
        return len(want)

    def without_repeats(self, alerts):
        """Each alert once; what came more often is counted and must lie within what is declared."""
        often = {row: n for row, n in collections.Counter(alerts).items() if n > 1}
        begin, end = self.may_repeat
        for row, n in often.items():
            at = detected_ms(row)
            if n > 2 or not begin <= at <= end:
                raise eos.Failed(f"{n} times an alert of {at} ms, where only those of {begin} to {end} ms "
                                 f"may come twice: {row}")
        if self.must_repeat - set(often):
            raise eos.Failed(f"went out once, decided behind {begin} ms: {self.must_repeat - set(often)}")
        oldest = min(map(detected_ms, often), default=end)
        print(f"{len(often)} of {len(alerts)} alerts went out twice, the oldest of them decided {end - oldest} ms "
              f"before the break, where {end - begin} ms are allowed", flush=True)
        return list(dict.fromkeys(alerts))

    def same_state(self):
        want = eos.state(f"{self.name}-calm.changelog")
        if len(want) < 10:
            raise eos.Failed(f"only {len(want)} records of state in the reference")
        if self.with_readings and not any(k.startswith("02") for k in want):
            raise eos.Failed("no clock of a value stands in the changelog")
        eos.same_state(want, eos.state(f"{self.name}.changelog"))

    def close(self):
        n = self.name
        outputs = [t + more for t in (self.out, f"{n}-ref", f"{n}-calm") for more in ("", "-dead")]
        for topic in (*self.topics, *outputs, f"{n}.changelog", f"{n}-calm.changelog"):
            try:
                eos.ktool("delete", topic)
            except eos.Failed:
                pass  # at least once has no changelog
        shutil.rmtree(self.work)


def detected_ms(row):
    at = datetime.datetime.fromisoformat(json.loads(row[2])["detected"].replace("Z", "+00:00"))
    return round(at.timestamp() * 1000)


def per_record(point):
    return point.endswith(("-alert", "-entry"))


def die_at(world, point, hits):
    reached = tries = 0
    while reached < hits:
        tries += 1
        if tries > hits * 4 + 4:
            raise eos.Failed(f"{point} was reached only {reached} times")
        if point == "after-recovery-batch":
            shutil.rmtree(world.state, ignore_errors=True)
        world.maybe_forget()
        world.load(world.rng.randrange(20, 150))
        nth = 1 if point in ONCE else world.rng.randrange(1, 30 if per_record(point) else 3)
        reached += world.subject.dies_at(f"{point}:{nth}", "--once")


def die_at_random(world, kills):
    for _ in range(kills):
        world.maybe_forget()
        world.load(world.rng.randrange(20, 300))
        world.subject.dies_after(world.rng.uniform(0.03, 0.7))


def contrast(fyke, seed):
    """The same under the simpler protocol must fail: else the comparison sees nothing."""
    world = World(fyke, "contrast", random.Random(seed))
    world.subject.command += ["--delivery", "at-least-once"]
    world.same_state = lambda: None
    for _ in range(16):
        world.load(150)
        world.subject.dies_at(f"after-sink-flush:{world.rng.randrange(1, 4)}", "--once")
    try:
        world.check()
    except eos.Failed as why:
        if "too many" not in str(why):
            raise
        world.close()
        return
    raise eos.Failed("at least once under the same kills has doubled nothing: the test is blind")


def parts(long):
    """(name, body): a world each."""
    points = all_points()
    if not long:
        return [("short", lambda w: ([die_at(w, p, 1) for p in points], die_at_random(w, 15)))]
    each = [(p, lambda w, p=p: die_at(w, p, 20)) for p in points]
    return each + [(f"random-{i}", lambda w: die_at_random(w, 100)) for i in range(10)]


def run_part(fyke, name, body, seed):
    world = World(fyke, name, random.Random(f"{seed} {name}"))
    try:
        body(world)
        alerts = world.check()
    except eos.Failed as why:
        raise eos.Failed(f"part {name}, files in {world.work}: {why}\n"
                         f"{eos.tail(world.work + '/run.log')}") from why
    kills = world.subject.kills
    print(f"{name}: {kills} kills over {world.n} records, {alerts} alerts, as undisturbed",
          flush=True)
    world.close()
    return kills


def is_done(name):
    ledger = os.environ.get("EOS_DONE", "")
    if not ledger or not os.path.exists(ledger):
        return False
    with open(ledger) as f:
        return name in {line.split()[0] for line in f}


def note_done(name, seed):
    if os.environ.get("EOS_DONE"):
        with open(os.environ["EOS_DONE"], "a") as f:
            f.write(f"{name} seed {seed}\n")


def main():
    long = os.environ.get("FYKE_LONG") == "1"
    seed = int(os.environ.get("EOS_SEED", "1"))
    print(f"seed {seed}", flush=True)

    def body():
        kills = 0
        contrast(sys.argv[1], seed)
        for name, part in parts(long):
            if is_done(name) or os.environ.get("EOS_PART", "") not in name:
                continue
            kills += run_part(sys.argv[1], name, part, seed)
            note_done(name, seed)
        return f"{kills} kills, nothing lost, nothing doubled"

    eos.verdict(body)


if __name__ == "__main__":
    main()
