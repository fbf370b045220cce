"""Cases for why.py in which one thing is wrong: a rule, events that fire it, and one of them moved, late, changed or in the
way. What is named must hold that one thing."""
import re

T0 = 1767225600000  # 2026-01-01
# What is wrong, and the kind of change that must be among those that are named.
FAULTS = {"window": "window", "gap": "window", "pace": "window", "span": "window", "too soon": "gap", "next": "link",
          "first": "link", "row": "link", "condition": "condition", "count": "count", "absence": "absence",
          "without": "absence", "guard": "absence", "late": "late", "quiet": "quiet", "used up": "used_up"}


class Broken:
    """Steps s1 (three of kind a), s2 (b), s3 (c): kinds and limits tell every place of the text apart."""

    def __init__(self, rng, fault):
        self.fault = fault
        self.window = rng.choice([60, 90])
        self.bound = rng.choice([1, 3])
        self.limits = rng.sample(range(1, 9), 3)
        self.pace = {"pace": 4, "span": None}.get(fault, rng.choice([None, 4]))
        self.span = {"pace": None, "span": 12}.get(fault, rng.choice([None, 12]))
        self.row = fault == "row"
        self.within = 10 if fault == "gap" else rng.choice([None, 10])
        self.after = {"too soon": 3, "first": None}.get(fault, rng.choice([None, 2]))
        self.last = 6 if fault == "first" else None
        self.link = {"next": "next ", "first": "first "}.get(fault, "")
        self.absent = fault == "absence" or rng.random() < 0.3
        self.without = fault == "without" or rng.random() < 0.3
        self.guard = fault == "guard"
        self.quiet = 20 if fault == "quiet" else None
        if self.link or self.row:
            self.absent = self.without = self.guard = False
        self.events = self.make_events(rng)

    def rule(self):
        limits = self.limits
        pace = f" each within {self.pace}s" if self.pace and not self.row else ""
        row = " in a row" if self.row else ""
        guard = ' with no E where kind = "shut"' if self.guard else ""
        span = f" within {self.span}s" if self.span else ""
        gap = f"within {self.within}s " if self.within else ""
        absent = 'no E where kind = "stop" then ' if self.absent else ""
        after = f"after {self.after}s " if self.after else ""
        last = f"within {self.last}s " if self.last else ""
        return "\n".join([
            "language 1",
            'event E from topic "e" { k : string key  at : timestamp in ms event time  v : int  kind : string',
            f"  out of order by {self.bound}s }}",
            "rule r {",
            f"  for each k within {self.window}s",
            f'  when 3 E as s1 where v > {limits[0]} and kind = "a"{row}{pace}{guard}{span}',
            f'  then {self.link}{absent}{gap}E as s2 where kind = "b" and v > {limits[1] + 10}',
            f'  then {after}{last}E as s3 where kind = "c" and v > {limits[2] + 20}',
            *(['  without E where kind = "never"'] if self.without else []),
            *([f"  quiet for {self.quiet}s"] if self.quiet else []),
            "  emit alert { n = 1 }",
            "}",
            ""])

    def make_events(self, rng):
        """Times in ms from T0; an event is (time, place in the log, kind, value)."""
        a, fault = [20000, 22000, 24000], self.fault
        b = a[2] + 5000
        c = b + 4000
        more = []
        if fault == "window":
            c = a[0] + self.window * 1000 + rng.choice([1, 500, 7000])
        if fault == "gap":
            b = a[2] + self.within * 1000 + rng.choice([1, 900, 4000])
            c = b + 4000
        if fault == "pace":
            a = [20000, 22000, 26000 + rng.choice([1, 1500])]
            b, c = a[2] + 5000, a[2] + 9000
        if fault == "span":
            a = [20000, 23500, 20000 + self.span * 1000 + rng.choice([1, 3000])]
            b, c = a[2] + 5000, a[2] + 9000
        if fault == "too soon":
            c = b + self.after * 1000 - rng.choice([1, 700, 1300])
        if fault == "next":
            more.append((b - 1000, b - 1000, "noise", 30))
        if fault == "first":
            c = b + 3500
            more.append((b - 4000, b - 4000, "b", 30))
        if fault == "row":
            more.append((21000, 21000, "noise", 30))
        if fault == "absence":
            more.append((b - 1000, b - 1000, "stop", 30))
        if fault == "without":
            more.append((b - 700, b - 700, "never", 30))
        if fault == "guard":
            more.append((21500, 21500, "shut", 30))
        if fault == "count":
            a = a[:2]
        values = {"b": self.limits[1] + 11, "c": self.limits[2] + 21}
        if fault == "condition":
            values["b"] = self.limits[1] + 10
        events = [(t, t, "a", 10) for t in a] + [(b, b, "b", values["b"]), (c, c, "c", values["c"])] + more
        if fault == "late":
            behind = self.bound * 1000 + rng.choice([1, 800, 5000])
            events = [(t, (t + behind + 1 if k == "b" else p), k, v) for t, p, k, v in events]
            clock = b + behind
            events.append((clock, clock, "clock", 0))
        if fault == "quiet":
            events = [(t - 15000, p - 15000, k, v) for t, p, k, v in events] + events
        if fault == "used up":
            events.append((c + 1000, c + 1000, "c", 30))
        return self.as_records(rng, events)

    @staticmethod
    def as_records(rng, events):
        """In order of their place in the log; another key stands between, and tells the end of time."""
        events = [(t, p, k, v, "a") for t, p, k, v in events]
        events += [(t, t, rng.choice("abc"), 40, "b") for t in range(3000, 90000, 9500)]
        events.sort(key=lambda e: e[1])
        return [{"k": "clock" if kind == "clock" else key, "at": T0 + t, "v": v, "kind": kind}
                for t, _, kind, v, key in events]


def changed(rule, reason):
    """The rule with the change that the words name; every place of these rules has words of its own."""
    kind, words = reason["kind"], reason["change"]
    as_other = re.fullmatch(r"`(.+?)` as `(.+?)`", words)
    without = re.fullmatch(r"without `(.+?)`", words)
    if kind == "used_up":
        assert words == "with `after match no skip`", words
        return re.sub(r"(?m)^(  quiet|  emit)", r"  after match no skip\n\1", rule, count=1)
    if as_other:
        old, new = as_other.groups()
    else:
        assert without, words
        old, new = without.group(1), "true" if kind == "condition" else ""
        old = "  without " + old if kind == "absence" and old.startswith("E ") else old
    found = list(re.finditer(re.escape(old) + r"(?![0-9])", rule))
    assert len(found) == 1, f"{words}: not one place of the rule"
    return rule[:found[0].start()] + new + rule[found[0].end():]
