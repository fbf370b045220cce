"""What a rule matches, by enumeration of every assignment straight from docs/language.md.

Slow on purpose: nothing here is shared with, or learnt from, the engine. Events are a list of
dicts in the total order of one key (`topic`, `at`, `id`, fields); positions are indexes into it.
"""
import collections
from fractions import Fraction

import derived
from conditions import field_of
from rules import key_of, sources_of
from search import NEVER, Ctx, Search, TooMuch, positions
import timeouts


# ---- complete matches ----------------------------------------------------------------------------

class Match:
    """point: (time, 0, position) of the completing event or (time, 1, -1) of the deadline;
    uses_up: the events that no later match may bind, once it is reported."""
    uses_up = 0

    def __init__(self, point, first, used, pref, labels):
        self.point, self.first, self.used, self.pref, self.labels = point, first, used, pref, labels
        self.order = (first, pref)


class Matcher(Search):
    def completion(self, c):
        """The point at which c is complete, or None if an absence at the end is broken."""
        bound = positions(c.used)
        first, last = bound[0], bound[-1]
        head = self.rule.head
        point = (self.at[last], 0, last)
        if c.dl > NEVER:
            point = max(point, (c.dl, 1, -1))
        close = None if head is None else self.at[first] + head
        for absent, env, since in c.pend:
            if close is None or any(self.at[k] <= close and self.holds(absent, k, env)
                                    for k in range(since + 1, self.n)):
                return None
            point = max(point, (close, 1, -1))
        for absent, env, since in c.pendn:
            k = self.next_counted(since)
            if k is not None and (close is None or self.at[k] <= close):
                if self.holds(absent, k, env):
                    return None
                point = max(point, (self.at[k], 0, k))
            elif close is not None:
                point = max(point, (close, 1, -1))
            else:
                return None
        return point if close is None or point[0] <= close else None

    def killed(self, c, first, point):
        if not self.rule.without:
            return False
        for k in range(first + 1, self.n):
            before = k < point[2] if point[1] == 0 else self.at[k] <= point[0]
            if not before:
                continue
            env = {n: tuple(i for i in b if i <= k) for n, b in c.env.items()}
            if any(self.holds(m, k, env) for m in self.rule.without):
                return True
        return False

    def history_begin(self):
        topics = set().union(*(self.topics_of(ev.src) for ev in sources_of(self.rule)))
        starts = {}
        for e in self.history:
            topic = e.get('topic', 'e')
            if topic in topics:
                starts[topic] = min(starts.get(topic, e['at']), e['at'])
        return max(starts.values(), default=NEVER)

    def leading_holds(self, c, first):
        if not self.rule.leading:
            return True
        env = {n: tuple(i for i in b if i <= first) for n, b in c.env.items()}
        for lead in self.rule.leading:
            since = self.at[first] - lead.dur
            self.note_border(lead.ev, since)
            if not lead.assume_quiet and since < self.history_begin():
                return False
            if any(self.at[k] >= since and self.holds(lead.ev, k, env) for k in range(first)):
                return False
        return True

    def all_matches(self, watermark):
        best = {}
        for c in self.run_items(self.rule.items, 0, Ctx()):
            if not c.used:
                continue
            first = positions(c.used)[0]
            if not self.leading_holds(c, first):
                continue
            point = self.completion(c)
            if point is None or (point[1] and point[0] >= watermark):
                continue
            if self.killed(c, first, point):
                continue
            key = frozenset((n, frozenset(b)) for n, b in c.labels.items() if b)
            m = Match(point, first, c.used, c.pref, c.labels)
            if key not in best or (m.point, m.pref) < (best[key].point, best[key].pref):
                best[key] = m
        return list(best.values())

    def moment_of(self, point):
        """Profiles in `emit`: as the completing test saw them, at a deadline all of then."""
        time, by_deadline, at = point
        return (sum(t <= time for t in self.at) if by_deadline else at), time

    # -- which of them are reported

    def reported(self, matches):
        matches = sorted(matches, key=lambda m: (m.point, m.order))
        policy = self.rule.policy
        if policy == 'no skip':
            return matches
        out, used, starts = [], 0, set()
        while matches:
            m = matches.pop(0)
            if m.used & used or m.first in starts:
                continue
            out.append(m)
            if policy == 'past last':
                m.uses_up = (1 << m.used.bit_length()) - 1
                used |= m.uses_up
                continue
            starts.add(m.first)
            if policy != 'to next':
                _, which, name = policy.split()
                bound = m.labels.get(name, ())
                if bound:
                    m.uses_up = (1 << (min(bound) if which == 'first' else max(bound))) - 1
                    used |= m.uses_up
        return out


# ---- answers as in spec.fyke.jsonl ---------------------------------------------------------------

def answer_of(world, m):
    ids = world.ids
    return {'at': m.point[0], 'by': 'deadline' if m.point[1] else 'event',
            'ids': ids(positions(m.used)),
            'steps': {n: ids(b) for n, b in sorted(m.labels.items()) if b},
            **({'emit': shown(world, m)} if world.rule.emit else {})}


def shown_value(x):
    """As in an alert: 100 items of a list, a decimal as a number."""
    if isinstance(x, list):
        return [shown_value(item) for item in x[:100]]
    if isinstance(x, Fraction):
        return int(x) if x.denominator == 1 else float(x)
    return x


def shown_duration(x):
    ns, out = int(x * 1000000), ''
    for unit, size in (('s', 10 ** 9), ('ms', 10 ** 6), ('us', 1000), ('ns', 1)):
        out += '%d%s' % (ns // size, unit) if ns >= size else ''
        ns %= size
    return out or '0s'


def shown(world, m):
    world.moment = world.moment_of(m.point)
    kinds = {(p.name, x.name): x.kind for p in world.file.profiles for x in p.measures}
    out = {}
    for name, e in world.rule.emit:
        x = world.value(e, None, m.labels)
        if x is not None:
            out[name] = shown_duration(x) if kinds.get(e[1]) == 'duration' else shown_value(x)
    return out


def quiet_group(world, m):
    out = []
    for names in world.rule.quiet_per:
        if len(names) > 1:
            b = m.labels.get(names[0], ())
            out.append(field_of(world.events[b[0]], names[1:]) if b else None)
    return tuple(out)


def hold_back(world, matches, watermark):
    """Applies `quiet for`: (answers that go out, quiet_ended records)."""
    out, ended, state = [], [], {}
    for m in matches:
        group = quiet_group(world, m)
        until, held = state.get(group, (NEVER, 0))
        if m.point[0] <= until:
            state[group] = (until, held + 1)
            continue
        if held:
            ended.append({'at': until, 'count': held})
        a = answer_of(world, m)
        a['suppressed'] = held
        out.append(a)
        state[group] = (m.point[0] + world.rule.quiet, 0)
    ended += [{'at': until, 'count': held} for until, held in state.values()
              if held and watermark > until]
    return out, ended


def keys_in(rule, events):
    return sorted({key_of(rule, e) for e in events} - {None}, key=str)


def evaluate(file, events, watermark, budget=None, notes=None):
    """{'expected': […]} and with `quiet` 'quiet_ended'; raises TooMuch beyond `budget`. `notes`:
    a Counter of what was met."""
    out = {'expected': []}
    notes = collections.Counter() if notes is None else notes
    order = derived.Order(events)
    for level, rule in derived.levels(file):
        new = []
        for key in keys_in(rule, order.events):
            mine = [e for e in order.events if key_of(rule, e) == key]
            world = Matcher(file, rule, mine, events)
            world.budget = budget
            found = world.all_matches(watermark)
            matches = world.reported(found)
            notes['borders'] += world.borders
            if rule.derives:
                late = timeouts.find(world, found, matches, watermark) if rule.timeout else []
                new += derived.of(world, order, (level, key), matches, late, notes)
            else:
                tell(out, world, found, matches, watermark)
        order.add(new)
    notes['cause before name'] += derived.cause_before_name(file, order)
    return out


def tell(out, world, found, matches, watermark):
    """Adds the alerts of one rule and key."""
    rule = world.rule
    if rule.silent:
        pass
    elif rule.quiet is None:
        out['expected'] += [answer_of(world, m) for m in matches]
    else:
        went, ended = hold_back(world, matches, watermark)
        out['expected'] += went
        out.setdefault('quiet_ended', []).extend(ended)
    if rule.timeout:
        out.setdefault('timeouts', []).extend(timeouts.find(world, found, matches, watermark))
