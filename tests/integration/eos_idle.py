#!/usr/bin/env python3
"""Idleness on the machine's clock, under kills: what a clock was let go by is an input, which a restart takes
from the header.

    eos_idle.py FYKE

Beside the engine that is killed another one reads the same topics, undisturbed and as another application. Both
see the same silences, since what comes next is sent when both have noticed them; then both must write the
same, also of what comes behind the clock.
"""
import time

import eos
from eos_faults import run_cases, stop
from eos_matrix import PARTITIONS

RULES = """language 1
event Login from topic "@TOPIC@" {
  user : string key
  at   : timestamp in ms event time
  n    : int
  out of order by 5s
}
event Badge from topic "@TOPIC@-badge" {
  user : string key
  at   : timestamp in ms event time
  n    : int
  idle after 1500ms
}
rule alone {
  for each user
  when Login as l
  then no Badge for 10s
  emit alert { n = l.n }
}
rule badge_alone {
  for each user
  when Badge as b
  then no Login for 5s
  emit alert { n = b.n }
}
rule pair {
  for each user within 1 minute
  when Badge as b
  then Login as l
  emit alert { from = b.n  to = l.n }
}
rule seen {
  for each user within 1 day
  when Login as l
  then Badge as b
  emit alert { from = l.n  to = b.n }
}
"""
USERS = [f"u{i}" for i in range(12)]
AWAIT_S = 90
STEP_MS = 1000
FAR_MS = 60_000  # further than any bound and deadline: whatever was sent before is decided
ROUNDS = 3


def event(w, user, at):
    w.n += 1
    return f'{{"user":"{user}","at":{at},"n":{w.n}}}\n'


def send(topic, lines, *how):
    eos.ktool(*how, "-k", "user", "produce", topic, stdin="".join(lines).encode())


def some(w, users, from_ms, count):
    """In order, two at a time."""
    return [event(w, w.rng.choice(users), from_ms + i // 2 * STEP_MS) for i in range(count)]


def talk(w, round_, from_ms, count=120):
    """Logins; one that only silence of the other topic decides; then the clock goes on in all partitions.
    Returns where it stands then."""
    last = from_ms + count // 2 * STEP_MS
    send(w.source, some(w, USERS, from_ms, count) + [event(w, f"marker{round_}", last)])
    for p in range(PARTITIONS):
        send(w.source, [event(w, f"far{round_}-{p}", last + FAR_MS)], "-p", p)
    return last + FAR_MS


def badges(w, round_, from_ms):
    """Behind the clock: of users that it has passed, of users that nobody speaks of; and an invalid one."""
    fresh = [f"fresh{round_}-{i}" for i in range(6)]
    send(f"{w.source}-badge", some(w, USERS, from_ms, 16) + some(w, fresh, from_ms, 16) +
         ['{"user":"u1","at":"never"}\n'])


def await_marker(engines, topics, marker):
    deadline = time.monotonic() + AWAIT_S
    while not all(any(row[1] == marker for row in eos.dump(t)) for t in topics):
        for e in engines:
            if e.process.poll() is not None:
                raise eos.Failed(f"it has ended:\n{eos.tail(e.log)}")
        if time.monotonic() > deadline:
            raise eos.Failed(f"{marker} is not decided within {AWAIT_S} s")
        time.sleep(0.1)


def dies_and_starts(w, life):
    life.kill()
    w.deaths += 1
    life.start()


def silences_under_kills(w):
    with open(f"{w.work}/eos.rules", "w") as f:
        f.write(RULES.replace("@TOPIC@", w.source))
    calm = f"{w.name}-calm"
    for topic in (f"{w.source}-badge", calm, f"{calm}-dead"):
        eos.ktool("create", topic, 1)
    engines = [w.run(calm, calm, f"{w.work}/calm", "calm.log"), w.another("state", "--commit-every", "20ms")]
    killed, w.deaths, at = engines[1], 0, 1_000_000
    for e in engines:
        e.start()
    send(f"{w.source}-badge", [event(w, "u0", at)])
    for r in range(ROUNDS):
        behind, at = at, talk(w, r, at)
        time.sleep(w.rng.uniform(0, 1.5))
        dies_and_starts(w, killed)  # before the silence is noticed, or in the middle of what it decides
        await_marker(engines, (w.out, calm), f"marker{r}")
        dies_and_starts(w, killed)  # with the advance in its header
        badges(w, r, behind)
        time.sleep(w.rng.uniform(0, 1))
        dies_and_starts(w, killed)  # behind the clock, or in front of what is
    talk(w, "-end", at)
    await_marker(engines, (w.out, calm), "marker-end")
    for e in engines:
        stop(e)
    return compare(w, calm)


def compare(w, calm):
    alerts, refused = eos.dump(w.out), eos.dump(f"{w.out}-dead", w.name)
    eos.compare(eos.dump(calm), alerts)
    eos.compare(eos.dump(f"{calm}-dead", calm), refused)
    passed = sum("after_idle" in row[3] for row in refused)
    fresh = sum((row[1] or "").startswith("fresh") for row in alerts)
    if not passed or not fresh:
        raise eos.Failed(f"{passed} events passed by the clock, {fresh} alerts of others: shows nothing")
    return f"{w.deaths} kills, {len(alerts)} alerts, {fresh} of them behind the clock, {passed} events passed by it"


if __name__ == "__main__":
    run_cases([silences_under_kills])
