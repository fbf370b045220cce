"""The part of the rule language that the oracle evaluates, as a tree.

Durations are in ms. Expressions are nested tuples:
  ('lit', x) ('dur', ms) ('path', (names)) ('call', name, args, where) ('neg', e)
  ('arith', op, l, r) ('cmp', op, l, r) ('text', op, l, r) ('between', negated, e, low, high)
  ('in', negated, e, items) ('in set', negated, e, list) ('missing', negated, e) ('not', e)
  ('and', l, r) ('or', l, r) ('in list', negated, e, name) ('lookup', name, e)
In measures also ('part', Part) ('coalesce', a, b) ('if', condition, a, b)
"""
from dataclasses import dataclass, field
from typing import Any, List, Optional, Tuple


# Tables that random conditions may ask.
LISTS = {'low': (0, 1), 'odd': (1, 3)}
LOOKUPS = {'swap': {0: 3, 1: 2, 3: 0}}


@dataclass
class Ev:
    """One event test; `num` counts the tests of a pattern from 1, None for `without`."""
    src: str
    alias: Optional[str] = None
    where: Any = None
    num: Optional[int] = None

    def label(self):
        return self.alias or '#%d' % self.num


@dataclass
class Link:
    kind: Optional[str] = None  # first, next
    within: Optional[int] = None
    after: Optional[int] = None


@dataclass
class Step:
    part: Any
    link: Link = field(default_factory=Link)
    optional: bool = False


@dataclass
class Absent:
    ev: Ev
    dur: Optional[int] = None
    next: bool = False


@dataclass
class Count:
    lo: int
    hi: Optional[int]
    ev: Ev
    adj: Optional[str] = None  # row, any
    each: Optional[int] = None
    until: Any = None
    having: Any = None
    with_no: Optional[Ev] = None
    within: Optional[int] = None


@dataclass
class Times:
    lo: int
    hi: Optional[int]
    items: List[Any]
    adj: Optional[str] = None
    having: Any = None
    with_no: Optional[Ev] = None
    within: Optional[int] = None


@dataclass
class Group:
    items: List[Any]
    with_no: Optional[Ev] = None
    within: Optional[int] = None


@dataclass
class Of:
    """`need` parts of `parts`; any of: 1, all of: all of them."""
    word: str  # all, any, or a number
    parts: List[List[Any]]
    with_no: Optional[Ev] = None
    within: Optional[int] = None

    def need(self):
        return {'all': len(self.parts), 'any': 1}.get(self.word) or int(self.word)


@dataclass
class Leading:
    ev: Ev
    dur: int
    assume_quiet: bool = False


@dataclass
class Rule:
    items: List[Any]
    head: Optional[int] = None
    leading: List[Leading] = field(default_factory=list)
    without: List[Ev] = field(default_factory=list)
    policy: str = 'past last'  # past last, to next, to first N, to last N, no skip
    quiet: Optional[int] = None
    quiet_per: Tuple[Tuple[str, ...], ...] = ()
    name: str = 'r'
    keyed: bool = True  # for each k
    second_key: bool = False  # for each k, j
    key_names: Tuple[str, ...] = ()  # other names than these
    timeout: bool = False  # on timeout emit alert, or the derived event
    silent: bool = False  # nothing but `on timeout`
    derives: Optional[str] = None  # emit event NAME instead of an alert
    value: Any = None  # of the derived event's `v`
    more: Tuple[Tuple[str, Any], ...] = ()  # further derived events of a match: name, `v`
    emit: Tuple[Tuple[str, Any], ...] = ()  # of the alert


@dataclass(frozen=True)
class Part:
    """An aggregate of a measure."""
    outer: str
    inner: Optional[str]  # of each bucket
    arg: Optional[str]  # a field; None: the events
    src: str  # the profile's source
    where: Any = None  # of the events
    nth: Optional[int] = None  # of `outer`: which one, or which percentage
    inner_nth: Optional[int] = None


@dataclass
class Measure:
    name: str
    e: Any
    kind: str  # int, decimal, duration, list
    over: int
    every: Optional[int] = None
    most: Optional[int] = None
    warm: Optional[int] = None


@dataclass
class Profile:
    name: str
    source: Ev
    measures: List[Measure]


@dataclass
class File:
    events: List[str]  # declared types, in order
    lets: dict  # name -> [Ev]
    rules: List[Rule]
    disorder: Optional[int] = None  # `out of order by`, the same for every type
    profiles: List[Profile] = field(default_factory=list)

    def producers(self, name):
        return [r for r in self.rules if name in events_of(r)]


# ---- walking -------------------------------------------------------------------------------------

def tests_of(items):
    """Every event test of the items, left to right, with its role."""
    for item in items:
        if isinstance(item, Absent):
            yield item.ev, 'next no' if item.next else 'no'
            continue
        part = item.part
        if isinstance(part, Ev):
            yield part, 'step'
            continue
        if isinstance(part, Count):
            yield part.ev, 'step'
        elif isinstance(part, Of):
            for inner in part.parts:
                yield from tests_of(inner)
        else:
            yield from tests_of(part.items)
        if part.with_no:
            yield part.with_no, 'with no'


def key_of(rule, event):
    """The key's values; None when one is missing."""
    names = rule.key_names or (('k', 'j') if rule.second_key else ('k',)) if rule.keyed else ()
    values = tuple(event.get(n) for n in names)
    return None if None in values else values


def events_of(rule):
    """Names of the events that it derives."""
    return [rule.derives] * (rule.derives is not None) + [name for name, _ in rule.more]


def conditions_of(items):
    """What `until` and `having` ask."""
    for item in items:
        part = getattr(item, 'part', None)
        yield from (e for e in (getattr(part, 'until', None), getattr(part, 'having', None)) if e)
        for inner in getattr(part, 'parts', None) or [getattr(part, 'items', [])]:
            yield from conditions_of(inner)


def profiles_read(file, rule):
    said = [ev.where for ev in sources_of(rule)] + list(conditions_of(rule.items))
    said += [rule.value] + [e for _, e in rule.more + rule.emit]
    first = {x[1][0] for e in said for x in walk(e) if x[:1] == ('path',)}
    return [p for p in file.profiles if p.name in first]


def parts_of(measure):
    return [x[1] for x in walk(measure.e) if x[:1] == ('part',)]


def sources_of(rule):
    """Every event test, those outside the pattern too."""
    return [ev for ev, _ in tests_of(rule.items)] + [l.ev for l in rule.leading] + rule.without


def walk(e):
    """An expression and all that is in it."""
    if isinstance(e, tuple):
        yield e
        for x in e:
            yield from walk(x)


def number(rule):
    n = 0
    for lead in rule.leading:
        n += 1
        lead.ev.num = n
    for ev, _ in tests_of(rule.items):
        n += 1
        ev.num = n
    return rule


def names_of(items):
    return [ev.label() for ev, role in tests_of(items) if role == 'step']
