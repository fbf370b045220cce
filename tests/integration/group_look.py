#!/usr/bin/env python3
"""Looking into instances that share the work, and reloading them by command: each answers for its own tasks.

    group_look.py FYKE
"""
import json
import subprocess
import sys
import time

import eos
import group
import group_rules

KEYS = [f"look{i}" for i in range(12)]


class World(group_rules.World):
    def fyke_of(self, name, *command):
        """What a verb says of that instance: exit code, lines, complaints."""
        done = subprocess.run([self.fyke, *command, "--state", f"{self.work}/{name}"],
                              capture_output=True, text=True, timeout=150, check=False)
        return done.returncode, done.stdout, done.stderr

    def json_of(self, name, *command):
        code, out, err = self.fyke_of(name, *command, "--format", "json")
        if code != 0:
            raise eos.Failed(f"{name}: {command}: exit {code}: {err}")
        return [json.loads(line) for line in out.splitlines()]

    def top(self, name):
        return self.json_of(name, "top", "--once")[0]

    def partials(self, name, key):
        lines = self.json_of(name, "partials", key, "--rule", "spends")
        return [x for x in lines if "open" in x], lines[-1]

    def begin_keys(self):
        """Of each key a login; then time goes on behind it, in every partition."""
        rows = [{"user": k, "at": self.time, "n": 1} for k in KEYS]
        self.send([[json.dumps(r) + "\n" for r in rows], []])
        self.time += 10_000
        self.end_of_each(self.time)

    def end_of_each(self, at):
        for topic in self.topics:
            for p in range(group.PARTITIONS):
                row = json.dumps({"user": f"end{p}", "at": at, "n": 0}) + "\n"
                eos.ktool("-k", "user", "-p", p, "produce", topic, stdin=row.encode())


def until(what, seconds=90):
    deadline = time.time() + seconds
    while True:
        got = what()
        if got:
            return got
        if time.time() > deadline:
            raise eos.Failed(f"waited in vain: {what.__name__}")
        time.sleep(0.2)


def expect(got, want, what):
    if got != want:
        raise eos.Failed(f"{what}: {got!r} instead of {want!r}")


def each_key_is_with_one(w):
    def all_open():
        held = {}
        for key in KEYS:
            for name in "ab":
                some, last = w.partials(name, key)
                if last["held"]:
                    held.setdefault(key, []).append((name, last["task"], len(some)))
        return len(held) == len(KEYS) and held

    held = until(all_open)
    tasks = {name: w.top(name)["tasks"] for name in "ab"}
    expect(sorted(tasks["a"] + tasks["b"]), [0, 1, 2, 3], "tasks of both")
    for key, holders in held.items():
        expect(len(holders), 1, f"holders of {key}")
        name, task, n = holders[0]
        expect((task in tasks[name], n), (True, 1), f"{key} of {name}")
        other = "ab".replace(name, "")
        some, last = w.partials(other, key)
        expect((some, last["held"], last["others"], last["tasks"]), ([], False, True, tasks[other]),
               f"{key} as {other} sees it")
        said = w.fyke_of(other, "partials", key, "--rule", "spends")[1]
        expect("another instance may hold it" in said, True, said)
        said = w.fyke_of(name, "explain", "spends", "--key", key)[1]
        expect(f"task {task} of 4" in said and "It has come furthest here" in said, True, said)
    if len({holders[0][0] for holders in held.values()}) != 2:
        raise eos.Failed(f"one instance holds all keys: {held}")
    return held


def rules_by_cost(w):
    """What both have adds up."""
    both = [w.top(name) for name in "ab"]
    rules = [{r["rule"]: r for r in t["rules"]} for t in both]
    expect(sum(r["spends"]["open"] for r in rules) >= len(KEYS), True, "open starts of both")
    expect(sum(t["records"] for t in both) >= len(KEYS) + 8, True, "records of both")
    expect("of 4, of this instance" in w.fyke_of("a", "top", "--once")[1], True, "the line of tasks")


def what_passes(w, held):
    """A payment makes each key's rule fire: who holds it sees the event and the alert."""
    taps = {}
    for name in "ab":
        for what in ("--events", "--alerts"):
            key = next(k for k, h in held.items() if h[0][0] == name)
            taps[name, what, key] = subprocess.Popen(
                [w.fyke, "tap", what, "--key", key, "-n", "1", "--rule", "spends", "--format", "json",
                 "--state", f"{w.work}/{name}"], stdout=subprocess.PIPE, text=True)
    until(lambda: all(w.top(name)["readers"]["now"] >= 3 for name in "ab"))
    w.send([[], [json.dumps({"user": k, "at": w.time + 1000, "n": 5}) + "\n" for k in KEYS]])
    w.time += 20_000
    w.end_of_each(w.time)
    for (name, what, key), tap in taps.items():
        line = json.loads(tap.communicate(timeout=120)[0])
        if what == "--events":
            expect((line["event"], line["fields"]["user"]), ("Payment", key), f"{name} {what}")
        else:
            expect(line["alert"]["key"], {"user": key}, f"{name} {what}")


def reloaded_by_command(w):
    w.change("a", 2)
    r = w.json_of("a", "reload", "--wait")[0]
    expect((r["by"], r["result"], r["generation"], r["changed"]), ("command", "switched", 2, 1), "a")
    expect({"rule": "toggled", "fate": "changed", "open": "dropped"} in r["rules"], True, str(r))
    w.wait_record("b", by="group", generation=2)
    expect(w.json_of("a", "reload", "--wait")[0]["result"], "unchanged", "again")
    with open(f"{w.work}/a.rules", "a", encoding="utf-8") as f:
        f.write("rule {")
    code, out, _ = w.fyke_of("a", "reload", "--wait")
    expect((code, out.startswith("refused, the rules in force stay: ")), (1, True), out)
    w.change("a", 3)
    code, out, _ = w.fyke_of("a", "reload", "--wait=90s")
    said = out.startswith("switched: 2 unchanged, 0 kept, 0 new, 1 changed, 0 removed; nothing evaluated for ")
    expect((code, said, "  toggled: changed; open: dropped\n" in out), (0, True, True), out)


def body():
    w = World(sys.argv[1], "group-look", eos.seeded())
    a, b = w.pair("a", "b")
    w.begin_keys()
    held = each_key_is_with_one(w)
    rules_by_cost(w)
    what_passes(w, held)
    reloaded_by_command(w)
    w.stop("a", a)
    w.stop("b", b)
    w.close()
    return f"{len(held)} keys, each with one instance"


if __name__ == "__main__":
    eos.verdict(body)
