#!/usr/bin/env python3
"""Exactly once when topics change under it: made anew, deleted, more partitions, unequal ones; very many;
and positions of other commits.

    eos_topics.py FYKE

FYKE_LONG=1   100 and 1,000 partitions in one transaction
"""
import os
import re
import time

import eos
from eos_faults import await_text, ends_with, run_cases, stop, text
from eos_matrix import END_OF_TIME, PARTITIONS

SMALL = 20000
LONG = os.environ.get("FYKE_LONG") == "1"


def begins_anew(w):
    """What the topic holds now, into another topic: as if for the first time."""
    w.outputs(f"{w.name}-again")
    w.subject = w.another("state")
    w.subject.finishes("--once", "--reset-state")


def high(w):
    return [int(row.split("\t")[3]) for row in
            eos.ktool("offsets", w.name, w.source).decode().splitlines()]


def a_topic_made_anew_that_has_grown_again_is_refused(w):
    w.load(200)
    w.subject.finishes("--once")
    was = high(w)
    eos.ktool("delete", w.source)
    eos.ktool("create", w.source, PARTITIONS)
    w.load(500)
    if any(now <= then for now, then in zip(high(w), was)):
        raise eos.Failed(f"the topic has not grown past {was}: {high(w)}")
    alerts = eos.dump(w.out)
    for more in ([], ["--delivery", "exactly-once"]):  # as often as it is started
        refused = w.another("state", *more)
        refused.start("--once")
        ends_with(refused, 4, "the topic was made anew and has grown past the position (it holds 0 to")
    if eos.dump(w.out) != alerts:
        raise eos.Failed("something of the other topic was evaluated")
    begins_anew(w)


def all_read(w, timeout=90):
    """Invalid records at the ends of all partitions have gone out, hence all before them were read."""
    for p in range(w.partitions):
        eos.ktool("-p", p, "-K", ":", "produce", w.source, stdin=f"u1:end of {p}\n".encode())
    deadline = time.monotonic() + timeout
    while sum("end of" in (row[2] or "") for row in eos.dump(f"{w.out}-dead")) < w.partitions:
        if time.monotonic() > deadline:
            raise eos.Failed("the topic is not read to its end")
        time.sleep(0.05)


def await_more(topic, before, timeout=90):
    deadline = time.monotonic() + timeout
    while len(eos.dump(topic)) <= before:
        if time.monotonic() > deadline:
            raise eos.Failed(f"nothing comes to {topic}")
        time.sleep(0.05)


def create_again(name, partitions=PARTITIONS, timeout=60):
    deadline = time.monotonic() + timeout
    while True:  # until the other one is gone
        try:
            return eos.ktool("create", name, partitions)
        except eos.Failed:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def made_anew_while_read(w, pause, *more):
    """It comes back with more records than were read before the client asks for the next ones."""
    w.load(60)
    live = w.another("state", *more)
    live.start()
    all_read(w)
    was, said = high(w), (eos.dump(w.out), eos.dump(f"{w.out}-dead"))
    eos.ktool("delete", w.source)
    pause(live)
    create_again(w.source)
    w.load(400)
    if any(now <= then for now, then in zip(high(w), was)):
        raise eos.Failed(f"the topic has not grown past {was}: {high(w)}")
    ends_with(live, 4, "made anew")  # longer than what was read, or still shorter
    if (eos.dump(w.out), eos.dump(f"{w.out}-dead")) != said:
        raise eos.Failed(f"something of the other topic was evaluated:\n{text(live)}")
    refused = w.another("state", *more)
    refused.start("--once")
    ends_with(refused, 4, "the topic was made anew and has grown past the position (it holds 0 to")


def a_topic_made_anew_while_it_is_read_is_refused(w):
    made_anew_while_read(w, lambda live: None)
    begins_anew(w)


def at_least_once_a_topic_made_anew_is_refused(w):
    made_anew_while_read(w, lambda live: None, "--delivery", "at-least-once")
    return "refused"


def as_a_member_a_topic_made_anew_is_refused(w):
    made_anew_while_read(w, lambda live: None, "--instances", "group", "--instance-id", "one")
    return "refused"


def an_output_that_is_deleted_is_named(w):
    """While running, the topic of the alerts and then that of the dead letters; nothing says that no broker
    answers, as one does."""
    for i, gone in enumerate((w.out, f"{w.out}-dead")):
        for more in ([], ["--delivery", "at-least-once"]):
            live = w.run(f"{w.name}-{i}{len(more)}", w.out, f"{w.work}/state{i}{len(more)}", f"gone{i}{len(more)}.log", *more)
            live.start()
            before = len(eos.dump(gone))
            w.load(200)
            await_more(gone, before)
            eos.ktool("delete", gone)
            w.load(200)
            ends_with(live, 4, f"what is written to {gone} is not delivered (the topic was deleted)")
            if "no broker answers" in text(live):
                raise eos.Failed(f"a broker answers:\n{text(live)}")
            create_again(gone, 1)
    return "refused"


def topics_that_take_small_batches_only(w):
    """Their limit holds for a batch, and all alerts and entries of a commit would go in one."""
    w.out = f"{w.name}-small"
    eos.ktool("create", w.out, 1, f"max.message.bytes={SMALL}")
    eos.ktool("create", f"{w.out}-dead", 1, f"max.message.bytes={SMALL}")
    w.subject = w.run(w.name, w.out, w.state, "run.log", "--commit-every", "5s", "-X",
                      f"changelog.max.message.bytes={SMALL}", "-X", "linger.ms=500")
    w.load(1000)
    w.subject.finishes("--once")
    if sum(len(row[2] or "") for row in eos.dump(w.out)) < 5 * SMALL:
        raise eos.Failed("one batch would have held everything")
    w.load(200)
    w.subject.finishes("--once")
    other = w.run(f"{w.name}-other", w.out, f"{w.work}/other", "other.log", "--delivery", "at-least-once", "-X",
                  "linger.ms=500")
    alerts = len(eos.dump(w.out))
    other.finishes("--once")
    if len(eos.dump(w.out)) != 2 * alerts:
        raise eos.Failed("at least once not all went out")
    w.outputs(f"{w.name}-again")
    w.subject = w.run(w.name, w.out, w.state, "again.log")
    w.subject.finishes("--once", "--reset-state")


def an_absence_that_was_told_changes_nothing(w):
    made_anew_while_read(w, lambda live: await_text(live, "does not exist any more; waiting for it"))
    return "refused"


def positions_of_an_older_commit_are_refused(w):
    """As after a run with another group and back, or when the broker lost the end of its own log: what came
    after them is committed, and would go out again."""
    w.load(100)
    w.subject.finishes("--once")
    older = [row.split("\t") for row in
             eos.ktool("offsets", w.name, w.source).decode().splitlines()]
    w.load(100)
    w.subject.finishes("--once")
    seq = w.seq()
    alerts = eos.dump(w.out)
    for partition, offset, *_, metadata in older:
        eos.ktool("commit", w.name, w.source, partition, offset, metadata)
    if not 0 <= w.seq() < seq:
        raise eos.Failed(f"positions of commit {w.seq()}, not of an older one than {seq}")
    for state in ("state", "new"):  # with its copy, and without
        refused = w.another(state)
        refused.start("--once")
        ends_with(refused, 4, f"the positions are those of commit {w.seq()}, but the changelog's last "
                              f"header is that of commit {seq}")
    if eos.dump(w.out) != alerts:
        raise eos.Failed("something was evaluated again")
    return "refused"


def at_least_once_leaves_positions_of_exactly_once(w):
    """It would begin at the beginning and overwrite them."""
    w.load(100)
    w.subject.finishes("--once")
    before, alerts = eos.ktool("offsets", w.name, w.source), eos.dump(w.out)
    refused = w.another("elsewhere")
    refused.start("--once", "--delivery", "at-least-once")
    ends_with(refused, 4, f"of application {w.name} was committed exactly once (commit ")
    if (eos.ktool("offsets", w.name, w.source), eos.dump(w.out)) != (before, alerts):
        raise eos.Failed("a run delivered at least once has changed what was committed exactly once")
    w.load(100)
    w.subject.finishes("--once")


def partitions_that_were_added_are_read_from_their_beginning(w):
    w.load(150)
    w.subject.finishes("--once")
    eos.ktool("grow", w.source, PARTITIONS + 2)
    w.time += 60_000  # behind what the others have let go
    w.load(200)
    if min(high(w)) == 0:
        raise eos.Failed("no record on a new partition")
    w.subject.dies_at("kafka-before-commit:2", "--once")
    w.subject.finishes("--once")
    for p in (PARTITIONS, PARTITIONS + 1):
        if f'topic "{w.source}" has a new partition {p}: read from offset 0' not in text(w.subject):
            raise eos.Failed(f"not said of partition {p}:\n{text(w.subject)}")
    w.load(100)
    w.subject.dies_at("kafka-after-offsets", "--once")
    w.partitions = PARTITIONS + 2


def partitions_that_are_added_while_running_are_said(w):
    """When the client asks who leads what, once; what was read before goes on, and a restart reads them from their
    beginning."""
    first = w.another("state", "-X", "topic.metadata.refresh.interval.ms=3000")
    first.start()
    w.load_and_await(150)
    eos.ktool("grow", w.source, PARTITIONS + 2)
    words = (f'topic "{w.source}" has {PARTITIONS + 2} partitions now, 2 of them are not read: restart to read them '
             "from their first record")
    await_text(first, words, 150)
    before = high(w)[PARTITIONS:]
    w.load_and_await(100)
    stop(first)
    if text(first).count(words) != 1 or before != [0, 0] or min(high(w)) == 0:
        raise eos.Failed(f"{before} {high(w)}\n{text(first)}")
    w.subject.finishes("--once")
    for p in (PARTITIONS, PARTITIONS + 1):
        if f'topic "{w.source}" has a new partition {p}: read from offset 0' not in text(w.subject):
            raise eos.Failed(f"not said of partition {p}:\n{text(w.subject)}")
    passed = sum("after_idle" in r[3] for r in eos.dump(f"{w.out}-dead"))
    print(f"{sum(high(w)[PARTITIONS:])} records were read behind the restart, {passed} of them behind what their "
          "keys had gone on to", flush=True)
    return "refused"


def topics_with_unequal_partitions_are_not_shared(w):
    other = f"{w.source}-other"
    eos.ktool("create", other, PARTITIONS + 1)
    rules = f"{w.work}/two.rules"
    with open(rules, "w") as f:
        f.write(f"""language 1
event Login from topic "{w.source}" {{ user : string key  at : timestamp in ms event time }}
event Payment from topic "{other}" {{ user : string key  at : timestamp in ms event time }}
rule both {{ for each user within 1 minute when Login as l then Payment as p emit alert }}
""")
    member = eos.Subject([w.fyke, "run", "-r", rules, "-i", "kafka", "-o", f"kafka:{w.out}", "--app",
                          f"{w.name}-group", "--instances", "group", "--instance-id", "one",
                          "--state", f"{w.work}/group", "-X", f"bootstrap.servers={eos.BOOTSTRAP}"],
                         f"{w.work}/group.log")
    member.start()
    ends_with(member, 2, f"has {PARTITIONS} partitions, topic")
    eos.ktool("delete", other)
    return "refused"


def everywhere(w, at):
    """An event on every partition: of so many users that none is left out. Partitions that were made a
    moment ago may take a while to answer."""
    lines = "".join(f'{{"user":"far{i}","at":{at},"result":"success","country":"NL","n":{i}}}\n'
                    for i in range(w.partitions * 14))
    eos.ktool("--timeout-ms", 110000, "-k", "user", "produce", w.source, stdin=lines.encode())


def many_partitions_in_one_transaction(w, partitions=100):
    """Every commit carries the position of each of them."""
    eos.ktool("grow", w.source, partitions)
    w.partitions = partitions
    w.end_of_time = lambda: everywhere(w, END_OF_TIME)
    everywhere(w, w.time)
    w.load(400)
    everywhere(w, w.time)
    began = time.monotonic()
    w.subject.finishes("--once", timeout=300)
    seconds = time.monotonic() - began
    rows = eos.ktool("offsets", w.name, w.source).decode().splitlines()
    if len(rows) != partitions or len({re.search(r"seq=\d+", r).group() for r in rows}) != 1:
        raise eos.Failed(f"{len(rows)} positions, not of one commit")
    print(f"{partitions} partitions: {w.seq() + 1} commits in {seconds:.1f} s", flush=True)
    w.load(200)
    w.subject.dies_at("kafka-after-offsets", "--once")


def a_thousand_partitions(w):
    w.subject.command += ["--commit-every", "500ms"]  # a commit of so many takes a tenth of a second
    many_partitions_in_one_transaction(w, 1000)


CASES = [a_topic_made_anew_that_has_grown_again_is_refused,
         a_topic_made_anew_while_it_is_read_is_refused,
         as_a_member_a_topic_made_anew_is_refused,
         an_output_that_is_deleted_is_named, topics_that_take_small_batches_only,
         positions_of_an_older_commit_are_refused, at_least_once_leaves_positions_of_exactly_once,
         partitions_that_were_added_are_read_from_their_beginning,
         topics_with_unequal_partitions_are_not_shared]
IN_LONG = [at_least_once_a_topic_made_anew_is_refused, an_absence_that_was_told_changes_nothing,
           partitions_that_are_added_while_running_are_said, many_partitions_in_one_transaction, a_thousand_partitions]

if __name__ == "__main__":
    run_cases(CASES + (IN_LONG if LONG else []))
