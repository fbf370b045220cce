#!/usr/bin/env python3
"""Exactly once when the disk of the state is full, under load: on a small file system of its own.

    eos_space.py FYKE

FYKE_LONG=1   also started on a full disk, and a disk that is full of waiting events

Where mounting one is not allowed it is skipped, and says so; the write itself fails in unit.journal_bounds
and unit.spill.
"""
import os
import subprocess
import sys
import time

import eos
from eos_faults import run_cases, stop, text

MIB = 1 << 20
BLOCKED = "what is committed waits in memory"
AGAIN = "the state is written again"


class Disk:
    """A tmpfs under `path`, and a file that takes what is left of it."""

    def __init__(self, path, size):
        self.path, self.filler = path, f"{path}/filler"
        os.mkdir(path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path],
                              capture_output=True)
        self.mounted = done.returncode == 0

    def fill(self):
        with open(self.filler, "wb", buffering=0) as f:
            for size in (65536, 4096):
                try:
                    while f.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass  # nothing is left

    def clear(self):
        os.unlink(self.filler)

    def unmount(self):
        subprocess.run(["umount", self.path], check=False)


def on_a_disk(case):
    def run(w):
        disk = Disk(f"{w.work}/disk", 8 * MIB)
        try:
            return case(w, disk)
        finally:
            disk.unmount()
    run.__name__ = case.__name__
    return run


def fast(w, *more):
    """Checkpoints often, so that a full disk is noticed soon."""
    return w.another("disk/state", *more)


def load_until(w, subject, words):
    deadline = time.monotonic() + 60
    while words not in text(subject):
        if time.monotonic() > deadline or subject.process.poll() is not None:
            raise eos.Failed(f"no \"{words}\":\n{text(subject)}")
        w.load(100)


@on_a_disk
def the_disk_is_full_while_it_runs(w, disk):
    """Commits go on, the copy on disk waits; when there is room again it catches up."""
    w.state = f"{w.work}/disk/state"
    life = fast(w)
    life.start()
    w.load_and_await(200)
    disk.fill()
    load_until(w, life, BLOCKED)
    w.load_and_await(200)
    disk.clear()
    load_until(w, life, AGAIN)
    w.load_and_await(100)
    stop(life)
    w.subject = fast(w)


@on_a_disk
def it_is_killed_and_started_while_the_disk_is_full(w, disk):
    """Killed there, refused or waiting there, and nothing is missing once there is room."""
    w.state = f"{w.work}/disk/state"
    life = fast(w)
    life.start()
    w.load_and_await(200)
    disk.fill()
    load_until(w, life, BLOCKED)
    w.load_and_await(200)
    life.kill()
    second = fast(w)
    second.start("--once")
    code = second.wait(60)
    said = text(second)
    if code not in (0, 4) or code == 4 and "No space left on device" not in said:
        raise eos.Failed(f"started on a full disk it ended with {code}:\n{said}")
    disk.clear()
    w.load(100)
    w.subject = fast(w)
    w.subject.finishes("--once")


@on_a_disk
def the_disk_is_full_of_waiting_events(w, disk):
    """Events that wait and do not fit into memory go to the disk of the state; a full one ends the run,
    and the next one goes on from the last commit."""
    w.state = f"{w.work}/disk/state"
    w.subject = fast(w, "--buffer", "64KiB")
    w.load(300)
    w.subject.finishes("--once")
    held = w.another("disk/state", "--buffer", "64KiB")
    # One partition far behind keeps the others waiting.
    for p in (0, 1):
        lines = "".join(f'{{"user":"far{p}","at":{w.time + i},"result":"failure",'
                        f'"country":"NL","n":{i}}}\n' for i in range(6000))
        eos.ktool("-p", p, "-k", "user", "produce", w.source, stdin=lines.encode())
    disk.fill()
    held.start("--once")
    code = held.wait(120)
    if code not in (0, 4) or code == 4 and "No space left on device" not in text(held):
        raise eos.Failed(f"ended with {code}:\n{text(held)}")
    print(f"waiting events on a full disk: exit {code}", flush=True)
    disk.clear()
    w.time += 10_000
    w.load(200)
    w.subject.finishes("--once")


CASES = [the_disk_is_full_while_it_runs]
IN_LONG = [it_is_killed_and_started_while_the_disk_is_full, the_disk_is_full_of_waiting_events]


def may_mount():
    import tempfile
    with tempfile.TemporaryDirectory() as where:
        disk = Disk(f"{where}/disk", MIB)
        if disk.mounted:
            disk.unmount()
        return disk.mounted


if __name__ == "__main__":
    if not may_mount():
        print("SKIPPED: mounting a small file system is not allowed here; "
              "unit.journal_bounds and unit.spill make the write fail")
        sys.exit(77)
    run_cases(CASES + (IN_LONG if os.environ.get("FYKE_LONG") == "1" else []))
