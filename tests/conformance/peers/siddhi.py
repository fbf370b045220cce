"""Siddhi's pattern and sequence cases as fyke rules.

`->` takes the first event that fits (`then first`), `,` the very next one (`then next`); with
`every` a new match may start at every first event, in a sequence with loops behind what it took. A query
without `every` matches once in its life, which no rule can say: the first match is compared.
The app starts at time 0; a marker event that no step takes lets the history begin there.
"""
import re

from peer import NotExpressible, Question

EVENTS = """language 1
event Stream1 from topic "s" where stream in ("Stream1", "StockStream1", "Stream", "StockStream", "EventStream") { %(f)s }
event Stream2 from topic "s" where stream in ("Stream2", "StockStream2") { %(f)s }
event Stream3 from topic "s" where stream = "Stream3" { %(f)s }
event Stream4 from topic "s" where stream = "Stream4" { %(f)s }
event Marker from topic "s" where stream = "marker" { %(f)s }
""" % {'f': 'stream : string  at : timestamp in ms event time  symbol : string optional  '
            'price : decimal optional  price1 : decimal optional  volume : int optional'}
NO_WINDOW = '1d'  # a query without a window; no case is longer
BARE = re.compile(r'\b([A-Z]{2,}[0-9]*)\b')


def source(stream):
    short = stream.replace('Stock', '').replace('Event', '')
    return 'Stream1' if short == 'Stream' else short


class Query:
    """One query's text, and what had to be said differently."""

    def __init__(self, facts):
        self.counted, self.named = set(), set()
        self.strict = False
        self.head = None
        self.policy = ''
        self.once = True
        self.leading = False
        self.collect(facts['pattern'])
        self.pattern = self.top(facts['pattern'])
        self.emit = ['o%d = %s' % (i + 1, self.value(o['value']))
                     for i, o in enumerate(facts['output'])]

    def collect(self, x):
        if isinstance(x, dict):
            if 'as' in x and 'min' in x:
                self.counted.add(x['as'])
            for v in x.values():
                self.collect(v)
        elif isinstance(x, list):
            for v in x:
                self.collect(v)

    def value(self, text):
        text = text.split(' as ')[0]
        m = re.fullmatch(r'(\w+)(?:\[([^\]]+)\])?\.(\w+)', text)
        if not m:
            raise NotExpressible('the expression %s' % text)
        name, index, field = m.groups()
        if name not in self.counted:
            return '%s.%s' % (name, field)
        if index is None or index == '0':
            return 'first(%s.%s)' % (name, field)
        if index == 'last':
            return 'last(%s.%s)' % (name, field)
        if index.startswith('last'):
            raise NotExpressible('an element counted from the last one of a loop')
        return 'nth(%s.%s, %d)' % (name, field, int(index) + 1)

    def condition(self, text):
        text = re.sub(r'\be\d+(\[[^\]]+\])?\.\w+', lambda m: self.value(m.group(0)), text)
        text = re.sub(r'(\d)f\b', r'\1', text.replace('==', '='))
        text = re.sub(r'\bis null\b', 'is missing', text)
        text = re.sub(r'ifThenElse\((.*?is missing), (.*), (.*)\)$', r'if \1 then \2 else \3', text)
        return BARE.sub(r'"\1"', text)

    def event(self, step, named=True):
        out = source(step['stream'])
        if named and 'as' in step:
            again = step['as'] in self.named
            self.named.add(step['as'])
            out += ' as ' + step['as'] + ('_again' if again else '')
        if 'where' in step:
            out += ' where ' + self.condition(step['where'])
        return out

    def count(self, step):
        low, high = step['min'], step['max']
        if high is None:
            words = '%d or more ' % max(low, 1)
        elif max(low, 1) == high:
            words = '%d ' % high
        else:
            words = '%d to %d ' % (max(low, 1), high)
        return ('optional ' if low == 0 else '') + words

    def part(self, step):
        """A step or a composite; not an absence."""
        if 'stream' in step:
            if 'min' not in step:
                return self.event(step)
            return self.count(step) + self.event(step) + (' in a row' if self.strict else '')
        if 'or' in step or 'and' in step:
            word, parts = ('any', step['or']) if 'or' in step else ('all', step['and'])
            return '%s of (%s)' % (word, ', '.join(self.alternative(p, word) for p in parts))
        if 'group' in step:
            return self.part(step['group'])
        if 'then_relaxed' in step or 'then_strict' in step:
            return '(%s)' % self.chain(step)
        raise NotExpressible('; '.join(step))

    def alternative(self, step, word):
        if 'absent' in step:
            raise NotExpressible('an absence as a part of `%s of`' % word)
        if 'of' in step:
            raise NotExpressible('a window on one part of `all of`')
        return self.part(step)

    def absences(self, step):
        """The events that must be absent, all at once from one point; None: it is no absence."""
        if 'absent' in step:
            return [step]
        inner = step.get('group', step)
        if 'and' in inner and all('absent' in p for p in inner['and']):
            return inner['and']
        return None

    def absence(self, step):
        words = 'no ' + self.let(step['absent'])
        return words + (' for %dms' % step['for_ms'] if 'for_ms' in step else '')

    def let(self, event):
        return self.event(event, named=False)

    def joined(self, step):
        """`not M and E` without a time: no M before E. None: something else."""
        inner = step.get('group', step)
        if 'and' not in inner:
            return None
        absent = [p for p in inner['and'] if 'absent' in p and 'for_ms' not in p]
        present = [p for p in inner['and'] if 'absent' not in p]
        if len(absent) == 1 and len(present) == 1:
            return absent[0], present[0]
        return None

    def unwrap(self, step, first, last):
        if 'within_ms' in step:
            if not last:
                raise NotExpressible('a window on a part in the middle')
            self.head = step['within_ms']
            return self.unwrap(step['of'], first, last)
        if 'every' in step:
            if not first:
                raise NotExpressible('`every` behind the first step')
            inner = step['every']
            if self.absences(inner):
                raise NotExpressible('`every` of an absence')
            self.once = False
            if not (self.strict and self.counted):
                self.policy = 'after match skip to next\n'
            return inner
        return step

    def chain(self, node):
        self.strict = 'then_strict' in node
        steps = node['then_strict' if self.strict else 'then_relaxed']
        link = ' then next ' if self.strict else ' then first '
        out, bound = '', False  # bound: a step stands before
        for i, step in enumerate(steps):
            step = self.unwrap(step, i == 0, i == len(steps) - 1)
            missing, joined = self.absences(step), self.joined(step)
            if i == 0 and (joined or any('for_ms' not in m for m in missing or [])):
                raise NotExpressible('a leading absence without a time')
            if joined:
                missing, step = joined[:1], joined[1]
            for m in missing or []:
                self.leading |= i == 0
                out += (' then ' if out else '') + self.absence(m)
            if not missing or joined:
                out += (link if bound else ' then ' if out else '') + self.part(step)
                bound = True
        return out

    def top(self, node):
        if 'every' in node:
            self.once = False
            node = node['every']
        if 'within_ms' in node:
            self.head, node = node['within_ms'], node['of']
        node = node.get('group', node)
        if 'then_relaxed' in node or 'then_strict' in node:
            return self.chain(node)
        if self.joined(node):
            raise NotExpressible('a leading absence without a time')
        return self.part(node)

    def rule(self):
        head = 'within %s\n' % ('%dms' % self.head if self.head else NO_WINDOW)
        return EVENTS + 'rule q {\n%swhen %s\n%semit alert { %s }\n}\n' % (
            head, self.pattern, self.policy, '  '.join(self.emit))


def question(case):
    query = Query(case['query_facts'])
    events = [dict(e['data'], stream=e['stream'], at=e['ts']) for e in case['events']]
    if query.leading:
        events.insert(0, {'stream': 'marker', 'at': 0})
    last = events[-1]['at'] if events else 0
    end = case.get('final_time_ms', last + case.get('final_wait_ms_up_to', 0))
    return Question(query.rule(), {'s': events}, end)


def rows(alerts, width):
    return [[a.get('emit', {}).get('o%d' % (i + 1)) for i in range(width)] for a in alerts]


def same(want, got):
    if isinstance(want, float) and isinstance(got, (int, float)):
        return abs(want - got) < 1e-5
    return want == got


def compare(case, alerts):
    """None when the answers are the same, else what differs."""
    query = Query(case['query_facts'])
    got = rows(alerts, len(query.emit))
    want, n = case['expected']['rows_in_order_of_assertion'], case['expected']['match_count']
    again = query.once and n == 1 and len(got) > 1
    if again:
        got = got[:1]
    if len(got) != n:
        return '%d matches, Siddhi has %d' % (len(got), n)
    if len(want) != n:
        return None  # its test asserts the number alone
    for w, g in zip(want, got):
        if not all(same(a, b) for a, b in zip(w, g)):
            return 'other rows: %s, Siddhi has %s' % (g, w)
    return 'the same first match, and more' if again else None


def name(case):
    return case['source'].split('/')[-1].replace('.java', '')
