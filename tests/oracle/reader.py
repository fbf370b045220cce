"""Reads rule text, as much of the language as tests/data/spec.fyke.jsonl needs."""
import re
from fractions import Fraction

from rules import (Absent, Count, Ev, File, Group, Leading, Link, Of, Rule, Step, Times,
                   number)

UNIT_MS = {'ms': 1, 's': 1000, 'm': 60000, 'h': 3600000, 'd': 86400000, 'w': 604800000}
TOKEN = re.compile(r'''\s+|\#[^\n]*
  |(?P<row>in\ a\ row\b)|(?P<str>"(?:[^"\\]|\\.)*")|(?P<dur>(?:\d+(?:ms|[smhdw]))+\b)
  |(?P<net>\d+(?:\.\d+){3}/\d+)|(?P<num>\d+(?:\.\d+)?)|(?P<word>[A-Za-z_]\w*)|(?P<sign><=|>=|!=|[{}()\[\],:.=<>+\-*/~])''',
                   re.X)


class SyntaxProblem(Exception):
    pass


def tokens_of(text):
    out, at = [], 0
    while at < len(text):
        m = TOKEN.match(text, at)
        if not m:
            raise SyntaxProblem('at %r' % text[at:at + 20])
        at = m.end()
        kind = m.lastgroup
        if kind == 'dur':
            parts = re.findall(r'(\d+)(ms|[smhdw])', m.group())
            out.append(('dur', sum(int(n) * UNIT_MS[u] for n, u in parts)))
        elif kind == 'num':
            text_ = m.group()
            out.append(('num', Fraction(text_) if '.' in text_ else int(text_)))
        elif kind == 'str':
            out.append(('str', m.group()[1:-1]))
        elif kind:
            out.append((kind, m.group()))
    out.append(('end', ''))
    return out


class Reader:
    def __init__(self, text):
        self.t = tokens_of(text)
        self.i = 0

    def peek(self, ahead=0):
        return self.t[min(self.i + ahead, len(self.t) - 1)]

    def take(self, kind=None, value=None):
        tok = self.peek()
        if (kind and tok[0] != kind) or (value is not None and tok[1] != value):
            raise SyntaxProblem('expected %s %s, found %r' % (kind, value, self.t[self.i:][:6]))
        self.i += 1
        return tok[1]

    def is_(self, *values):
        for k, v in enumerate(values):
            kind, text = self.peek(k)
            if kind not in ('word', 'sign', 'row') or text != v:
                return False
        return True

    def have(self, *values):
        if self.is_(*values):
            self.i += len(values)
            return True
        return False

    # -- declarations

    def file(self):
        f = File([], {}, [])
        self.take('word', 'language')
        self.take('num')
        while self.peek()[0] != 'end':
            if self.have('event'):
                f.events.append(self.take('word'))
                depth = 0
                while True:
                    sign = self.take()
                    depth += (sign == '{') - (sign == '}')
                    if sign == '}' and depth == 0:
                        break
            elif self.have('let'):
                name = self.take('word')
                self.take('sign', '=')
                f.lets[name] = self.let()
            elif self.have('rule'):
                f.rules.append(number(self.rule()))
            else:
                raise SyntaxProblem('declaration %r' % (self.peek(),))
        return f

    def let(self):
        if not self.have('any', 'of'):
            return [self.event()]
        self.take('sign', '(')
        out = [self.event()]
        while self.have(','):
            out.append(self.event())
        self.take('sign', ')')
        return out

    def rule(self):
        r = Rule([], name=self.take('word'))
        self.take('sign', '{')
        r.keyed = self.have('for', 'each')
        if r.keyed:
            names = []
            while not self.is_('within') and not self.is_('when'):
                names.append(self.take())
            if '=' not in names:
                r.key_names = tuple(n for n in names if n != ',')
        if self.have('within'):
            r.head = self.take('dur')
        self.take('word', 'when')
        while self.is_('no'):
            self.take()
            ev = self.event()
            self.take('word', 'for')
            lead = Leading(ev, self.take('dur'))
            lead.assume_quiet = self.have('assume', 'quiet')
            self.take('word', 'then')
            r.leading.append(lead)
        r.items = self.items()
        while self.have('without'):
            r.without.append(self.event())
        if self.have('after', 'match'):
            r.policy = self.policy()
        if self.have('quiet', 'for'):
            r.quiet = self.take('dur')
            if self.have('per'):
                per = [self.path()]
                while self.have(','):
                    per.append(self.path())
                r.quiet_per = tuple(per)
        r.timeout = self.have('on', 'timeout', 'emit', 'alert')
        r.silent = r.timeout and not self.is_('emit')
        if not r.silent:
            self.take('word', 'emit')
            self.take('word', 'alert')
            if self.have('{'):  # what is told of a match does not decide whether there is one
                while not self.have('}'):
                    self.i += 1
        self.take('sign', '}')
        return r

    def policy(self):
        if self.have('no', 'skip'):
            return 'no skip'
        self.take('word', 'skip')
        if self.have('past', 'last'):
            return 'past last'
        self.take('word', 'to')
        where = self.take('word')
        return 'to next' if where == 'next' else 'to %s %s' % (where, self.take('word'))

    # -- patterns

    def items(self):
        out = [self.step(Link())]
        while self.have('then'):
            if self.have('next', 'no'):
                out.append(Absent(self.event(), next=True))
            elif self.have('no'):
                ev = self.event()
                out.append(Absent(ev, self.take('dur') if self.have('for') else None))
            else:
                out.append(self.step(self.link()))
        return out

    def link(self):
        link = Link()
        if self.have('first'):
            link.kind = 'first'
        elif self.have('next'):
            link.kind = 'next'
        while self.is_('within') or self.is_('after'):
            word = self.take()
            setattr(link, word, self.take('dur'))
        return link

    def step(self, link):
        optional = self.have('optional')
        part = self.part()
        if isinstance(part, (Count, Times)) and part.lo == 0:
            part.lo, optional = 1, True
        return Step(part, link, optional)

    def part(self):
        if self.is_('('):
            g = Group(self.parens())
            return self.guard(g)
        if self.have('all', 'of'):
            return self.guard(Of('all', self.parts()))
        if self.have('any', 'of'):
            return self.guard(Of('any', self.parts()))
        if self.peek()[0] != 'num':
            return self.event()
        lo = self.take('num')
        if self.have('of'):
            return self.guard(Of(str(lo), self.parts()))
        hi = lo
        if self.have('or', 'more'):
            hi = None
        elif self.have('to'):
            hi = self.take('num')
        if self.have('times'):
            t = Times(lo, hi, self.parens())
            t.adj = self.adj()
            t.having = self.expr() if self.have('having') else None
            return self.guard(t)
        c = Count(lo, hi, self.named())
        c.adj = self.adj()
        c.ev.where = self.expr() if self.have('where') else None
        c.adj = c.adj or self.adj()
        if self.have('each', 'within'):
            c.each = self.take('dur')
        if self.have('until'):
            c.until = self.expr()
        elif self.have('having'):
            c.having = self.expr()
        return self.guard(c)

    def adj(self):
        if self.have('in a row'):
            return 'row'
        return 'any' if self.have('anywhere') else None

    def parens(self):
        self.take('sign', '(')
        out = self.items()
        self.take('sign', ')')
        return out

    def parts(self):
        self.take('sign', '(')
        out = [self.items()]
        while self.have(','):
            out.append(self.items())
        self.take('sign', ')')
        return out

    def guard(self, part):
        if self.have('with', 'no'):
            part.with_no = self.event()
        if self.have('within'):
            part.within = self.take('dur')
        return part

    def named(self):
        ev = Ev(self.take('word'))
        if self.have('as'):
            ev.alias = self.take('word')
        return ev

    def event(self):
        ev = self.named()
        if self.have('where'):
            ev.where = self.expr()
        return ev

    # -- expressions

    def expr(self):
        e = self.conj()
        while self.have('or'):
            e = ('or', e, self.conj())
        return e

    def conj(self):
        e = self.neg()
        while self.have('and'):
            e = ('and', e, self.neg())
        return e

    def neg(self):
        return ('not', self.neg()) if self.have('not') else self.cmp()

    def cmp(self):
        left = self.arith()
        for op in ('<=', '>=', '!=', '=', '<', '>'):
            if self.have(op):
                return ('cmp', op, left, self.arith())
        if self.have('is'):
            negated = self.have('not')
            word = self.take('word')
            return ('missing', negated != (word == 'present'), left)
        negated = self.have('not')
        if self.have('between'):
            low = self.arith()
            self.take('word', 'and')
            return ('between', negated, left, low, self.arith())
        if self.have('contains'):
            return ('text', 'contains', left, self.unary())
        if self.have('starts', 'with'):
            return ('text', 'starts with', left, self.unary())
        if self.have('~'):
            return ('text', '~', left, self.unary())
        if self.have('in'):
            if self.peek()[0] == 'net':
                return ('in net', negated, left, self.take())
            if not self.is_('('):
                return ('in set', negated, left, self.unary())
            self.take('sign', '(')
            items = [self.expr()]
            while self.have(','):
                items.append(self.expr())
            self.take('sign', ')')
            return ('in', negated, left, tuple(items))
        return left

    def arith(self):
        e = self.term()
        while self.is_('+') or self.is_('-'):
            e = ('arith', self.take(), e, self.term())
        return e

    def term(self):
        e = self.unary()
        while self.is_('*') or self.is_('/'):
            e = ('arith', self.take(), e, self.unary())
        return e

    def unary(self):
        if self.have('-'):
            return ('neg', self.unary())
        if self.have('('):
            e = self.expr()
            self.take('sign', ')')
            return e
        kind, value = self.peek()
        if kind in ('num', 'str'):
            self.take()
            return ('lit', value)
        if kind == 'dur':
            return ('dur', self.take())
        if self.have('true'):
            return ('lit', True)
        if self.have('false'):
            return ('lit', False)
        if kind == 'word' and self.peek(1) == ('sign', '('):
            return self.call()
        return ('path', self.path())

    def call(self):
        name = self.take('word')
        self.take('sign', '(')
        args = [self.expr()]
        while self.have(','):
            args.append(self.expr())
        where = self.expr() if self.have('where') else None
        self.take('sign', ')')
        return ('call', name, tuple(args), where)

    def path(self):
        out = [self.take('word')]
        while self.have('.'):
            out.append(self.take('word'))
        return tuple(out)


def read(text):
    return Reader(text).file()
