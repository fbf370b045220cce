#!/usr/bin/env python3
"""Exactly once when the name is taken, time runs out, or somebody changed the broker's side.

    eos_faults.py FYKE [broker]      FYKE_LONG=1: with "broker" also a broker that makes topics by itself

After every case the committed alerts equal those of an undisturbed run, or the run was refused with
the reason. With "broker" the broker itself dies, which no other test may see.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import eos
from eos_matrix import END_OF_TIME, SMALL_FETCHES, World, detected_ms

OTHER = "another process runs as application"
BOUND_MS = 5000  # of eos.rules


class Live(World):
    """A world whose subjects run until they are told to stop."""

    with_readings = False

    def another(self, state, *more):
        self.logs = getattr(self, "logs", 0) + 1
        return self.run(self.name, self.out, f"{self.work}/{state}", f"live{self.logs}.log",
                        "-X", "fetch.message.max.bytes=4000", *more)

    def seq(self):
        """Number of the last commit, by the positions."""
        found = re.findall(r"seq=(\d+)",
                           eos.ktool("offsets", self.name, self.source).decode())
        return max(map(int, found)) if found else -1

    def await_commit(self, after, timeout=90):
        deadline = time.monotonic() + timeout
        while self.seq() <= after:
            if time.monotonic() > deadline:
                raise eos.Failed(f"no commit after number {after}")
            time.sleep(0.05)

    def load_and_await(self, count):
        before = self.seq()
        self.load(count)
        self.await_commit(before)

    def await_still(self, seconds=90):
        """Until no commit has come for a second: all that could be read has been."""
        deadline = time.monotonic() + seconds
        last, since = self.seq(), time.monotonic()
        while time.monotonic() - since < 1:
            time.sleep(0.1)
            if self.seq() != last:
                last, since = self.seq(), time.monotonic()
            if time.monotonic() > deadline:
                raise eos.Failed("commits come although nothing does")


def text(subject):
    with open(subject.log, errors="replace") as f:
        return f.read()


def ends_with(subject, code, words, timeout=150):
    got = subject.wait(timeout)
    if got != code or words not in text(subject):
        raise eos.Failed(f"exit {got} instead of {code} with \"{words}\":\n{text(subject)}")


def stop(subject):
    subject.process.terminate()
    ends_with(subject, 0, "")


def await_text(subject, words, timeout=90):
    deadline = time.monotonic() + timeout
    while words not in text(subject):
        if time.monotonic() > deadline or subject.process.poll() is not None:
            raise eos.Failed(f"no \"{words}\":\n{text(subject)}")
        time.sleep(0.02)


def a_second_process_ends_the_first(w):
    first, second = w.another("one"), w.another("two")
    first.start()
    w.load_and_await(200)
    second.start()
    before = w.seq()
    deadline = time.monotonic() + 30
    while first.process.poll() is None:  # it learns it when it has something to write
        if time.monotonic() > deadline:
            raise eos.Failed("the first process goes on")
        w.load(20)
        time.sleep(0.1)
    ends_with(first, 4, OTHER)
    w.await_commit(before)
    w.load_and_await(50)
    stop(second)


def a_process_that_wakes_up_later_ends(w):
    first, second = w.another("one", "--commit-every", "2s"), w.another("two")
    first.start()
    w.load_and_await(100)
    w.load(100)
    time.sleep(0.7)
    first.process.send_signal(signal.SIGSTOP)
    before = w.seq()
    second.start()
    w.await_commit(before)
    w.load_and_await(100)
    first.process.send_signal(signal.SIGCONT)
    w.load_and_await(50)
    ends_with(first, 4, OTHER)
    stop(second)


def await_open_transaction(w, timeout=60):
    """Alerts have been sent that are not committed."""
    deadline = time.monotonic() + timeout
    while len(eos.ktool("consume", w.out).splitlines()) <= len(eos.dump(w.out)):
        if time.monotonic() > deadline:
            raise eos.Failed("no alert is sent")
        w.load(50)
        time.sleep(0.2)


def a_transaction_that_took_too_long_is_done_again(w):
    """Stopped for longer than the broker keeps a transaction open."""
    first = w.another("one", "--commit-every", "5s", "-X", "transaction.timeout.ms=4000")
    first.start()
    w.load_and_await(100)
    await_open_transaction(w)
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(6)
    first.process.send_signal(signal.SIGCONT)
    await_text(first, "going on from the last commit")
    w.load_and_await(100)
    stop(first)
    if not eos.marked_ends(w.out) or eos.marked_ends(w.out, "--committed"):
        raise eos.Failed("where the lost transaction wrote to was not ended once more")


def positions_that_somebody_moved_are_refused(w):
    w.load(200)
    w.subject.finishes("--once")
    eos.ktool("commit", w.name, w.source, 0, 3)
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, f"{w.source}[0]: the position 3 of group {w.name} was not committed by")
    # Begun anew, everything is evaluated again into another topic: as if for the first time.
    w.outputs(f"{w.name}-again")
    w.subject = w.another("state")
    w.subject.finishes("--once", "--reset-state")


def positions_may_expire(w):
    w.load(100)
    w.subject.finishes("--once")
    eos.ktool("forget", w.name)
    w.load(100)
    w.subject.finishes("--once")


def a_changelog_that_is_gone_is_refused(w):
    w.load(100)
    w.subject.finishes("--once")
    eos.ktool("delete", f"{w.name}.changelog")
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, "it was removed and made anew")
    w.outputs(f"{w.name}-again")
    w.subject = w.another("state")
    w.subject.finishes("--once", "--reset-state")


def a_state_is_made_anew_out_of_the_input(w):
    """Without its changelog; cut short once, after which only another rebuild goes on. The state is that
    of a run that lost nothing. What was decided beyond the clock of what lies in front of the positions goes
    out again."""
    w.load(800)
    w.subject.finishes("--once")
    what_goes_out_again(w)
    eos.ktool("delete", f"{w.name}.changelog")
    w.load(100)
    before = eos.ktool("offsets", w.name, w.source)
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, "--rebuild-from-input makes the state anew")
    if not w.subject.dies_at("kafka-after-commit:2", "--rebuild-from-input", "--commit-every", "1ms"):
        raise eos.Failed("the rebuild was not cut short")
    after = eos.ktool("offsets", w.name, w.source)
    if after != before:
        raise eos.Failed(f"a rebuild that was cut short has moved positions: {before} {after}")
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, "or make the state anew out of the input with --rebuild-from-input")
    out = len(eos.dump(w.out))
    w.load(100)
    w.subject.finishes("--once", "--rebuild-from-input")
    if "alerts and refused records did not go out again" not in text(w.subject):
        raise eos.Failed(f"the rebuild says nothing:\n{text(w.subject)}")
    if len(eos.dump(w.out)) > 2 * out:
        raise eos.Failed("the rebuild has repeated what had gone out")
    w.load(100)


def clock(w, until=None):
    """That of what lies in front of these offsets (None: of all): the least of the partitions' clocks, each of
    which is its newest event less the bound."""
    newest = [-END_OF_TIME] * w.partitions
    for line in eos.ktool("consume", w.source).splitlines():
        record = json.loads(line)
        at, partition = json.loads(record["payload"])["at"], record["partition"]
        if isinstance(at, int) and (until is None or record["offset"] < until[partition]):
            newest[partition] = max(newest[partition], at)
    return min(newest) - BOUND_MS


def what_goes_out_again(w):
    """Behind a rebuild, where everything that the topic holds now was read and committed: all that was decided
    behind the clock at which it ends, and nothing that was decided in front of it, however far back that is."""
    rows = [row.split("\t") for row in eos.ktool("offsets", w.name, w.source).decode().splitlines()]
    w.may_repeat = (clock(w, {int(row[0]): int(row[1]) for row in rows}), clock(w))
    w.must_repeat = {row for row in eos.dump(w.out) if detected_ms(row) > w.may_repeat[0]}


def loses_its_changelog(w, running, words):
    """With its name, at the next commit, which does not count; and so says every later start, until the
    state is made anew out of the input."""
    before = w.seq()
    w.load(50)
    deadline = time.monotonic() + 60
    while running.process.poll() is None:
        if time.monotonic() > deadline:
            raise eos.Failed(f"it goes on without its changelog:\n{text(running)}")
        time.sleep(0.1)
    ends_with(running, 4, words)
    if w.seq() != before:
        raise eos.Failed(f"commit {w.seq()} went to a log that nobody can go on from, after {before}")


def a_changelog_deleted_while_running_is_refused(w):
    first = w.another("state")
    first.start()
    w.load_and_await(400)
    w.await_still()
    what_goes_out_again(w)
    eos.ktool("delete", f"{w.name}.changelog")
    loses_its_changelog(w, first, "(the topic was deleted)")
    if not re.search(rf"kafka: .*{w.name}\.changelog.* not delivered.*\(the topic was deleted\)", text(first)):
        raise eos.Failed(f"not said of which topic:\n{text(first)}")
    if "no broker answers" in text(first):
        raise eos.Failed(f"the broker is said to be away:\n{text(first)}")
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, f"the changelog topic {w.name}.changelog holds no state although the positions")
    w.subject.finishes("--once", "--rebuild-from-input")
    w.load(100)


MADE_ANEW = "was removed and made anew while this process ran: partition 0 held entries up to"


def made_anew_while_running(w, first, make, words):
    first.start()
    w.load_and_await(400)
    w.await_still()
    what_goes_out_again(w)
    eos.ktool("delete", f"{w.name}.changelog")
    make()
    loses_its_changelog(w, first, words)
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, f"the changelog topic {w.name}.changelog has cleanup.policy=delete, which removes state")
    w.subject.finishes("--once", "--rebuild-from-input")
    w.load(100)


def a_changelog_made_anew_while_running_is_refused(w):
    """Empty, before its clients have noticed: what is written to it is accepted."""
    made_anew_while_running(w, w.another("state"), lambda: eos.ktool("create", f"{w.name}.changelog", 1),
                            f"the changelog topic {w.name}.changelog {MADE_ANEW}")


def records_that_retention_took_are_refused(w):
    w.load(100)
    w.subject.finishes("--once")
    w.load(100)
    high = [int(row.split("\t")[3]) for row in
            eos.ktool("offsets", w.name, w.source).decode().splitlines()]
    eos.ktool("trim", w.source, 0, high[0])
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, "retention")
    return "refused"


def a_deleted_state_directory_is_restored(w):
    for i in range(4):
        w.load(150)
        if i % 2:
            w.subject.dies_at("kafka-before-commit:2", "--once")
        else:
            w.subject.finishes("--once")
        shutil.rmtree(w.state)
    w.load(50)
    w.subject.finishes("--once")
    if "entries restored from the changelog" not in text(w.subject):
        raise eos.Failed(f"nothing was restored:\n{text(w.subject)}")


def an_aborted_commit_of_the_same_number_is_not_read(w):
    """What was begun as commit n held more than what was committed as n, which is the last one: whoever reads
    aborted entries finds the other's header first, and goes on behind what nobody has evaluated. (Of each
    life the first commit is that of its claim to the name.)"""
    w.load(100)
    w.subject.finishes("--once")
    before, changelog = w.seq(), f"{w.name}.changelog"
    w.load(600)
    if not w.another("state", "--commit-every", "60s").dies_at("kafka-before-commit:2", "--once"):
        raise eos.Failed("nothing was to be committed")
    slow = ["--commit-every", "1ms", *SMALL_FETCHES, "-X", "queued.min.messages=1"]
    if not w.another("state", *slow).dies_at("kafka-after-commit:2", "--once"):
        raise eos.Failed("nothing was committed")
    aborted = len(eos.ktool("consume", changelog).splitlines()) - \
        len(eos.ktool("--committed", "consume", changelog).splitlines())
    rows = [row.split("\t") for row in eos.ktool("offsets", w.name, w.source).decode().splitlines()]
    rest = sum(int(row[3]) - int(row[1]) for row in rows)
    if w.seq() != before + 1 or aborted < 20 or rest < 100:
        raise eos.Failed(f"commits {before} and {w.seq()}, {aborted} aborted entries, {rest} records left")
    shutil.rmtree(w.state)
    w.subject.finishes("--once")
    if "entries restored from the changelog" not in text(w.subject):
        raise eos.Failed(f"nothing was restored:\n{text(w.subject)}")


def a_state_directory_deleted_while_running_is_restored(w):
    """Whoever runs on it goes on, and ends as ever; the next life has the changelog."""
    first = w.another("state")
    first.start()
    w.load_and_await(200)
    shutil.rmtree(w.state)
    w.load_and_await(200)
    w.load_and_await(100)
    stop(first)
    w.load(100)
    w.subject.finishes("--once")
    if "entries restored from the changelog" not in text(w.subject):
        raise eos.Failed(f"nothing was restored:\n{text(w.subject)}")


def clocks_of_values_come_back_from_the_changelog(w):
    """`watermark per`: what the clocks of all users say comes back from the changelog alone, too."""
    rules = f"{w.work}/eos.rules"
    with open(rules) as f:
        text_of = f.read()
    with open(rules, "w") as f:
        f.write(text_of.replace("out of order by 5s", "watermark per user  idle after 40s  out of order by 1s"))
    a_deleted_state_directory_is_restored(w)
    clocks = [k for k in eos.state(f"{w.name}.changelog") if k.startswith("02")]
    if not clocks:
        raise eos.Failed("no clock of a value stands in the changelog")


def rules_that_do_not_fit_the_state_leave_the_stored_ones(w):
    """Their topics stand in another order: the run goes on with what the state was written under."""
    w.load(200)
    w.subject.finishes("--once")
    rules, other = f"{w.work}/eos.rules", f"{w.name}-other"
    eos.ktool("create", other, 1)
    with open(rules) as f:
        was = f.read()
    with open(rules, "w") as f:
        f.write(was.replace("event Login", f"event Other from topic \"{other}\" {{ user : string key  "
                                           "at : timestamp in ms event time }\n\nevent Login", 1))
    w.load(200)
    w.subject.finishes("--once")
    if "do not fit the state: going on with the rules stored with it" not in text(w.subject):
        raise eos.Failed(f"nothing is said of the stored rules:\n{text(w.subject)}")
    with open(rules, "w") as f:
        f.write(was)


def another_protocols_state_is_refused(w):
    w.load(50)
    w.another("state").finishes("--once", "--delivery", "at-least-once")
    refused = w.another("state")
    refused.start("--once")
    ends_with(refused, 4, "or a run delivered at least once")
    other = w.run(f"{w.name}-other", w.out, w.state, "other.log")
    other.start("--once")
    ends_with(other, 4, "without a changelog")
    return "refused"


def an_abort_may_be_cut_short(w):
    """A run that ends with an error aborts what it has written so far, or dies while doing so."""
    w.load(100)
    w.subject.finishes("--once")
    for point in ("kafka-before-abort", "kafka-after-abort", None):
        life = w.another("state", "--commit-every", "7s", "--strict",
                         *(["--fault", point] if point else []))
        life.start()
        w.load(100)
        time.sleep(1.5)
        eos.ktool("-K", ":", "produce", w.source, stdin=b"u1:no object\n")
        code = life.wait()
        if code != (-signal.SIGKILL if point else 4):
            raise eos.Failed(f"{point}: ended with {code}:\n{text(life)}")
        w.subject.finishes("--once")


def the_broker_dies_and_comes_back(w):
    first = w.another("one")
    first.start()
    w.load_and_await(100)
    for _ in range(2):
        w.load(200)
        time.sleep(w.rng.uniform(0.05, 0.4))
        subprocess.run([eos.BROKER, "kill"], check=True, timeout=60)
        time.sleep(w.rng.uniform(0.5, 2))
        subprocess.run([eos.BROKER, "restart"], check=True, timeout=90, close_fds=True)
        w.load_and_await(100)
    stop(first)


def an_outage_longer_than_a_transaction(w):
    first = w.another("one", "--commit-every", "5s", "-X", "transaction.timeout.ms=3000")
    first.start()
    w.load_and_await(100)
    w.load(200)
    time.sleep(0.4)
    subprocess.run([eos.BROKER, "kill"], check=True, timeout=60)
    time.sleep(5)
    subprocess.run([eos.BROKER, "restart"], check=True, timeout=90, close_fds=True)
    w.load_and_await(100)
    w.load_and_await(100)
    stop(first)


CASES = [a_second_process_ends_the_first, a_process_that_wakes_up_later_ends,
         a_transaction_that_took_too_long_is_done_again, positions_that_somebody_moved_are_refused,
         positions_may_expire, a_changelog_that_is_gone_is_refused,
         a_state_is_made_anew_out_of_the_input,
         records_that_retention_took_are_refused, a_deleted_state_directory_is_restored,
         an_aborted_commit_of_the_same_number_is_not_read,
         a_state_directory_deleted_while_running_is_restored,
         clocks_of_values_come_back_from_the_changelog,
         rules_that_do_not_fit_the_state_leave_the_stored_ones,
         another_protocols_state_is_refused, an_abort_may_be_cut_short]
# Together half a minute on a busy machine.
CASES_LONG = [a_changelog_deleted_while_running_is_refused, a_changelog_made_anew_while_running_is_refused]
def a_broker_that_makes_topics_by_itself(w):
    """auto.create.topics.enable=true: the empty changelog is the doing of whoever asks for it. The clients
    see the topic go and come, whereupon one of them may never end; the process does."""
    path = f"{os.environ['FYKE_BROKER_DIR']}/server.properties"
    with open(path) as f:
        was = f.read()
    try:
        with open(path, "w") as f:
            f.write(was.replace("auto.create.topics.enable=false", "auto.create.topics.enable=true"))
        subprocess.run([eos.BROKER, "restart"], check=True, timeout=90, close_fds=True)
        first = w.another("state", "-X", "topic.metadata.refresh.interval.ms=200")
        made_anew_while_running(w, first, lambda: time.sleep(3), f"{w.name}.changelog")
        if not re.search(rf"{MADE_ANEW}|the topic was deleted", text(first)):
            raise eos.Failed(f"ended for something else:\n{text(first)}")
    finally:
        with open(path, "w") as f:
            f.write(was)
        subprocess.run([eos.BROKER, "restart"], check=True, timeout=90, close_fds=True)


WITH_BROKER = [the_broker_dies_and_comes_back, an_outage_longer_than_a_transaction]
WITH_BROKER_LONG = [a_broker_that_makes_topics_by_itself]


def run_cases(cases):
    """A world each; EOS_CASE: only those whose name contains it."""
    rng = eos.seeded()
    only = os.environ.get("EOS_CASE", "")

    def body():
        for case in cases:
            if only not in case.__name__:
                continue
            began = time.monotonic()
            w = Live(sys.argv[1], case.__name__.replace("_", "-")[:30], rng)
            try:
                said = case(w)
                if not said:
                    said = f"{w.check()} alerts, as undisturbed"
            except eos.Failed as why:
                raise eos.Failed(f"{case.__name__}, files in {w.work}: {why}") from why
            print(f"{case.__name__}: {said} ({time.monotonic() - began:.1f} s)", flush=True)
            w.close()
        return "done"

    eos.verdict(body)


if __name__ == "__main__":
    if sys.argv[2:] == ["broker"]:
        run_cases(WITH_BROKER + (WITH_BROKER_LONG if os.environ.get("FYKE_LONG") == "1" else []))
    else:
        run_cases(CASES + (CASES_LONG if os.environ.get("FYKE_LONG") == "1" else []))
