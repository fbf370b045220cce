"""Conditions on one event alone, for generated rules. Each with field values under which it holds, so that events can be
aimed at it."""
import json

from activity import ACTIONS, AGENTS, CHANNELS, COUNTRIES, MERCHANTS, STATUS, action, merchant


def quoted(*values):
    return ", ".join(json.dumps(v) for v in values)


class OwnTests:
    """`foreign`: every condition asks for a value that no event has."""

    def __init__(self, rng, foreign=False):
        self.rng, self.foreign = rng, foreign

    def make(self, kind):
        """(text, values)"""
        text, values = self.main(kind)
        for _ in range(self.rng.choice((0, 1, 1, 2))):
            more, also = self.further()
            if not set(also) & set(values):
                text, values = f"{text} and {more}", {**values, **also}
        return text, values

    def main(self, kind):
        """What few events of the kind are."""
        r = self.rng
        if self.foreign:
            none = f"none_{r.randrange(100000)}"
            return r.choice((f'action = "{none}"', f'merchant = "{none}"', f'action in ("{none}", "{none}x")')), {}
        first, second = (action(kind, n) for n in r.sample(range(ACTIONS), 2))
        shop = merchant(r.randrange(MERCHANTS))
        p = r.random()
        if p < 0.65:
            return f"action = {quoted(first)}", {"action": first}
        if p < 0.77:
            return f"action in ({quoted(first, second)})", {"action": second}
        if p < 0.85:
            return f"merchant = {quoted(shop)}", {"merchant": shop}
        if p < 0.90:
            return f"(action = {quoted(first)} or merchant = {quoted(shop)})", {"merchant": shop}
        if p < 0.95:
            least = r.randint(96, 99)
            return f"risk >= {least}", {"risk": least}
        least = r.randint(900, 2000)
        return f"amount > {least}.50", {"amount": least + 1}

    def further(self):
        r = self.rng
        status, channel = r.choice(STATUS[:2]), r.choice(CHANNELS)
        two = r.sample(COUNTRIES, 2)
        amount, risk, tries, took = r.randint(20, 80), r.randint(20, 60), r.randint(2, 7), r.randint(500, 3000)
        return r.choice((
            (f"status = {quoted(status)}", {"status": status}),
            (f"status != {quoted(status)}", {"status": STATUS[2]}),
            (f"channel in ({quoted(channel, CHANNELS[0])})", {"channel": channel}),
            (f"country in ({quoted(*two)})", {"country": two[0]}),
            (f"not (country = {quoted(two[0])})", {"country": two[1]}),
            (f"amount >= {amount}.25", {"amount": amount + 1}),
            (f"amount < {amount}.75", {"amount": amount}),
            (f"amount between {amount} and {amount * 9}", {"amount": amount}),
            (f"risk > {risk}", {"risk": risk + 1}),
            (f"attempts >= {tries}", {"attempts": tries}),
            (f"took_ms < {took}", {"took_ms": took - 1}),
            ("fresh = true", {"fresh": True}),
            ("city is present", {"city": "Rome"}),
            ("city is missing", {"city": None}),
            (f"agent starts with {quoted(r.choice(AGENTS)[:2])}", {}),
            (f"device contains {quoted(str(r.randrange(10)))}", {}),
            (f"ip in 10.{r.randrange(125)}.0.0/{r.choice((9, 10, 12))}", {}),
            (f'agent ~ "*{r.choice("aeiou")}*"', {}),
            (f"lower(currency) = {quoted(r.choice(('eur', 'pln')))}", {"currency": "EUR"}),
            (f"(risk > {risk} or attempts < {tries})", {"attempts": tries - 1}),
        ))
