"""Cases for why.py about the verdict: random rules whose answer hangs on more than the events of a key (deadlines, leading
absences, quiet times that keys share, no key, lateness), over two topics of two partitions. What `explain` says at the end of the
input must be what `run` gives for the key."""
import json
import random

T0 = 1767225600000  # 2026-01-01
KEYS = {"u": "for each u", "u, g": "for each u, g", "": ""}


class Verdict:
    def __init__(self, rng):
        self.key = rng.choice(["u", "u", "u, g", "u, g", ""])
        self.bounds = [rng.choice([0, 2, 10]), rng.choice([0, 5])]
        self.shape = rng.choice(["trailing", "leading", "middle", "pair", "count", "closing"])
        self.silence = rng.choice([5, 20, 60])
        self.window = rng.choice([30, 90])
        self.quiet = rng.choice([None, None, "40s"])
        self.shared = self.key == "u, g" and rng.random() < 0.7
        self.records = self.make_records(rng)

    def rule(self):
        when = {
            "trailing": f"when A as a where n > 4 then no A where n < 3 for {self.silence}s",
            "leading": f"when no A where n > 6 for {self.silence}s then A as a where n > 6",
            "middle": f"when A as a where n > 4 then no B where n > 3 for {self.silence}s then A as b where n < 4",
            "pair": "when A as a where n > 4 then B as b where n > 2",
            "count": "when 2 A as a where n > 3 then A as b where n < 3",
            "closing": "when A as a where n > 6 then no B where n > 1",
        }[self.shape]
        window = f"within {self.window}s" if self.shape in ("middle", "pair", "count", "closing") else ""
        quiet = ""
        if self.shared:
            quiet = "quiet for 40s per u"
        elif self.quiet:
            quiet = f"quiet for {self.quiet}"
        return "\n".join([
            "language 1",
            self.event("A", "a", self.bounds[0]), self.event("B", "b", self.bounds[1]),
            "rule r {",
            f"  {KEYS[self.key]} {window}",
            f"  {when}",
            f"  {quiet}",
            "  emit alert { one = 1 }",
            "}",
            ""])

    @staticmethod
    def event(name, topic, bound):
        late = f"  out of order by {bound}s" if bound else ""
        return (f'event {name} from topic "{topic}" {{ u : string key  at : timestamp in ms event time  n : int  '
                f"g : string{late} }}")

    def make_records(self, rng):
        """Envelopes; each partition has the keys that it has, at offsets of its own, now and then late."""
        records, now, offsets = [], 0, {}
        for _ in range(rng.randint(10, 30)):
            now += rng.choice([300, 1000, 4000, 15000])
            user = rng.choice("xxyz")
            topic, partition = rng.choice("aab"), ord(user) % 2
            at = T0 + max(0, now - rng.choice([0, 0, 0, 3000, 12000]))
            offset = offsets[topic, partition] = offsets.get((topic, partition), -1) + 1
            records.append({"topic": topic, "partition": partition, "offset": offset,
                            "payload": {"u": user, "at": at, "n": rng.randint(0, 9), "g": rng.choice("12")}})
        return records

    def keys(self):
        """As text and as alerts have them."""
        seen = sorted({(r["payload"]["u"], r["payload"]["g"]) for r in self.records})
        if self.key == "":
            return [("", {})]
        if self.key == "u":
            return [(u, {"u": u}) for u in sorted({u for u, _ in seen})]
        return [(json.dumps([u, g], separators=(",", ":")), {"u": u, "g": g}) for u, g in seen]


def places(alert):
    return alert["detected"], [(e["step"], e["topic"], e["partition"], e["offset"]) for e in alert["evidence"]]


def check(tool, case):
    """How many keys were asked about, and of how many the rule had fired."""
    with open(tool.input, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(r) + "\n" for r in case.records)
    tool.write(case.rule())
    common = ["-r", tool.rules, "-i", tool.input, "--input-format", "kcat"]
    ran = [json.loads(line) for line in tool.call("run", "-q", *common).splitlines()]
    asked = fired = 0
    for text, key in case.keys():
        mine = [a for a in ran if a["key"] == key and a["kind"] == "match"]
        why = json.loads(tool.call("explain", "r", *common, "--key", text, "--format", "json"))
        assert why["alerts"] == len(mine), f"key {key}: explain knows of {why['alerts']} alerts, the run gave {len(mine)}"
        if mine:
            assert places(why["last_alert"]) == places(mine[-1]), f"key {key}: {why['last_alert']}, the run: {mine[-1]}"
        assert not why["fired"] or mine, f"key {key}: it fired, but the run gave nothing"
        asked += 1
        fired += len(mine) > 0
        # What is named makes it fire, bounds of lateness and absences included.
        for reason in why["reasons"]:
            changed = with_change(case.rule(), reason)
            if changed is None:
                continue
            tool.write(changed)
            again = [json.loads(line) for line in tool.call("run", "-q", *common).splitlines()]
            tool.write(case.rule())
            assert places(reason["alert"]) in [places(a) for a in again if a["key"] == key and a["kind"] == "match"], \
                f"key {key}: {reason['change']}: promised {places(reason['alert'])}\n{changed}"
    return asked, fired


def with_change(rule, reason):
    """The rule with the words made true by hand; None: words that this does not read."""
    kind, words = reason["kind"], reason["change"].split("`")
    if kind not in ("absence", "silence", "late", "window", "quiet") or words[-1] != "":
        return None
    old = words[1]
    if kind == "absence" and rule.count(old) == 1:
        behind = " then" if not old.startswith("then") else ""
        return rule.replace(old + behind, "") if rule.count(old + behind) == 1 else None
    if kind == "quiet":
        return rule.replace(old, "")
    return rule.replace(old, words[3]) if rule.count(old) == 1 and len(words) == 5 else None


def check_all(tool, seed, cases):
    """None: something was not as it should be, which is said."""
    asked = fired = 0
    for number in range(cases):
        case = Verdict(random.Random(f"{seed}/verdict/{number}"))
        try:
            of_key, with_alert = check(tool, case)
        except AssertionError as e:
            print(f"seed {seed}, verdict {number}: {e}\n{case.rule()}\n" + "\n".join(json.dumps(r) for r in case.records))
            return None
        asked += of_key
        fired += with_alert
    return asked, fired
