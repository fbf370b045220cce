#!/usr/bin/env python3
"""A log of 50 hosts, one of which is 40 s behind, read with one clock and with a clock per host.

  slow_host.py FYKE PAGE            the table of the page must be what comes out
  slow_host.py FYKE PAGE --update   write it
  slow_host.py --write FILE         the log itself

The busiest host (a domain controller, as it were) sends through a slow agent: what it reports arrives
up to 40 s after the others have reported later events. Within a host events are up to 4.5 s out of
order. Fixed seed: the same bytes everywhere, by a generator of its own.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

HOSTS, SECONDS, SLOW = 50, 1800, "dc01"
PLANTED = 60  # bursts of failed logons: what the rule is to find

RULES = """language 1
event Logon from topic "wineventlog" {{
  host : string key
  user : string
  ok   : bool
  at   : timestamp in ms event time
  out of order by 5s
{per}}}
rule guessing {{
  for each host, user
  when 4 Logon as failed where ok = false within 30s
  emit alert {{ n = count(failed) }}
}}
"""


class Random:
    """xorshift64*: Python's own may change."""

    def __init__(self, seed):
        self.s = seed

    def below(self, n):
        self.s ^= self.s >> 12
        self.s = (self.s ^ (self.s << 25)) & (2**64 - 1)
        self.s ^= self.s >> 27
        return (self.s * 2685821657736338717 & (2**64 - 1)) % n


def events(rng):
    """(event time in ms, host, user, ok)"""
    hosts = [SLOW] + ["ws%02d" % i for i in range(1, HOSTS)]
    for ms in range(0, SECONDS * 1000, 80):
        # most of the events are the domain controller's
        host = hosts[0] if rng.below(100) < 85 else hosts[1 + rng.below(HOSTS - 1)]
        yield ms + rng.below(80), host, "u%03d" % rng.below(400), rng.below(40) > 0
    for i in range(PLANTED):
        host = hosts[0] if i % 4 else hosts[1 + rng.below(HOSTS - 1)]
        start = rng.below((SECONDS - 60) * 1000)
        for k in range(4):
            yield start + k * 5000 + rng.below(2000), host, "guess%02d" % i, False


def log():
    rng = Random(20260105)
    arrived = []
    for n, (ms, host, user, ok) in enumerate(events(rng)):
        delay = rng.below(4500) + (35500 if host == SLOW else 0)
        arrived.append((ms + delay, n, ms, host, user, ok))
    arrived.sort()
    return [(ms, host, user, ok) for _, _, ms, host, user, ok in arrived]


def lines(trace):
    base = 1767607200000  # 2026-01-05T10:00:00Z
    return "".join(
        json.dumps({"host": h, "user": u, "ok": ok, "at": base + ms}, separators=(",", ":")) + "\n"
        for ms, h, u, ok in trace)


def behind(trace):
    newest, n, most = -1, 0, 0
    for ms, *_ in trace:
        n += ms < newest
        most = max(most, newest - ms)
        newest = max(newest, ms)
    return n, most


def run(fyke, work, per):
    (work / "r.rules").write_text(RULES.format(per=per))
    subprocess.run([fyke, "run", "-q", "-r", "r.rules", "-i", "log.jsonl", "-o", "out",
                    "--stats", "stats", "--late", "late"], cwd=work, check=True)
    s = json.loads((work / "stats").read_text())
    late = len((work / "late").read_text().splitlines())
    assert late == s["late"], "each late record is reported once"
    assert s["records"] == s["events"] == s["late"] + s["evaluated"], s
    return s["late"], s["alerts_total"]


def percent(n, of):
    return "%.0f %%" % (100 * n / of)


def table(fyke):
    trace = log()
    n_behind, most = behind(trace)
    slow = sum(1 for e in trace if e[1] == SLOW)
    with tempfile.TemporaryDirectory() as d:
        work = Path(d)
        (work / "log.jsonl").write_text(lines(trace))
        one_late, one_found = run(fyke, work, "")
        per_late, per_found = run(fyke, work,
                                  "  idle after 2 minutes\n  watermark per host\n")
    assert 0.93 <= n_behind / len(trace) <= 0.95, n_behind / len(trace)
    assert 38000 < most < 41000, most
    assert per_late == 0 and per_found >= PLANTED, (per_late, per_found)
    assert one_late > len(trace) / 2 and one_found < PLANTED / 2, (one_late, one_found)
    return (f"{len(trace):,} events of {HOSTS} hosts in {SECONDS // 60} minutes, {slow:,} of them of the "
            f"slow one; {n_behind:,} ({percent(n_behind, len(trace))}) arrive behind the newest "
            f"event time, by up to {round(most / 1000)} s.\n\n"
            "| clock, bound 5 s | late, left out | bursts found |\n|---|---|---|\n"
            f"| one for the topic | {one_late:,} ({percent(one_late, len(trace))}) | {one_found} |\n"
            f"| `watermark per host`, `idle after 2 minutes` | {per_late} | {per_found} |\n")


def main():
    if sys.argv[1] == "--write":
        Path(sys.argv[2]).write_text(lines(log()))
        return
    page = Path(sys.argv[2])
    text = page.read_text()
    begin, end = "<!-- slow_host -->\n", "<!-- end -->\n"
    head, rest = text.split(begin)
    old, tail = rest.split(end)
    new = table(Path(sys.argv[1]).resolve())
    if "--update" in sys.argv:
        page.write_text(head + begin + new + end + tail)
    elif new != old:
        sys.exit(f"{page} says\n{old}\nand what comes out is\n{new}")
    print(new)


main()
