"""Load for readings.rules: hosts with clocks of their own.

In a partition the quick hosts move the clock, the slow one holds it back by what it is behind, and the rare
one is silent for longer than `idle after`: when it comes back it stands behind what was let go. Of users that
nobody else speaks of its events are evaluated, of others they count as after idleness. Event time goes so
fast that ten minutes pass in no time: no partition is idle by the machine's clock, so the alerts depend on
the logs alone. All times are multiples of one step, so that events and deadlines of a user fall together.
"""
import eos

QUICK, SLOW, RARE = ["h0", "h1", "h2"], "slow", "rare"
STEP_MS = 5_000
SLOW_MS, RARE_MS = 9 * STEP_MS, 20 * 60_000


class Readings:
    def __init__(self, rng):
        self.rng = rng
        self.n, self.time, self.back = 0, 10_000_000, 0

    def line(self, user, host, at):
        self.n += 1
        if self.rng.random() < 0.02:
            at = '"never"'  # invalid
        return f'{{"user":"{user}","host":"{host}","at":{at},"n":{self.n}}}\n'

    def some(self, count):
        """So many or a few more."""
        lines = []
        while len(lines) < count:
            self.time += STEP_MS * self.rng.choice([0, 0, 1, 2])
            user = f"r{self.rng.randrange(6)}"
            which = self.rng.random()
            if which < 0.02:
                self.back += 1
                if self.back % 3:  # counted, so that a short load has both
                    user = f"r{self.rng.randrange(100, 10_000)}"
                lines += [self.line(user, RARE, self.time - RARE_MS + ms) for ms in (0, STEP_MS)]
            elif which < 0.2:
                lines.append(self.line(user, SLOW, self.time - SLOW_MS))
            else:
                behind = STEP_MS * self.rng.choice([0, 0, 0, 1, 3])  # the last one may be late
                lines.append(self.line(user, self.rng.choice(QUICK), self.time - behind))
        return "".join(lines)


def came_back(alerts, refused):
    """A load in which nobody came back, or all that did were passed, shows nothing of it."""
    evaluated = sum((r[1] or "").startswith("r") and len(r[1]) > 3 for r in alerts)
    passed = sum("after_idle" in r[3] for r in refused)
    if not evaluated or not passed:
        raise eos.Failed(f"{evaluated} alerts of hosts that came back, {passed} of their events too late for it")


def joined(*paths):
    """Rule files as one: the first says which language it is."""
    return "\n".join(open(path).read() for path in paths)
