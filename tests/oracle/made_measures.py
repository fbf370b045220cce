"""Random measures of profiles, and conditions that ask for them."""
from rules import Measure, Part, parts_of

NUMBERS = ('count', 'sum', 'min', 'max', 'average', 'stddev', 'first', 'last', 'nth', 'percentile',
           'count_distinct')
LISTS = ('set', 'set', 'distinct', 'collect')
GAPS = ('gap_average', 'gap_stddev')
DECIMAL = ('average', 'stddev')


def kind_of(p):
    if p.outer in LISTS:
        return 'list'
    if p.outer in ('count', 'count_distinct'):
        return 'int'
    if p.outer in DECIMAL:
        return 'decimal'
    if 'gap' in p.outer + (p.inner or ''):
        return 'duration'
    return 'decimal' if p.inner in DECIMAL else 'int'


def nth_of(name, rng):
    return {'nth': rng.randint(1, 3), 'percentile': rng.choice((0, 25, 50, 75, 90, 100))}.get(name)


def part(rng, maker, src, names, nested):
    """An aggregate; nested: of the aggregates of buckets."""
    outer, inner, arg, where = rng.choice(names), None, 'v', None
    if nested:
        inner = rng.choice(NUMBERS + GAPS)
        if inner in GAPS:
            outer = rng.choice(('min', 'max', 'first', 'last'))
        elif inner in DECIMAL and outer in LISTS + ('stddev',):
            inner = 'sum'
    of_events = inner or outer
    if of_events in GAPS or of_events == 'count' and rng.random() < 0.7:
        arg = None
    if of_events not in ('nth', 'percentile') and rng.random() < 0.2:
        where = maker.simple()
    return Part(outer, inner, arg, src, where, nth_of(outer, rng), nth_of(inner, rng))


def number(rng, maker, src, nested):
    p = part(rng, maker, src, NUMBERS, nested and rng.random() < 0.5)
    return (('part', p), kind_of(p)) if kind_of(p) != 'duration' else \
        number(rng, maker, src, nested)


def computed(rng, maker, src, nested):
    """(expression, kind) of several aggregates."""
    (a, a_kind), (b, b_kind) = (number(rng, maker, src, nested) for _ in range(2))
    both = 'decimal' if 'decimal' in (a_kind, b_kind) else 'int'
    lit = ('lit', rng.randint(0, 3))
    shape = rng.randrange(7)
    if shape < 2:
        return ('arith', '/', a, b), 'decimal'
    if shape == 2:
        return ('arith', rng.choice('+-'), a, b), both
    if shape == 3:
        return ('arith', '+', a, ('arith', '*', b, ('lit', rng.choice((2, 3))))), both
    if shape == 4:
        return ('coalesce', ('arith', '/', a, b), lit), 'decimal'
    if shape == 5:
        return ('if', ('cmp', rng.choice(('>', '<=', '=')), a, lit), b, lit), b_kind
    return ('arith', '-', ('coalesce', a, lit), b), both


def measure(rng, maker, name, src):
    m = Measure(name, None, None, rng.choice((2, 3, 5, 8, 12, 20)))
    if rng.random() < 0.35:
        m.every = rng.randint(1, m.over if rng.random() < 0.4 else max(1, m.over // 3))
    nested = m.every is not None and rng.random() < 0.5
    if rng.random() < 0.3:
        m.e, m.kind = computed(rng, maker, src, nested)
    else:
        p = part(rng, maker, src, NUMBERS + NUMBERS + LISTS + ('set', 'set'), nested) \
            if nested or rng.random() < 0.87 else Part(rng.choice(GAPS), None, None, src)
        m.e, m.kind = ('part', p), kind_of(p)
        if p.outer in ('set', 'distinct') and rng.random() < 0.6 and not nested:
            m.most = rng.randint(1, 3)
    if rng.random() < 0.3:
        m.warm = rng.randint(1, min(6, m.over))
    return m


def in_order(m):
    """Does the text say in which order its values stand?"""
    return m.most is None and not any(p.outer == 'set' for p in parts_of(m))


def asks(profile, m, rng):
    """A condition over a measure."""
    read, v = ('path', (profile, m.name)), ('path', ('v',))
    sure = m.e[0] == 'part' and m.e[1].outer in ('count', 'sum')
    if rng.random() < 0.12 and (m.warm or not sure):
        return ('missing', rng.random() < 0.5, read)
    if m.kind == 'list':
        return ('in set', rng.random() < 0.5, v, read)
    op = rng.choice(('>', '>=', '<', '<=', '!=', '='))
    if m.kind == 'duration':
        return ('cmp', op, read, ('dur', rng.randint(0, 3)))
    if rng.random() < 0.5:
        return ('cmp', op, v, read)
    return ('cmp', op, read, ('lit', rng.randint(0, 3)))
