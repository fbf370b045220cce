#!/usr/bin/env python3
"""The journal alone under kill -9: at every fault point and at random moments.

    journal_matrix.py PROBE [HITS [RANDOM]]

journal_probe counts per key, in the changelog, and writes "n-th of its key" for every record: a
number that is missing, doubled or out of order is a transaction that was not one.
"""
import collections
import os
import sys
import tempfile

import eos


def chunk(rng, first, count):
    lines = []
    for i in range(first, first + count):
        lines.append(f'{{"k":"k{rng.randrange(40)}","i":{i}}}')
    return "\n".join(lines).encode() + b"\n"


def expected(topic):
    counts = collections.Counter()
    rows = []
    for partition, key, payload, headers, ts in eos.dump(topic):
        counts[key] += 1
        rows.append((0, key, f"{counts[key]} {payload}", ("fyke-rule", "probe"), ts))
    return rows


def main():
    probe, hits, randoms = sys.argv[1], int((sys.argv + ["2"])[2]), int((sys.argv + ["", "10"])[3])
    rng = eos.seeded()
    name = f"jm-{os.getpid()}"
    source, out = f"{name}-in", f"{name}-out"
    eos.ktool("create", source, 3)
    eos.ktool("create", out, 1)
    written = 0
    log = tempfile.NamedTemporaryFile(prefix="journal-", suffix=".log", delete=False).name
    subject = eos.Subject([probe, name, source, out, "-X", f"bootstrap.servers={eos.BOOTSTRAP}",
                           "--commit-ms", "0", "--batch", "25"], log)

    def load(count):
        nonlocal written
        eos.ktool("-k", "k", "produce", source, stdin=chunk(rng, written, count))
        written += count

    def body():
        load(200)
        for point in eos.POINTS:
            reached = tries = 0
            while reached < hits:
                tries += 1
                if tries > hits * 4:
                    raise eos.Failed(f"{point} was reached only {reached} times")
                load(rng.randrange(20, 200))
                nth = 1 if point.endswith("-init") else rng.randrange(1, 6)
                reached += subject.dies_at(f"{point}:{nth}", "--once")
        for _ in range(randoms):
            load(rng.randrange(50, 400))
            subject.dies_after(rng.uniform(0.02, 0.5))
        subject.finishes("--once")
        eos.compare(expected(source), eos.dump(out))
        return f"{subject.kills} kills over {written} records: every number once, in order"

    try:
        eos.verdict(body)
    except SystemExit:
        print(eos.tail(log), file=sys.stderr)
        raise
    os.unlink(log)


if __name__ == "__main__":
    main()
