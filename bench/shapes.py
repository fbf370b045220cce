"""Different rules, drawn: every construct of the language's patterns, policies, silences and timeouts, composed so that
the language allows them. A rule is a template, whose own tests stand apart: what is left is its shape."""
import re

from activity import KINDS
from own_tests import OwnTests

MOST_M = 15  # the least window of a rule
FIELDS = ("amount", "risk", "attempts", "took_ms")


class Names:
    """What later conditions may use: `one` by field, `many` through aggregates."""

    def __init__(self, one=(), many=()):
        self.one, self.many = list(one), list(many)

    def copy(self):
        return Names(self.one, self.many)


class Rule:
    def __init__(self, name, template, tests, emit, foreign):
        self.name, self.template, self.tests, self.emit, self.foreign = name, template, tests, emit, foreign

    def body(self):
        """From `for each` to what stands in front of `emit`."""
        return re.sub(r"<(\d+)>", lambda m: self.tests[int(m.group(1))][1], self.template)

    def text(self):
        return f"rule {self.name} {{\n{self.body()}  emit alert {{ {self.emit} }}\n}}\n"

    def shape(self):
        """Without own tests, constants, names, fields, and which comparison."""
        text = re.sub(r"<\d+>", "T", self.template)
        text = re.sub(r"\b(" + "|".join(KINDS) + r")\b", "E", text)
        text = re.sub(r"\b\d+[a-z]*\b", "0", re.sub(r"\bn\d+\b", "x", text))
        text = re.sub(r"(?<=[ .(])(" + "|".join(FIELDS + ("device", "country", "card", "user", "ip")) + r")\b", "f", text)
        return re.sub(r"[<>!]=|[<>]", "=", re.sub(r"\s+", " ", text))


class Maker:
    """`limit_m`: the span around what is being made, which no span, gap or absence inside exceeds."""

    def __init__(self, rng, foreign=False):
        self.rng, self.own, self.limit_m = rng, OwnTests(rng, foreign), MOST_M

    def rule(self, name):
        self.tests, self.n_names = [], 0
        r, names = self.rng, Names()
        head = r.choice((MOST_M, 20, 30, 45, 60, 90, 120))
        lines = [f"for each {r.choice(('user',) * 8 + ('device', 'card'))} within {head}m"]
        lead = "".join(f"no {self.event()} for {r.randint(1, 9)}m then " for _ in range(r.random() < 0.06))
        lines.append(f"when {lead}{self.sequence(names, r.choice((1, 2, 2, 2, 3, 3, 4)), 2, True)}")
        lines += [f"without {self.event(names)}" for _ in range(r.choice((0,) * 7 + (1, 1, 2)))]
        if self.ends_optional:
            lines.append("after match no skip")
        elif r.random() < 0.3:
            anchor = r.choice(names.one) if names.one else None
            lines.append("after match " + r.choice(["skip to next"] * 6 + ["skip past last", "no skip"] +
                                                   [f"skip to first {anchor}", f"skip to last {anchor}"] * bool(anchor)))
        if r.random() < 0.25:
            lines.append(f"quiet for {r.randint(5, 60)}m")
        if r.random() < 0.12:
            lines.append("on timeout emit alert")
        emit = f"score = {r.randint(1, 99)}"
        if names.many and r.random() < 0.5:
            emit += f"  n = count({r.choice(names.many)})"
        return Rule(name, "".join(f"  {line}\n" for line in lines), self.tests, emit, self.own.foreign)

    # ---- events and what is asked of them

    def name(self):
        self.n_names += 1
        return f"n{self.n_names}"

    def test(self, kind):
        self.tests.append((kind, *self.own.make(kind)))
        return f"<{len(self.tests) - 1}>"

    def event(self, names=None, alias=""):
        """`names`: what its condition may compare with."""
        kind = self.rng.choice(KINDS)
        joined = self.joined(names) if names and self.rng.random() < 0.25 else ""
        return f"{kind}{alias} where {self.test(kind)}{joined}"

    def joined(self, names):
        r, f = self.rng, self.rng.choice(FIELDS)
        ways = []
        if names.one:
            a = r.choice(names.one)
            ways += [f"device = {a}.device", f"country != {a}.country", f"{f} > {a}.{f}", f"amount >= 2 * {a}.amount",
                     f"card = {a}.card and {f} < {a}.{f}", f"(device = {a}.device or {f} > {a}.{f})",
                     f"at - {a}.at <= {self.minutes()}m", f"{f} - {a}.{f} < {r.randint(10, 90)}"]
        if len(names.one) > 1:
            a, b = r.sample(names.one, 2)
            ways.append(f"{f} > {a}.{f} + {b}.{f}")
        if names.many:
            m = r.choice(names.many)
            ways += [f"{f} > {r.choice(('max', 'min', 'sum', 'average', 'first', 'last'))}({m}.{f})",
                     f"attempts > count({m})", f"country not in distinct({m}.country)", f"country != first({m}.country)",
                     f"risk > count_distinct({m}.device)"]
        return f" and {r.choice(ways)}" if ways else ""

    # ---- patterns

    def sequence(self, names, n, depth, whole=False):
        """n parts; `whole`: the pattern of the rule, which alone may end in what did not happen."""
        self.ends_optional = False
        out = self.part(names, depth)
        for i in range(n - 1):
            out += " then " + self.next_part(names, depth)
        if not whole:
            return out
        p = self.rng.random()
        if p < 0.10:
            return f"{out} then no {self.event(names)} for {self.minutes()}m"
        if p < 0.13:
            return f"{out} then no {self.event(names)}"
        if p < 0.16:
            return f"{out} then next no {self.event()}"
        if p < 0.18:
            self.ends_optional = True
            return f"{out} then optional {self.part(names.copy(), 0)}"
        return out

    def next_part(self, names, depth):
        r, p = self.rng, self.rng.random()
        gap = self.minutes()
        if p < 0.10:
            return f"no {self.event(names)} then {self.part(names, depth)}"
        if p < 0.15:
            return f"no {self.event(names)} for {gap}m then {self.part(names, depth)}"
        if p < 0.19:
            return f"optional {self.part(names.copy(), 0)} then {self.part(names, depth)}"
        link = r.choice([""] * 6 + ["first ", "next ", f"within {gap}m ", f"within {gap}m ", f"after {gap}s ",
                                    f"first within {gap}m ", f"within {gap}m after {gap}s "])
        return link + self.part(names, 0 if "first" in link or "next" in link else depth)

    def part(self, names, depth):
        p = self.rng.random()
        if depth == 0 or p < 0.5:
            alias = self.name()
            out = self.event(names, f" as {alias}")
            names.one.append(alias)
            return out
        if p < 0.85:
            return self.count(names)
        around, self.limit_m = self.limit_m, self.minutes()
        span = f" within {self.limit_m}m"
        if self.rng.random() < 0.5:
            self.limit_m, span = around, ""
        out = self.composite(names, depth - 1)
        self.limit_m = around
        return out + self.guard(names) + span

    def minutes(self, least=1):
        return self.rng.randint(least, self.limit_m)

    def guard(self, names):
        return f" with no {self.event(names)}" if self.rng.random() < 0.15 else ""

    def count(self, names):
        r, alias, kind = self.rng, self.name(), self.rng.choice(KINDS)
        n, shape = r.randint(2, 5), r.randrange(3)
        counted = f"{(f'{n}', f'{n} or more', f'{n} to {n + 2}')[shape]} {kind} as {alias} where {self.test(kind)}"
        if names.one and r.random() < 0.15:
            counted += self.joined(names)
        far = r.random()
        field = r.choice(FIELDS)
        if far < 0.10:
            counted += " in a row"
        elif far < 0.15:
            return counted + " anywhere" + self.guard(names)
        apart = self.minutes() if r.random() < 0.15 else 1
        if apart > 1:
            counted += f" each within {apart}m"
        if shape > 0 and r.random() < 0.25:
            counted += f" until {r.choice((f'sum({alias}.{field}) > {r.randint(100, 400)}', f'count_distinct({alias}.device) >= 3'))}"
        elif r.random() < 0.12:
            counted += f" having {r.choice(('sum', 'max', 'min'))}({alias}.{field}) > {r.randint(10, 90)}"
        out = counted + self.guard(names)
        if r.random() < 0.5:
            out += f" within {self.minutes(apart)}m"
        names.many.append(alias)
        return out

    def composite(self, names, depth):
        """What is named inside is not used outside: it may be unbound or repeated there."""
        r = self.rng
        inner = lambda n: self.sequence(names.copy(), n, depth)
        way = r.randrange(6)
        if way == 0:
            return f"any of ({', '.join(inner(r.randint(1, 2)) for _ in range(r.randint(2, 3)))})"
        if way == 1:
            return f"all of ({', '.join(self.part(Names(names.one), 0) for _ in range(r.randint(2, 4)))})"
        if way == 2:
            parts = r.randint(3, 4)
            return f"{r.randint(2, parts - 1)} of ({', '.join(self.part(Names(names.one), 0) for _ in range(parts))})"
        if way == 3:
            return f"({inner(2)})"
        times = r.choice(("2 times", "3 times", "2 or more times", "2 to 3 times"))
        adj = " in a row" if r.random() < 0.2 else ""
        return f"{times} ({inner(r.randint(1, 2))}){adj}"


def rules(rng, n, live=None):
    """n rules; with `live` that many, evenly among them, ask for what occurs."""
    live = n if live is None else min(live, n)
    some, others = Maker(rng), Maker(rng, foreign=True)
    for i in range(n):
        alive = (i + 1) * live // n > i * live // n
        yield (some if alive else others).rule(f"r{i}")
