#!/usr/bin/env python3
"""The journal when somebody else has the name, time has run out, or the broker's side was changed.

    journal_faults.py PROBE [broker]

With "broker" the broker itself dies, which no other test may see.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import eos
from journal_matrix import chunk, expected

WORK = tempfile.mkdtemp(prefix="journal-faults-")


class Case:
    def __init__(self, name, rng):
        self.rng, self.written = rng, 0
        self.app = f"{name}-{os.getpid()}"
        self.source, self.out = f"{self.app}-in", f"{self.app}-out"
        self.changelog = f"{self.app}.changelog"
        eos.ktool("create", self.source, 2)
        eos.ktool("create", self.out, 1)
        self.logs = 0

    def load(self, count):
        eos.ktool("-k", "k", "produce", self.source, stdin=chunk(self.rng, self.written, count))
        self.written += count

    def subject(self, *more):
        self.logs += 1
        log = f"{WORK}/{self.app}.{self.logs}.log"
        return eos.Subject([sys.argv[1], self.app, self.source, self.out, "-X",
                            f"bootstrap.servers={eos.BOOTSTRAP}", "--batch", "10",
                            "--commit-ms", "20", *more], log)

    def await_output(self, count, timeout=90):
        eos.ktool("--committed", "-n", count, "--timeout-ms", timeout * 1000, "consume", self.out)

    def same(self):
        eos.compare(expected(self.source), eos.dump(self.out))


def text(subject):
    with open(subject.log, errors="replace") as f:
        return f.read()


def ends_with(subject, code, words, timeout=150):
    got = subject.wait(timeout)
    if got != code or words not in text(subject):
        raise eos.Failed(f"exit {got} instead of {code} with \"{words}\":\n{text(subject)}")


def await_text(subject, words, count=1, timeout=90):
    deadline = time.monotonic() + timeout
    while text(subject).count(words) < count:
        if time.monotonic() > deadline or subject.process.poll() is not None:
            raise eos.Failed(f"no \"{words}\":\n{text(subject)}")
        time.sleep(0.02)


OTHER = "another process runs as application"


def a_second_process_ends_the_first(rng):
    c = Case("second", rng)
    first, second = c.subject(), c.subject()
    c.load(100)
    first.start()
    c.await_output(100)
    second.start()
    await_text(second, "ready")
    c.load(100)
    ends_with(first, 4, OTHER)
    c.await_output(200)
    second.process.terminate()
    ends_with(second, 0, "")
    c.same()


def a_process_that_wakes_up_later_ends(rng):
    """Stopped in the middle of a transaction, its successor commits, then it goes on."""
    c = Case("zombie", rng)
    first, second = c.subject("--commit-ms", "3000"), c.subject()
    first.start()
    await_text(first, "ready")
    c.load(100)
    time.sleep(1)
    first.process.send_signal(signal.SIGSTOP)
    second.start()
    c.await_output(100)
    c.load(50)
    c.await_output(150)
    first.process.send_signal(signal.SIGCONT)
    ends_with(first, 4, OTHER)
    c.load(50)
    c.await_output(200)
    second.process.terminate()
    ends_with(second, 0, "")
    c.same()


def a_zombie_of_long_ago_ends(rng):
    """As above, but the broker had aborted its transaction by time before anybody came."""
    c = Case("old", rng)
    more = ("-X", "transaction.timeout.ms=2000")
    first, second = c.subject("--commit-ms", "5000", *more), c.subject(*more)
    first.start()
    await_text(first, "ready")
    c.load(100)
    time.sleep(0.3)
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    second.start()
    c.await_output(100)
    first.process.send_signal(signal.SIGCONT)
    c.load(50)
    ends_with(first, 4, OTHER)
    c.await_output(150)
    second.process.terminate()
    ends_with(second, 0, "")
    c.same()


def a_transaction_that_took_too_long_is_done_again(rng):
    c = Case("slow", rng)
    first = c.subject("--commit-ms", "5000", "-X", "transaction.timeout.ms=2000")
    first.start()
    await_text(first, "ready")
    c.load(100)
    time.sleep(0.3)
    first.process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    first.process.send_signal(signal.SIGCONT)
    await_text(first, "ready", 2)
    c.await_output(100)
    first.process.terminate()
    ends_with(first, 0, "took longer than transaction.timeout.ms")
    c.same()


def positions_that_somebody_moved_are_refused(rng):
    c = Case("moved", rng)
    c.load(100)
    c.subject().finishes("--once")
    eos.ktool("commit", c.app, c.source, 0, 3)
    refused = c.subject()
    refused.start("--once")
    ends_with(refused, 4, "was not committed by application")
    if f"{c.source}[0]: the position 3 of group {c.app}" not in text(refused):
        raise eos.Failed(f"no numbers:\n{text(refused)}")
    c.subject().finishes("--once", "--reset")
    if len(eos.dump(c.out)) != 200:
        raise eos.Failed("after a reset everything is read again")


def positions_that_disagree_are_refused(rng):
    c = Case("disagree", rng)
    c.load(100)
    c.subject().finishes("--once")
    before = eos.ktool("offsets", c.app, c.source).decode().splitlines()[0].split("\t")
    c.load(100)
    c.subject().finishes("--once")
    eos.ktool("commit", c.app, c.source, 0, before[1], before[4])
    refused = c.subject()
    refused.start("--once")
    ends_with(refused, 4, "disagree")


def positions_may_expire(rng):
    """No position any more: the header in the changelog decides."""
    c = Case("expired", rng)
    c.load(100)
    c.subject().finishes("--once")
    eos.ktool("forget", c.app)
    c.load(50)
    c.subject().finishes("--once")
    c.same()


def a_changelog_that_is_gone_is_refused(rng):
    c = Case("gone", rng)
    c.load(100)
    c.subject().finishes("--once")
    eos.ktool("delete", c.changelog)
    refused = c.subject()
    refused.start("--once")
    ends_with(refused, 4, "holds no state although the positions of group")
    c.subject().finishes("--once", "--reset")


def a_changelog_that_loses_state_is_refused(rng):
    for config, words in [(("cleanup.policy=delete",), "cleanup.policy=delete"),
                          (("cleanup.policy=compact", "delete.retention.ms=1000"),
                           "delete.retention.ms=1000"),
                          (("cleanup.policy=compact", "delete.retention.ms=86400000",
                            "max.message.bytes=16383"),
                           "max.message.bytes=16383: it must be 16384 at least")]:
        c = Case("unfit", rng)
        eos.ktool("create", c.changelog, 1, *config)
        refused = c.subject()
        refused.start("--once")
        ends_with(refused, 4, words)
        eos.ktool("delete", c.changelog)
        eos.ktool("delete", c.source)
        eos.ktool("delete", c.out)
    c = Case("parts", rng)
    eos.ktool("create", c.changelog, 3, "cleanup.policy=compact")
    refused = c.subject()
    refused.start("--once")
    ends_with(refused, 4, "has 3 partitions, this application needs 1")
    c = Case("foreign", rng)
    eos.ktool("create", c.changelog, 1, "cleanup.policy=compact")
    eos.ktool("-K", ":", "produce", c.changelog, stdin=b"a:b\n")
    refused = c.subject()
    refused.start("--once")
    ends_with(refused, 4, "does not begin with its identity")


def an_open_transaction_hides_the_end(rng):
    """Somebody else's, for longer than we wait: numbers instead of a state that lacks its end."""
    c = Case("pinned", rng)
    c.load(100)
    c.subject().finishes("--once")
    holder = subprocess.Popen([eos.KTOOL, "--txn", f"{c.app}-holder", "-K", ":", "produce",
                               c.changelog], stdin=subprocess.PIPE)
    holder.stdin.write(b"a:b\n")
    holder.stdin.flush()
    time.sleep(1.5)
    refused = c.subject("-X", "transaction.timeout.ms=1500")
    refused.start("--once")
    try:
        ends_with(refused, 4, "an open transaction holds the rest back")
    finally:
        holder.kill()
        holder.wait()


def the_broker_dies_and_comes_back(rng):
    c = Case("broker", rng)
    first = c.subject()
    first.start()
    await_text(first, "ready")
    for _ in range(2):
        c.load(200)
        time.sleep(rng.uniform(0.05, 0.4))
        subprocess.run([eos.BROKER, "kill"], check=True, timeout=60)
        time.sleep(rng.uniform(0.5, 2))
        subprocess.run([eos.BROKER, "restart"], check=True, timeout=90, close_fds=True)
        c.load(100)
    c.await_output(c.written, 60)
    first.process.terminate()
    ends_with(first, 0, "")
    c.same()


def main():
    rng = eos.seeded()
    with_broker = sys.argv[2:] == ["broker"]
    cases = [the_broker_dies_and_comes_back] if with_broker else [
        a_second_process_ends_the_first, a_process_that_wakes_up_later_ends,
        a_zombie_of_long_ago_ends, a_transaction_that_took_too_long_is_done_again,
        positions_that_somebody_moved_are_refused, positions_that_disagree_are_refused,
        positions_may_expire, a_changelog_that_is_gone_is_refused,
        a_changelog_that_loses_state_is_refused, an_open_transaction_hides_the_end]
    only = os.environ.get("EOS_CASE", "")

    def body():
        for case in cases:
            if only in case.__name__:
                began = time.monotonic()
                case(rng)
                print(f"{case.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        return "done"

    eos.verdict(body)
    shutil.rmtree(WORK)


main()
