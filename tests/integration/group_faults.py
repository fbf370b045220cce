#!/usr/bin/env python3
"""What can go wrong between several instances, one case each.

    group_faults.py FYKE

Every case ends with the alerts of one instance that reads everything, or with a refusal that says why.

FYKE_LONG=1   those too that take half a minute each
EOS_CASE      only cases whose name contains this, short or long
EOS_SEED      another load; printed
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

import eos
import group
import load


class World(group.World):
    def __init__(self, fyke, name, rng):
        super().__init__(fyke, rng.randrange(10**9), name)
        eos.ktool("create", f"{self.name}-out", 1)

    def rules_of(self, name, text):
        with open(f"{self.work}/{name}.rules", "w") as to:
            to.write(text)
        return f"{self.work}/{name}.rules"

    def rules(self):
        with open(f"{self.work}/group.rules") as f:
            return f.read()

    def member_with(self, name, rules, *more):
        s = self.member(name, *more)
        s.command[s.command.index("-r") + 1] = rules
        return s

    def text(self, name):
        with open(f"{self.work}/{name}.log", errors="replace") as f:
            return f.read()

    def ends_with(self, name, subject, code, words, timeout=150):
        got = subject.wait(timeout)
        if got != code or words not in self.text(name):
            raise eos.Failed(f"{name}: exit {got} instead of {code} with {words!r}:\n"
                             + self.text(name)[-3000:])

    def stop(self, name, subject):
        subject.process.terminate()
        self.ends_with(name, subject, 0, "")

    def seqs(self, topic, app=None):
        rows = [r.split("\t")
                for r in eos.ktool("offsets", app or self.name, topic).decode().splitlines()]
        return {int(r[0]): (int(r[1]), int(r[3])) for r in rows}

    def await_read(self, topic, seconds=90, app=None):
        """All of a topic is committed, but for what waits for its turn."""
        deadline = time.time() + seconds
        while True:
            if all(at >= high - 1 for at, high in self.seqs(topic, app).values()):
                return
            if time.time() > deadline:
                raise eos.Failed(f"{topic} is not read on: (position, end) {self.seqs(topic, app)}")
            time.sleep(0.2)

    def produce_and_await(self, n, seconds=90):
        """Every partition has moved on behind it."""
        before = self.offsets()
        self.produce(n)
        self.await_more_than(before, seconds)

    def await_more_than(self, before, seconds=90):
        deadline = time.time() + seconds
        while any(at <= before[part] for part, at in self.offsets().items()):
            if time.time() > deadline:
                raise eos.Failed("nobody goes on:\n" + self.logs())
            time.sleep(0.2)

    def check(self):
        self.end_time()
        self.read_rest()
        want = group.reference(self)
        eos.compare(want, group.alerts(f"{self.name}-out"))
        return f"{len(want)} alerts the same"


def who_takes_a_task_over_goes_on_behind_others(w):
    """What an instance writes of itself stands in the log of the first task, whoever has that task. When it
    takes it over, others have written behind that entry."""
    a, b = w.member("a"), w.member("b")
    a.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    b.start()
    w.wait_said("b", "2 of 4 partitions are ours")
    names, all_of_it = {"a": a, "b": b}, {"a": 1, "b": 0}
    for name, other in (("b", "a"), ("a", "b")):
        w.produce_and_await(200)
        w.stop(other, names[other])
        all_of_it[name] += 1
        w.wait_said(name, "4 of 4 partitions are ours", all_of_it[name])
        w.produce_and_await(200)
        given = w.said(other, "2 of 4 partitions are ours")
        names[other].start()
        w.wait_said(other, "2 of 4 partitions are ours", given + 1)
    w.stop("a", a)
    w.stop("b", b)
    return w.check()


def generations(w, name):
    """Of the group, as the coordinator told it whenever this member joined."""
    return [int(n) for n in re.findall(r"GenerationId (\d+)", w.text(name))]


def a_rolling_restart_shares_nothing_anew(w):
    """All members, one after the other, told to end and started again under load: each comes back under its
    name into the generation that was, and no other is given anything."""
    w.session_ms = 45_000
    members = {n: w.member(n, "-X", "debug=cgrp") for n in "abc"}
    for name, share in zip("abc", ("4 of 4", "2 of 4", "1 of 4")):
        members[name].start()
        w.wait_said(name, f"{share} partitions are ours")
    w.produce_and_await(200)
    given = {name: w.said(name, "partitions are ours") for name in members}
    was = max(n for name in members for n in generations(w, name))
    joined = {name: len(generations(w, name)) for name in members}
    with load.Load(lambda: w.produce(20)):
        for name, s in members.items():
            w.stop(name, s)
            s.start()
            w.wait_said(name, "partitions are ours", given[name] + 1)
            w.await_more_than(w.offsets())
    for name, s in members.items():
        came_back = generations(w, name)[joined[name]:]
        if w.said(name, "partitions are ours") != given[name] + 1 or came_back != [was]:
            raise eos.Failed(f"{name} was given a share of generation {came_back}, where {was} was:\n" + w.logs())
    w.end_time()
    for topic in w.topics:
        w.await_read(topic)
    for name, s in members.items():
        w.stop(name, s)
    want = group.reference(w)
    eos.compare(want, group.alerts(f"{w.name}-out"))
    return f"generation {was} before and behind it, {len(want)} alerts the same"


def partitions_that_are_added_end_all_members(w):
    """Keys would move away from their state: who is given one says so and ends, then who is given it next. A
    restart is refused; nothing of the new partition is evaluated."""
    refresh = ("-X", "topic.metadata.refresh.interval.ms=1000")
    members = {n: w.member(n, *refresh) for n in "ab"}
    members["a"].start()
    w.wait_said("a", "4 of 4 partitions are ours")
    members["b"].start()
    w.wait_said("b", "2 of 4 partitions are ours")
    w.produce_and_await(200)
    out = len(eos.dump(f"{w.name}-out"))
    for topic in w.topics:
        eos.ktool("grow", topic, group.PARTITIONS + 1)
    for name, s in members.items():
        w.ends_with(name, s, 4, "has a partition 4 now, the state was")
    row = json.dumps({"user": "u1", "at": w.time + 10**6, "n": 1}) + "\n"
    for topic in w.topics:
        eos.ktool("-k", "user", "-p", group.PARTITIONS, "produce", topic, stdin=row.encode())
    members["a"].start()
    w.ends_with("a", members["a"], 2, "read had 4 partitions; now they have 5")
    rows = [r.split("\t") for r in eos.ktool("offsets", w.name, w.topics[0]).decode().splitlines()]
    if len(eos.dump(f"{w.name}-out")) < out or rows[group.PARTITIONS][1] != "-":
        raise eos.Failed(f"something of the new partition was read: {rows}")
    return "refused"


def user_of(w, partition):
    for row in eos.dump(w.topics[0]):
        if row[0] == partition:
            return row[1]
    raise eos.Failed(f"nobody is in partition {partition}")


def bulk(w, topic, users, n, begin):
    rows = []
    for i in range(n):
        w.n += 1
        rows.append(f'{{"user":"{users[i % len(users)]}","at":{begin + i},"n":{w.n}}}\n')
    eos.ktool("-k", "user", "-X", "partitioner=murmur2", "produce", topic,
              stdin="".join(rows).encode())


def a_partition_that_was_held_back_is_read_on_when_it_comes_back(w):
    """Payments are ahead by more than the buffer holds and are held back. Another takes half of them
    away, ends, and they come back: what the client was told before must not hold any more."""
    a = w.member("a", "--buffer", "4MiB")
    b = w.member("b", "--buffer", "4MiB")
    w.produce(200)
    users = [user_of(w, p) for p in (0, group.PARTITIONS - 1)]
    a.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    begin = w.time + 10_000
    bulk(w, w.topics[0], users, 10, begin)
    bulk(w, w.topics[1], users, 160_000, begin + 3600_000)
    w.wait_said("a", "the others wait on disk")
    b.start()
    w.wait_said("b", "2 of 4 partitions are ours")
    w.stop("b", b)
    w.wait_said("a", "4 of 4 partitions are ours", 2)
    w.time = begin + 5 * 3600_000
    w.end_time()
    for topic in w.topics:
        w.await_read(topic)
    w.stop("a", a)
    with open(f"{w.work}/a.stats") as f:
        stats = json.load(f)
    if stats["waiting"]["pauses"] == 0:
        raise eos.Failed(f"nothing was held back: {stats}")
    return "read on"


def zombie(w, *more):
    """Everything is its own, with a longer patience of the coordinator than of the group."""
    return w.member("zombie", "-X", "transaction.timeout.ms=30000", *more)


def await_stopped(w, name, subject):
    """It stops at a commit of a certain number, so it gets something to commit until it does."""
    deadline = time.time() + 60
    while True:
        with open(f"/proc/{subject.process.pid}/stat") as f:
            if f.read().rsplit(")", 1)[1].split()[0] == "T":
                return
        if time.time() > deadline or subject.process.poll() is not None:
            raise eos.Failed(f"{name} was not stopped:\n{w.text(name)[-2000:]}")
        w.produce(20)
        time.sleep(0.3)


def an_open_transaction_of_a_zombie_hides_what_its_heir_committed(w):
    """A zombie holds a transaction open on the changelog. Who takes over does not wait for it: what is
    committed stands in front. Its own commits stand behind, and it is killed: a third waits until
    the coordinator has done away with the zombie's transaction, and misses nothing."""
    z, heir, third = zombie(w, "--fault", "kafka-before-offsets:5:stop"), w.member("a"), w.member("b")
    z.start()
    for _ in range(4):
        w.produce(100)
        time.sleep(0.3)
    w.produce(200)
    await_stopped(w, "zombie", z)
    began = time.time()
    heir.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    if time.time() - began > 20:
        raise eos.Failed("who takes over waits for what is not its own")
    w.produce(300)
    time.sleep(1)
    heir.kill()
    third.start()
    w.wait_said("b", "4 of 4 partitions are ours", 1, 60)
    if time.time() - began < 20:
        raise eos.Failed("nothing was hidden: the zombie's transaction was not open")
    w.produce(100)
    z.process.send_signal(signal.SIGCONT)
    w.wait_said("zombie", "going on from the last commit")
    w.produce(100)
    w.stop("b", third)
    w.stop("zombie", z)
    return w.check()


def a_zombie_wakes_up_in_the_middle_of_a_commit(w):
    """Others have committed since: neither its positions nor its alerts may get through."""
    for point in ("kafka-before-offsets", "kafka-before-commit", "kafka-after-header"):
        z = zombie(w, "--fault", f"{point}:5:stop")
        z.start()
        for _ in range(5):
            w.produce(100)
            time.sleep(0.3)
        await_stopped(w, "zombie", z)
        heir = w.member("a")
        heir.start()
        given = w.said("a", "4 of 4 partitions are ours")
        if point != "kafka-before-commit":  # its positions are pending: nobody goes on before
            w.wait_said("a", "4 of 4 partitions are ours", given + 1)
            w.produce(200)
            time.sleep(1)
        else:
            time.sleep(w.session_ms / 1000 + 1)
        again = w.said("zombie", "going on from the last commit")
        z.process.send_signal(signal.SIGCONT)
        w.wait_said("zombie", "going on from the last commit", again + 1)
        w.wait_said("zombie", "partitions are ours", 1)
        w.produce(200)
        w.stop("zombie", z)
        w.stop("a", heir)
    return w.check()


def a_zombie_with_uncommitted_work_wakes_up(w):
    """It has read on since its last commit, and its time to commit comes after it is a member again."""
    z, heir = w.member("zombie", "-X", "transaction.timeout.ms=120000"), w.member("a")
    z.command[z.command.index("--commit-every") + 1] = "20s"
    w.produce(300)
    z.start()
    w.wait_said("zombie", "4 of 4 partitions are ours")
    w.produce(300)
    time.sleep(1.5)
    z.process.send_signal(signal.SIGSTOP)
    heir.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    w.produce(300)
    time.sleep(2)
    z.process.send_signal(signal.SIGCONT)
    w.wait_said("a", "partitions are ours", 2)
    w.produce(300)
    time.sleep(3)
    w.stop("zombie", z)
    w.stop("a", heir)
    return w.check()


def names_that_look_alike_do_not_shut_each_other_out(w):
    """Application a with instance b-c, application a-b with instance c."""
    def life(app, name, out):
        s = w.run(app, out, f"{name}.log", "--state", f"{w.work}/{name}", "--instances", "group",
                  "--instance-id", name)
        s.start()
        w.wait_said(name, "4 of 4 partitions are ours")
        return s

    other, out = f"{w.name}-b", f"{w.name}-alone-out"
    eos.ktool("create", out, 1)
    one = life(w.name, "b-c", f"{w.name}-out")
    two = life(other, "c", out)
    w.produce(400)
    w.end_time()
    for topic in w.topics:
        w.await_read(topic)
        w.await_read(topic, app=other)
    w.stop("b-c", one)
    w.stop("c", two)
    for name in ("b-c", "c"):
        if "taken over" in w.text(name) or "last commit" in w.text(name):
            raise eos.Failed(w.text(name)[-3000:])
    want, got = group.alerts(f"{w.name}-out"), group.alerts(out)
    if len(want) < 50:
        raise eos.Failed(f"{len(want)} alerts only")
    eos.compare(want, got)
    for what in ("changelog", "rules"):
        eos.ktool("delete", f"{other}.{what}")
    return "both work"


def topics_by_different_partitioners_are_refused(w):
    a = w.member("a")
    rows = [json.dumps({"user": f"u{i % 1000}", "at": w.time + i, "n": i}) + "\n" for i in range(12000)]
    for topic, how in zip(w.topics, ("murmur2", "consistent")):
        eos.ktool("-k", "user", "-X", f"partitioner={how}", "produce", topic,
                  stdin="".join(rows).encode())
    a.start()
    w.ends_with("a", a, 4, "partitioner")
    return "refused"


def message_keys_that_are_not_the_field_are_refused(w):
    """Each topic is in order by its own message key; one of them by another field."""
    a = w.member("a")
    rows = [json.dumps({"user": f"u{i % 1000}", "at": w.time + i, "n": i}) + "\n" for i in range(400)]
    for topic, field in zip(w.topics, ("user", "n")):
        eos.ktool("-k", field, "-X", "partitioner=murmur2", "produce", topic,
                  stdin="".join(rows).encode())
    a.start()
    w.ends_with("a", a, 4, "have another message key than the field user of Payment")
    if w.said("a", "the message key is not the field declared `key`") == 0:
        raise eos.Failed("not said: " + w.text("a")[-3000:])
    return "refused"


def a_few_records_in_the_wrong_place_are_counted(w):
    """With another key than the field, without a key, and in another partition than that of the key."""
    w.produce(500)
    row = json.dumps({"user": "u1", "at": w.time, "n": 1}) + "\n"
    home = next(r[0] for r in eos.dump(w.topics[0]) if r[1] == "u1")
    eos.ktool("-k", "n", "-X", "partitioner=murmur2", "produce", w.topics[0], stdin=row.encode())
    eos.ktool("-p", home, "produce", w.topics[0], stdin=row.encode())
    eos.ktool("-k", "user", "-p", (home + 1) % group.PARTITIONS, "produce", w.topics[1],
              stdin=row.encode())
    a = w.member("a")
    a.start()
    w.wait_said("a", "4 of 4 partitions are ours")
    deadline = time.time() + 60
    while w.stats(a, "a")["misplaced"] != 3:
        if time.time() > deadline:
            raise eos.Failed(f"not counted: {w.stats(a, 'a')}")
        time.sleep(0.5)
    w.stop("a", a)
    if w.said("a", "the record is not in the partition of its message key") == 0:
        raise eos.Failed("not said: " + w.text("a")[-3000:])
    return "3 of 503"


def a_topic_whose_end_was_lost_is_refused(w):
    """Made anew with as many records as the position, but not as many as had been read."""
    w.produce(400)
    a = w.member("a", "--once")
    a.start()
    w.ends_with("a", a, 0, "")
    before = w.seqs(w.topics[0])
    part = next(p for p, (at, high) in before.items() if at < high)
    eos.ktool("delete", w.topics[0])
    time.sleep(1)
    eos.ktool("create", w.topics[0], group.PARTITIONS)
    for p, (at, high) in before.items():
        row = json.dumps({"user": "u1", "at": w.time, "n": 1}) + "\n"
        eos.ktool("-k", "user", "-p", p, "produce", w.topics[0],
                  stdin=(row * (at if p == part else high)).encode())
    a.start()
    w.ends_with("a", a, 4, "the topic was made anew")
    # Tasks open one by one: a record of another partition may come by before this one's end is looked at.
    lost = w.said("a", f"[{part}]: the state has read up to offset")
    if not lost and not any(w.said("a", f"[{p}]: the record at offset") for p in before if p != part):
        raise eos.Failed("refused for something else:\n" + w.logs())
    return "refused"


def partitions_added_to_those_of_a_group_are_told(w):
    w.produce(200)
    a = w.member("a", "--once")
    a.start()
    w.ends_with("a", a, 0, "")
    for topic in w.topics:
        eos.ktool("grow", topic, group.PARTITIONS + 2)
    a.start()
    w.ends_with("a", a, 2, f"had {group.PARTITIONS} partitions; now they have {group.PARTITIONS + 2}")
    return "refused"


def state(w, *args, code=0):
    done = subprocess.run([w.fyke, "state", *args], capture_output=True, text=True, timeout=120)
    if done.returncode != code:
        raise eos.Failed(f"fyke state {' '.join(args)}: exit {done.returncode}:\n{done.stderr}")
    return done.stdout + done.stderr


def a_savepoint_of_a_group_begins_another(w):
    """Exported when one instance has all tasks; the other group goes on where the first stood."""
    a, b = w.member("a"), w.member("b")
    w.produce(600)
    a.start()
    b.start()
    w.wait_said("b", "2 of 4 partitions are ours")
    w.produce_and_await(200)
    all_of_it = w.said("a", "4 of 4 partitions are ours")
    w.stop("b", b)
    w.wait_said("a", "4 of 4 partitions are ours", all_of_it + 1)
    w.stop("a", a)
    if state(w, "verify", "--state", f"{w.work}/a").count(": whole") != 4:
        raise eos.Failed("not all tasks are looked at")
    state(w, "compact", "--state", f"{w.work}/a")
    state(w, "export", "--state", f"{w.work}/a", f"{w.work}/save")
    w.app = f"{w.name}-2"
    state(w, "import", "--state", f"{w.work}/c", "--app", w.app, f"{w.work}/save")
    c, d = w.member("c"), w.member("d")
    c.start()
    w.wait_said("c", "4 of 4 partitions are ours")
    w.produce_and_await(300)
    d.start()
    w.wait_said("d", "2 of 4 partitions are ours")
    w.produce_and_await(300)
    w.stop("d", d)
    w.stop("c", c)
    return w.check()


CASES = [partitions_added_to_those_of_a_group_are_told,
         who_takes_a_task_over_goes_on_behind_others, names_that_look_alike_do_not_shut_each_other_out,
         topics_by_different_partitioners_are_refused,
         message_keys_that_are_not_the_field_are_refused,
         a_few_records_in_the_wrong_place_are_counted, a_topic_whose_end_was_lost_is_refused]
# Each takes half a minute or more.
LONG = [a_savepoint_of_a_group_begins_another,
        partitions_that_are_added_end_all_members, a_rolling_restart_shares_nothing_anew,
        an_open_transaction_of_a_zombie_hides_what_its_heir_committed,
        a_zombie_wakes_up_in_the_middle_of_a_commit, a_zombie_with_uncommitted_work_wakes_up,
        a_partition_that_was_held_back_is_read_on_when_it_comes_back]


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
