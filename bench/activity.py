"""What generated rules are about: four kinds of events of 20 fields each; what their values are and how often. Users,
actions and merchants by Zipf: some much busier than others."""
import bisect
import itertools
import json

KINDS = ("Login", "Payment", "Change", "Access")
ACTIONS = 100  # of each kind
STATUS = ("ok", "failed", "pending", "refused")
CHANNELS = ("web", "app", "phone", "branch")
COUNTRIES = ("DE", "FR", "IT", "PL", "ES", "NL", "SE", "AT")
CURRENCIES = ("EUR", "PLN", "SEK")
AGENTS = ("Firefox", "Chrome", "Safari", "Edge", "curl")
MERCHANTS = 1000
FIRST_MS = 1767571200000  # 2026-01-05
PER_SECOND = 100


def enum(values):
    return f"enum({', '.join(json.dumps(v) for v in values)})"


FIELDS = (("user", "string key"), ("at", "timestamp in ms event time"), ("type", "string"), ("action", "string"), ("status", enum(STATUS)),
          ("channel", enum(CHANNELS)), ("country", "string"), ("city", "string optional"), ("device", "string"),
          ("ip", "ip"), ("agent", "string"), ("card", "string"), ("merchant", "string"),
          ("amount", "decimal"), ("currency", "string"), ("risk", "int"), ("attempts", "int"), ("took_ms", "int"),
          ("fresh", "bool"), ("note", "string optional"))


def topic(kind):
    return kind.lower()


def declarations(apart=False):
    """One topic for all; `apart`: each kind has its own."""
    fields = "\n".join(f"  {name} : {kind}" for name, kind in FIELDS)
    source = lambda k: f'"{topic(k)}"' if apart else f'"activity" where type = "{topic(k)}"'
    return "language 1\n\n" + "\n".join(f"event {k} from topic {source(k)} {{\n{fields}\n}}" for k in KINDS)


def action(kind, n):
    return f"{topic(kind)}_{n}"


def merchant(n):
    return f"m{n:04}"


class Zipf:
    def __init__(self, n):
        self.sums = list(itertools.accumulate(1 / (i + 1) for i in range(n)))

    def draw(self, rng):
        return bisect.bisect_left(self.sums, rng.random() * self.sums[-1])


class Events:
    """Events in order, `rng` decides all of them."""

    def __init__(self, rng, users=100000):
        self.rng = rng
        self.users, self.actions, self.merchants = Zipf(users), Zipf(ACTIONS), Zipf(MERCHANTS)

    def event(self, at_ms, kind=None, user=None):
        """(kind, fields)"""
        r = self.rng
        user = self.users.draw(r) if user is None else user
        kind = kind or KINDS[r.randrange(len(KINDS))]
        home = user % len(COUNTRIES) if r.random() < 0.9 else r.randrange(len(COUNTRIES))
        e = {"user": f"u{user:06}", "at": at_ms, "type": topic(kind), "action": action(kind, self.actions.draw(r)),
             "status": STATUS[min(int(r.expovariate(1.2)), 3)], "channel": CHANNELS[r.randrange(4)],
             "country": COUNTRIES[home], "device": f"d{user * 4 + r.randrange(4):07}",
             "ip": f"10.{user % 250}.{user // 250 % 250}.{r.randrange(250)}", "agent": AGENTS[(user + r.randrange(2)) % 5],
             "card": f"c{user * 3 + r.randrange(3):07}",
             "merchant": merchant(self.merchants.draw(r)), "amount": int(r.lognormvariate(3.5, 1.2) * 4) / 4,
             "currency": CURRENCIES[user % 3], "risk": int(100 * r.random() ** 2), "attempts": r.randrange(10),
             "took_ms": r.randrange(1, 5000), "fresh": r.random() < 0.2}
        if r.random() < 0.7:
            e["city"] = f"{e['country']}-{r.randrange(20)}"
        if r.random() < 0.1:
            e["note"] = f"n{r.randrange(1000)}"
        return kind, e

    def stream(self, n):
        for i in range(n):
            yield self.event(FIRST_MS + i * 1000 // PER_SECOND)

    def aimed_stream(self, n, tests):
        """Two a second; half of them hold what one of the tests of rules (kind, text, values) asks for."""
        for i in range(n):
            kind, _, values = tests[self.rng.randrange(len(tests))]
            _, e = self.event(FIRST_MS + i * 500, kind)
            if self.rng.random() < 0.5:
                e = {k: v for k, v in {**e, **values}.items() if v is not None}
            yield kind, e
