#!/usr/bin/env python3
"""Two instances that share two topics, under kill -9 at every fault point and at random moments.

    group_matrix.py FYKE

While one dies the other goes on; sometimes the dead one comes back at once under its name, sometimes the
other has taken everything over by then, sometimes a third joins and dies, sometimes the copy on disk is
gone. The committed alerts, late and invalid records and the state in the changelog equal those of one
instance that nobody disturbed.

EOS_SEED      another load, other moments; printed
FYKE_LONG=1   every point 20 times, 500 random kills, in parts of a few minutes each
EOS_DONE      with FYKE_LONG: file that names the parts that have passed; they are left out
EOS_POINTS    only fault points that match this
EOS_PART      only parts whose name contains this
"""
import os
import random
import re
import shutil
import signal
import sys
import time

import eos
import eos_matrix
import group
import readings

HERE = os.path.dirname(os.path.abspath(__file__))
# Only who was away for too long aborts.
ABORTS = ["kafka-before-abort", "kafka-after-abort"]
SHORT = ["kafka-after-header", "kafka-before-offsets", "kafka-after-offsets", "kafka-after-commit",
         "after-journal-commit", "mid-checkpoint", "after-recovery-batch"]
PATIENCE_S = 25


def all_points():
    return [p for p in eos_matrix.all_points() + ABORTS
            if re.search(os.environ.get("EOS_POINTS", ""), p)]


class World(group.World):
    names = (*group.World.names, "readings")
    rules_files = ("group_matrix.rules", "readings.rules")
    session_ms = 4000

    def __init__(self, fyke, name, rng):
        super().__init__(fyke, 0, f"gm-{name}")
        self.rng = rng
        self.readings = readings.Readings(rng)
        for topic in self.outputs():
            self.make(topic)
        self.members = {n: self.member(n, "-q") for n in "ab"}
        self.kills = self.moves = 0

    def make(self, topic, *how):
        eos.ktool("create", topic, 1, *how)

    def outputs(self, app=None):
        app = app or self.name
        return f"{app}-out", f"{app}-out-dead"

    def run(self, app, out, log, *more):
        s = super().run(app, out, log, *more, "--dead-letter", f"kafka:{out}-dead")
        s.command[s.command.index("--commit-every") + 1] = "10ms"
        return s

    def load(self, n):
        lines = [[], []]
        for _ in range(n):
            self.n += 1
            self.time += self.rng.choice([0, 0, 0, 0, 1000])
            at = self.time - self.rng.choice([0, 0, 0, 1000, 4000, 7000])
            at = '"never"' if self.rng.random() < 0.02 else at
            user = self.rng.randrange(group.USERS)
            lines[self.rng.random() < 0.4].append(
                f'{{"user":"u{user}","at":{at},"n":{self.n},'
                f'"result":"{self.rng.choice(["success", "failure", "failure"])}",'
                f'"country":"{self.rng.choice(["NL", "DE", "BR"])}"}}\n')
        self.send([*lines, self.readings.some(n // 3 + 1)])

    def end_time(self):
        for topic in self.topics:
            for p in range(group.PARTITIONS):
                row = (f'{{"user":"end{p}","at":{self.time + 10**9},"n":0,"result":"success",'
                       '"country":"NL","host":"end"}\n')
                eos.ktool("-k", "user", "-p", p, "produce", topic, stdin=row.encode())

    def ended(self, s):
        """Exit code of a life, which is nobody's any more; None: it goes on."""
        code = s.process.poll() if s.process else 0
        if s.process and code is not None:
            s.out.close()
            s.process = None
        return code

    def all_live(self):
        """Who has ended without being killed has failed."""
        for name, s in self.members.items():
            if s.process is None:
                s.start()
            elif s.process.poll() is not None:
                raise eos.Failed(f"{name} ended with {s.process.poll()}")

    def mark(self, s):
        self.marked = os.path.getsize(s.log)

    def since(self, s):
        """What it has said since the mark."""
        with open(s.log, "rb") as f:
            f.seek(self.marked)
            return f.read().decode(errors="replace")

    def kill(self, s):
        if s.process:
            s.kill()
            s.process = None
            self.kills += 1

    def maybe_forget(self, name, always=False):
        if always or self.rng.random() < 0.15:
            shutil.rmtree(f"{self.work}/{name}", ignore_errors=True)

    def maybe_all_to(self, name):
        """The other one has everything before the dead one comes back."""
        if self.rng.random() < 0.12:
            self.moves += 1
            deadline = time.time() + self.session_ms / 1000 + 1
            while time.time() < deadline:
                self.load(20)
                time.sleep(0.3)

    def maybe_third(self):
        if self.rng.random() < 0.1:
            self.moves += 1
            third = self.member("c", "-q")
            third.start()
            self.load(50)
            time.sleep(self.rng.uniform(0.5, 3))
            self.load(50)
            self.kill(third)

    def whole(self, app, *more):
        """One instance, live and undisturbed, up to the end of the topics."""
        for topic in self.outputs(app):
            self.make(topic)
        s = self.run(app, self.outputs(app)[0], f"{app[-4:]}.log", "-q", "--state",
                     f"{self.work}/{app}", *more)
        s.reads_live(self.topics, f"{self.work}/{app}.stats")

    def end_all(self):
        for name, s in self.members.items():
            if self.ended(s) is None:
                s.process.terminate()
                code = s.wait(60)
                s.process = None
                if code not in (0, 130):
                    raise eos.Failed(f"{name} ended with {code}")
        self.read_rest()

    def check(self):
        """State before the end of time, alerts behind it, as eos_matrix.py does."""
        self.end_all()
        calm, alone = f"{self.name}-calm", f"{self.name}-solo"
        self.whole(calm, "--instances", "group", "--instance-id", "a")
        records = eos.same_state(eos.state(f"{calm}.changelog"), eos.state(f"{self.name}.changelog"))
        self.end_time()
        self.end_all()
        self.whole(alone, "--delivery", "at-least-once")
        want = group.alerts(self.outputs(alone)[0])
        dead = eos.dump(self.outputs(alone)[1], alone)
        if len(want) < 50 or len(dead) < 5 or records < 10:
            raise eos.Failed(f"only {len(want)} alerts, {len(dead)} refused, {records} records")
        out, topic = self.outputs()
        eos.compare(by_clock(want), by_clock(group.alerts(out)))
        eos.compare(eos.by_judgement(dead), eos.by_judgement(eos.dump(topic, self.name)))
        readings.came_back(want, dead)
        for app in (calm, alone):
            for topic in (*self.outputs(app), f"{app}.changelog"):
                try:
                    eos.ktool("delete", topic)
                except eos.Failed:
                    pass  # at least once has no changelog
        return len(want)


def by_clock(rows):
    """Alerts of rules that read other topics have another clock, and no order among each other within a
    key (docs/formats.md)."""
    def clock(headers):
        return headers[headers.index("fyke-rule") + 1] in ("spends", "silent")
    return [(r[0], (r[1], clock(r[3])), *r[2:]) for r in rows]


def nth_of(w, point):
    if point in eos_matrix.ONCE or point in ABORTS:
        return 1
    return w.rng.randrange(1, 30 if eos_matrix.per_record(point) else 5)


def until_dead(w, s, point):
    """True: it died where it should have."""
    began = time.time()
    told = False
    while True:
        w.load(w.rng.randrange(10, 60))
        time.sleep(0.15)
        code = w.ended(s)
        if code is not None:
            break
        if not told and time.time() - began > 5:
            s.process.terminate()  # the last checkpoint is one, too
            told = True
        if time.time() - began > PATIENCE_S:
            raise eos.Failed(f"a life that should die at {point} neither does nor ends")
    if code not in (-signal.SIGKILL, 0):
        raise eos.Failed(f"the life that should die at {point} ended with {code}")
    w.kills += code != 0
    return code != 0


def stay_away(w, s):
    """Stopped for longer than the group waits, in the middle of a transaction: an alert waits for a quarter of
    --commit-every."""
    began = time.time()
    while "partitions are ours" not in w.since(s):
        if time.time() - began > PATIENCE_S:
            raise eos.Failed("no partitions")
        time.sleep(0.1)
    w.load(100)
    time.sleep(0.5)
    s.process.send_signal(signal.SIGSTOP)
    time.sleep(w.session_ms / 1000 + 1)
    w.load(50)
    s.process.send_signal(signal.SIGCONT)


def die_at(w, point, hits):
    reached = tries = 0
    while reached < hits:
        tries += 1
        if tries > hits * 4 + 6:
            raise eos.Failed(f"{point} was reached only {reached} times")
        w.all_live()
        name = w.rng.choice("ab")
        victim = w.members[name]
        w.load(w.rng.randrange(20, 100))
        w.kill(victim)
        w.maybe_forget(name, point == "after-recovery-batch")
        w.maybe_all_to("b" if name == "a" else "a")
        w.mark(victim)
        victim.start("--fault", f"{point}:{nth_of(w, point)}",
                     *(["--commit-every", "20s"] if point in ABORTS else []))
        if point in ABORTS:
            stay_away(w, victim)
        reached += until_dead(w, victim, point)


def die_at_random(w, kills):
    for _ in range(kills):
        w.all_live()
        name = w.rng.choice("ab")
        w.load(w.rng.randrange(20, 200))
        time.sleep(w.rng.uniform(0.05, 1.2))
        w.kill(w.members[name])
        w.maybe_forget(name)
        w.maybe_all_to("b" if name == "a" else "a")
        w.maybe_third()


def parts(long):
    if not long:
        return [("short", lambda w: ([die_at(w, p, 1) for p in SHORT], die_at_random(w, 3)))]
    points = all_points()
    some = [points[i:i + 3] for i in range(0, len(points), 3)]
    each = [("-".join(ps)[:60], lambda w, ps=ps: [die_at(w, p, 20) for p in ps]) for ps in some]
    return each + [(f"random-{i}", lambda w: die_at_random(w, 100)) for i in range(5)]


def run_part(fyke, name, body, seed):
    w = World(fyke, name[:20], random.Random(f"{seed} {name}"))
    try:
        body(w)
        alerts = w.check()
    except eos.Failed as why:
        raise eos.Failed(f"part {name}, files in {w.work}: {why}\na: "
                         f"{eos.tail(w.work + '/a.log')}\nb: {eos.tail(w.work + '/b.log')}") from why
    print(f"{name}: {w.kills} kills, {w.moves} moves over {w.n} records, {alerts} alerts, as one "
          "that nobody disturbed", flush=True)
    w.close()
    return w.kills


def main():
    long = os.environ.get("FYKE_LONG") == "1"
    seed = int(os.environ.get("EOS_SEED", "1"))
    print(f"seed {seed}", flush=True)

    def body():
        kills = 0
        for name, part in parts(long):
            if eos_matrix.is_done(name) or os.environ.get("EOS_PART", "") not in name:
                continue
            kills += run_part(sys.argv[1], name, part, seed)
            eos_matrix.note_done(name, seed)
        return f"{kills} kills, nothing lost, nothing doubled"

    eos.verdict(body)


if __name__ == "__main__":
    main()
