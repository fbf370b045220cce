#!/usr/bin/env python3
"""Several instances and one set of rules: which is in force is recorded, and all of them go over to it.

    group_rules.py FYKE

What unchanged rules say equals what one instance says that nobody disturbed; what all rules say equals what
one instance says that takes the other rules at the same place.

FYKE_LONG=1   every fault point around the switch, several times; those that take half a minute each
EOS_CASE      only cases whose name contains this, short or long
EOS_SEED      another load; printed
EOS_ROUNDS    how often every fault point around the switch; 1
"""
import json
import os
import shutil
import signal
import sys
import time

import eos
import group
import group_faults

UNCHANGED = ("spends", "silent")
ROUNDS = int(os.environ.get("EOS_ROUNDS", "1"))


class World(group_faults.World):
    def __init__(self, fyke, name, rng):
        super().__init__(fyke, name, rng)
        self.base = self.rules()
        for name in "abc":
            self.change(name, 1)

    def wait_said(self, name, text, times=1, seconds=90):
        super().wait_said(name, text, times, seconds)

    def text_of(self, version):
        return (self.base + f"rule toggled {{\n  severity low\n  for each user within {version} minutes\n"
                "  when Login as first\n  then Payment as second where n < first.n\n"
                "  emit alert { from = first.n  to = second.n }\n}\n")

    def change(self, name, version, text=None):
        """The files of an instance; each has its own."""
        return self.rules_of(name, text or self.text_of(version))

    def member(self, name, *more):
        s = super().member(name, *more)
        path = f"{self.work}/{name}.rules"
        s.command[s.command.index("-r") + 1] = path if os.path.exists(path) else self.change(name, 1)
        s.command += ["--audit", f"{self.work}/{name}.audit"]
        return s

    def records(self, name):
        """Of its starts and reloads."""
        with open(f"{self.work}/{name}.audit") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def wait_record(self, name, seconds=90, **want):
        """The last record is that one."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            last = (self.records(name) or [{}])[-1]
            if all(last.get(k) == v for k, v in want.items()):
                return last
            time.sleep(0.1)
        raise eos.Failed(f"{name}: no record {want}, but {self.records(name)}")

    def pair(self, *names):
        """Two that share everything."""
        some = [self.member(n) for n in names]
        for s, name in zip(some, names):
            s.start()
            self.wait_said(name, "4 partitions are ours")
        self.wait_said(names[-1], "2 of 4 partitions are ours")
        return some

    def alone(self, version, *more):
        """One life of one instance that reads everything there is."""
        path = self.rules_of("alone", self.text_of(version))
        s = self.run(f"{self.name}-alone", f"{self.name}-alone-out", "alone.log", "--state",
                     f"{self.work}/alone", "--once", *more)
        s.command[s.command.index("-r") + 1] = path
        s.start()
        if s.wait(120) != 0:
            raise eos.Failed(eos.tail(s.log))

    def reference(self, version, *more):
        eos.ktool("create", f"{self.name}-alone-out", 1)
        self.alone(version, *more)
        return self.said_by(f"{self.name}-alone-out")

    def said_by(self, topic, rules=UNCHANGED):
        """Without the rule set, which each alert names."""
        rows = []
        for p, key, value, headers, ts in group.alerts(topic):
            alert = json.loads(value)
            if alert["rule"] in rules:
                del alert["ruleset"]
                rows.append((p, (alert["rule"], key), json.dumps(alert), headers, ts))
        if len(rows) < 50:
            raise eos.Failed(f"{topic}: {len(rows)} alerts only")
        return rows

    def await_read_all(self):
        """Everything that there is has been read; what waits for its turn is read again after a restart."""
        want = sum(high for t in self.topics for _, high in self.seqs(t).values())
        deadline = time.time() + 60
        while sum(self.read_by(n) for n in "ab") < want:
            if time.time() > deadline:
                raise eos.Failed(f"{want} records are not read")
            time.sleep(0.3)

    def read_by(self, name):
        s = next(s for s in eos.Subject.all if s.log == f"{self.work}/{name}.log")
        return sum(p["next_offset"] for p in self.stats(s, name)["partitions"])

    def finish(self, **members):
        """Those that run read everything, and end."""
        self.end_time()
        for topic in self.topics:
            self.await_read(topic, 90)
        for name, s in members.items():
            self.stop(name, s)

    def equal(self, **members):
        """Of the rules that did not change."""
        self.finish(**members)
        want = self.reference(1)
        eos.compare(want, self.said_by(f"{self.name}-out"))
        return f"{len(want)} alerts of unchanged rules the same"


def hup(s):
    s.process.send_signal(signal.SIGHUP)


def counted(figures, **want):
    got = {k: figures[k] for k in want}
    if got != want:
        raise eos.Failed(f"counted {got} instead of {want}")


def switches_recorded(w):
    """Each instance tells its own, and by what: one asked for it, the other follows."""
    first = w.records("a")[0]
    if (first["by"], first["generation"]) != ("start", 1):
        raise eos.Failed(f"the first start of a is recorded as {first}")
    for name, by in (("a", "signal"), ("b", "group")):
        r = w.wait_record(name, by=by, result="switched", generation=2)
        if r["ruleset_before"] != first["ruleset"] or not r["positions"]:
            raise eos.Failed(f"the switch of {name} is recorded as {r}")
        if {"rule": "toggled", "fate": "changed", "open": "dropped"} not in r["rules"]:
            raise eos.Failed(f"{name} does not tell what became of the changed rule: {r}")


def a_reload_of_one_is_one_of_all(w):
    """The other one's files stay as they are; it takes what is in force, and keeps to it."""
    a, b = w.pair("a", "b")
    w.produce(300)
    w.change("a", 2)
    hup(a)
    w.produce(300)
    for name in "ab":
        w.wait_said(name, "1 changed, 0 removed")
        w.wait_said(name, "2 of 4 partitions are ours", 2)
    switches_recorded(w)
    w.produce(200)
    b.kill()
    w.produce(100)
    b.start()
    w.wait_said("b", "it takes what is in force (generation 2, by instance a)")
    w.wait_said("b", "2 of 4 partitions are ours", 3)
    w.wait_record("b", by="start", generation=2)
    hup(a)
    w.wait_said("a", "reload: nothing has changed")
    w.wait_record("a", by="signal", result="unchanged")
    with open(f"{w.work}/a.rules", "a") as f:
        f.write("rule {")
    hup(a)
    w.wait_said("a", "reload: refused: 1 error")
    w.change("a", 2, w.text_of(2).replace("for each user within", "for each n within"))
    hup(a)
    w.wait_said("a", "cannot be shared by several instances")
    w.produce(100)
    counted(w.stats(a, "a")["reload"], switched=1, nothing_new=1, reload_failed=2)
    return w.equal(a=a, b=b)


def a_rolling_upgrade(w):
    """One after the other is started with other files; what was there before follows at once. Of those
    that nobody knows yet it must be said."""
    a, b = w.pair("a", "b")
    w.produce(300)
    stranger = w.member("c")
    w.change("c", 2)
    stranger.start()
    w.ends_with("c", stranger, 2, "its rules are not those in force")
    w.change("c", 1)
    whole = stranger.command.index("-i") + 1
    stranger.command[whole] = f"kafka:{w.topics[0]}"
    stranger.start()
    w.ends_with("c", stranger, 2, "its topics are not those in force")
    stranger.command[whole] = "kafka"
    w.stop("b", b)
    w.change("b", 2)
    b.start()
    w.wait_said("a", "1 changed, 0 removed")
    w.wait_said("b", "2 of 4 partitions are ours", 2)
    w.produce(200)
    w.stop("a", a)
    w.change("a", 2)
    a.start()
    w.wait_said("a", "2 of 4 partitions are ours", 3)
    w.produce(200)
    if w.said("b", "in place of"):
        raise eos.Failed("who brought the rules has changed them once more")
    w.change("c", 3)
    stranger.start("--group-rules", "follow")
    w.wait_said("c", "of 4 partitions are ours")
    w.wait_said("c", "it takes what is in force (generation 2, by instance b)")
    w.stop("c", stranger)
    stranger.start("--group-rules", "take")
    w.wait_said("a", "1 changed, 0 removed", 2)
    w.wait_said("b", "1 changed, 0 removed")
    w.produce(200)
    return w.equal(a=a, b=b, c=stranger)


REFUNDS = """
event Refund from topic "@" {
  user : string key
  at   : timestamp in ms event time
  n    : int
}

rule refunded {
  severity info
  for each user
  when Refund as r
  emit alert { n = r.n }
}
"""


def rules_that_read_one_more_topic(w):
    """Who comes back under its name is given the share that it had, without the new topic; it asks for
    another one."""
    a, b = w.pair("a", "b")
    w.produce(200)
    refunds = f"{w.name}-refunds"
    eos.ktool("create", refunds, group.PARTITIONS)
    w.change("a", 0, w.text_of(1) + REFUNDS.replace("@", refunds))
    hup(a)
    for name in "ab":
        w.wait_said(name, "1 new, 0 changed, 0 removed")
        w.wait_said(name, "2 of 4 partitions are ours", 2, 90)
    rows = "".join(json.dumps({"user": f"u{i}", "at": w.time + i, "n": i}) + "\n" for i in range(60))
    eos.ktool("-k", "user", "-X", "partitioner=murmur2", "produce", refunds, stdin=rows.encode())
    w.produce(200)
    for p in range(group.PARTITIONS):
        row = json.dumps({"user": f"end{p}", "at": w.time + 10**9, "n": 0}) + "\n"
        eos.ktool("-k", "user", "-p", p, "produce", refunds, stdin=row.encode())
    w.await_read(refunds, 90)
    if w.said("a", "asked to share anew") + w.said("b", "asked to share anew") == 0:
        raise eos.Failed("nobody had to ask for a share")
    said = w.equal(a=a, b=b)
    got = w.said_by(f"{w.name}-out", ("refunded",))
    if sorted(json.loads(r[2])["emit"]["n"] for r in got) != list(range(60)):
        raise eos.Failed(f"60 refunds and {len(got)} alerts")
    return said


def switched_at_the_same_place(w):
    """While nothing comes. Each alert, the rule set that it names included, is that of one member which
    is started with the other rules behind the same records: its tasks have the same clocks."""
    member = ("--instances", "group", "--instance-id", "alone")
    a, b = w.pair("a", "b")
    eos.ktool("create", f"{w.name}-alone-out", 1)
    w.produce(400)
    w.await_read_all()
    w.alone(1, *member)
    w.change("b", 2)
    hup(b)
    for name in "ab":
        w.wait_said(name, "2 of 4 partitions are ours", 2)
    w.produce(400)
    w.finish(a=a, b=b)
    w.alone(2, *member)
    want, got = (sorted(group.alerts(t)) for t in (f"{w.name}-alone-out", f"{w.name}-out"))
    by_rule = [[(p, (json.loads(v)["rule"], k), v, h, ts) for p, k, v, h, ts in group.alerts(t)]
               for t in (f"{w.name}-alone-out", f"{w.name}-out")]
    eos.compare(*by_rule)
    sets = {json.loads(r[2])["ruleset"] for r in want}
    if len(sets) != 2 or want != got:
        raise eos.Failed(f"rule sets {sets}")
    return f"{len(want)} alerts the same"


def told_to(s, topic):
    """It writes its alerts there instead."""
    s.command[s.command.index("-o") + 1] = f"kafka:{topic}"
    return s


def refused_to(name):
    return ["--dead-letter", f"kafka:{name}-dead", "--late", f"kafka:{name}-late"]


def some_refused(w):
    """Records that are no events, and events that come too late."""
    rows = [[], []]
    for i in range(60):
        w.n += 1
        at = '"never"' if i % 2 else w.time - 10**8
        rows[i % 2].append(f'{{"user":"u{w.rng.randrange(group.USERS)}","at":{at},"n":{w.n}}}\n')
    w.send(rows)


def a_member_with_another_output(w):
    """Where alerts and refused records go is each member's own: what all of them have written together is what one
    instance says."""
    names = f"{w.name}-out", f"{w.name}-out-other", f"{w.name}-alone-out"
    other = names[1]
    for topic in [other, *(f"{n}-{what}" for n in names for what in ("dead", "late"))]:
        eos.ktool("create", topic, 1)
    a, b = w.member("a", *refused_to(names[0])), told_to(w.member("b", *refused_to(other)), other)
    for name, s in (("a", a), ("b", b)):
        s.start()
        w.wait_said(name, "4 partitions are ours")
    w.wait_said("b", "2 of 4 partitions are ours")
    w.produce(300)
    some_refused(w)
    w.change("a", 2)
    hup(a)
    for name in "ab":
        w.wait_record(name, result="switched")
    w.produce(300)
    some_refused(w)
    w.finish(a=a, b=b)
    want = w.reference(1, *refused_to(names[2]))
    parts = [w.said_by(t) for t in names[:2]]
    eos.compare(want, parts[0] + parts[1])
    refused = 0
    for what in ("dead", "late"):
        one, *both = (eos.by_judgement(eos.dump(f"{n}-{what}", app))
                      for n, app in ((names[2], f"{w.name}-alone"), (names[0], w.name), (other, w.name)))
        if not all(both):
            raise eos.Failed(f"a member has refused nothing as {what}")
        eos.compare(one, both[0] + both[1])
        refused += len(one)
    for topic in [other, *(f"{n}-{what}" for n in names for what in ("dead", "late"))]:
        eos.ktool("delete", topic)
    return (f"{len(parts[0])} and {len(parts[1])} alerts are the {len(want)} of one instance, and so are "
            f"{refused} refused records")


def a_member_whose_output_the_others_begin_to_read(w):
    """What it writes would come back to it: it ends before it has evaluated anything by these rules."""
    other = f"{w.name}-refunds"
    eos.ktool("create", other, group.PARTITIONS)
    a, b = w.member("a"), told_to(w.member("b"), other)
    for name, s in (("a", a), ("b", b)):
        s.start()
        w.wait_said(name, "4 partitions are ours")
    w.wait_said("b", "2 of 4 partitions are ours")
    w.produce(200)
    w.change("a", 0, w.text_of(1) + REFUNDS.replace("@", other))
    hup(a)
    w.wait_record("a", result="switched")
    code = b.wait(90)
    if code != 2 or w.said("b", f"topic {other}") == 0:
        raise eos.Failed(f"b ended with {code}: {eos.tail(b.log)}")
    w.wait_said("a", "4 of 4 partitions are ours", 2)
    w.stop("a", a)
    return "it ended with 2"


# Who dies, where. Those of a commit are reached by the first one that names the other rules, or near it.
AROUND = [("a", "rules-before-write"), ("a", "rules-before-commit"), ("a", "rules-after-commit"),
          ("a", "before-switch"), ("b", "before-switch"), ("a", "kafka-before-init:2"),
          ("b", "kafka-after-init:2"), ("a", "after-rules"), ("b", "after-rules")]


class Pair:
    """Two instances of which one is killed and comes back."""

    def __init__(self, w):
        self.w = w
        self.subjects = {n: w.member(n) for n in "ab"}
        self.given = {}
        self.version = 1

    def start(self, name, *more):
        self.given[name] = (self.w.said(name, "of 4 partitions are ours")
                            if os.path.exists(self.subjects[name].log) else 0)
        self.subjects[name].start(*more)

    def ready(self):
        """Those that live have partitions. One that is to die may do so at its start, when the last
        switch is not through yet."""
        for name, s in self.subjects.items():
            deadline = time.time() + 90
            while (s.process.poll() is None
                   and self.w.said(name, "of 4 partitions are ours") <= self.given[name]):
                if time.time() > deadline:
                    raise eos.Failed(f"{name} is not ready: {self.w.text(name)[-3000:]}")
                time.sleep(0.1)

    def change(self):
        """The next rules: of a rolling upgrade, which comes to b's files as well, later."""
        self.version = self.version % 9 + 1
        self.w.change("a", self.version)


def killed_around_the_switch(w):
    """Each point several times, and at random moments; under load. What unchanged rules say is what an
    instance says that nobody disturbed: nothing of theirs is lost or said twice."""
    pair, kills = Pair(w), 0
    for name in "ab":
        pair.start(name)
    pair.ready()
    for name, point in AROUND * ROUNDS:
        s = pair.subjects[name]
        w.stop(name, s)
        pair.start(name, "--fault", point)
        pair.ready()
        w.produce(60)
        pair.change()
        hup(pair.subjects["a"])
        w.produce(60)
        if s.wait(90) != -signal.SIGKILL:
            raise eos.Failed(f"{name} has not died at {point}: {eos.tail(s.log)}")
        kills += 1
        w.produce(30)
        pair.start(name)
        pair.ready()
    for _ in range(10 * ROUNDS):
        pair.change()
        hup(pair.subjects["a"])
        w.produce(30)
        time.sleep(w.rng.uniform(0, 3))
        name = w.rng.choice("ab")
        pair.subjects[name].kill()
        kills += 1
        w.produce(30)
        if w.rng.random() < 0.3:
            shutil.rmtree(f"{w.work}/{name}", ignore_errors=True)
        pair.start(name)
        pair.ready()
    said = w.equal(**pair.subjects)
    return f"{kills} kills, {w.said('a', 'in place of') + w.said('b', 'in place of')} switches, {said}"


CASES = [a_reload_of_one_is_one_of_all, a_member_with_another_output]
LONG = [switched_at_the_same_place, killed_around_the_switch, a_rolling_upgrade, rules_that_read_one_more_topic,
        a_member_whose_output_the_others_begin_to_read]


def main():
    rng = eos.seeded()
    only = os.environ.get("EOS_CASE", "")

    def body():
        long = os.environ.get("FYKE_LONG") == "1" or only
        for case in CASES + (LONG if long else []):
            if only not in case.__name__:
                continue
            began = time.monotonic()
            w = World(sys.argv[1], case.__name__.replace("_", "-")[:30], rng)
            try:
                said = case(w)
            except eos.Failed as why:
                raise eos.Failed(f"{case.__name__}, files in {w.work}: {why}") from why
            print(f"{case.__name__}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
            w.close()
        return "done"

    eos.verdict(body)


if __name__ == "__main__":
    main()
