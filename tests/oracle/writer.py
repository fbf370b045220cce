"""Writes a tree as rule text."""
from rules import LISTS, LOOKUPS, Absent, Count, Ev, Group, Times


def w_expr(e):
    kind = e[0]
    if kind == 'lit':
        if isinstance(e[1], str):
            return '"%s"' % e[1]
        return str(e[1]).lower() if isinstance(e[1], bool) else str(e[1])
    if kind == 'path':
        return '.'.join(e[1])
    if kind == 'dur':
        return '%dms' % e[1]
    if kind == 'in set':
        return '%s %sin %s' % (w_expr(e[2]), 'not ' if e[1] else '', w_expr(e[3]))
    if kind == 'in list':
        return '%s %sin list %s' % (w_expr(e[2]), 'not ' if e[1] else '', e[3])
    if kind == 'lookup':
        return '%s[%s]' % (e[1], w_expr(e[2]))
    if kind == 'part':
        return w_aggregate(e[1])
    if kind == 'coalesce':
        return 'coalesce(%s, %s)' % (w_expr(e[1]), w_expr(e[2]))
    if kind == 'if':
        return '(if %s then %s else %s)' % tuple(w_expr(x) for x in e[1:])
    if kind == 'call':
        where = ' where ' + w_expr(e[3]) if e[3] else ''
        return '%s(%s%s)' % (e[1], ', '.join(w_expr(a) for a in e[2]), where)
    if kind == 'neg':
        return '-(%s)' % w_expr(e[1])
    if kind == 'arith':
        return '(%s %s %s)' % (w_expr(e[2]), e[1], w_expr(e[3]))
    if kind in ('cmp', 'text'):
        return '%s %s %s' % (w_expr(e[2]), e[1], w_expr(e[3]))
    if kind == 'missing':
        return '%s is %smissing' % (w_expr(e[2]), 'not ' if e[1] else '')
    if kind == 'between':
        return '%s %sbetween %s and %s' % (w_expr(e[2]), 'not ' if e[1] else '', w_expr(e[3]),
                                           w_expr(e[4]))
    if kind == 'in':
        return '%s %sin (%s)' % (w_expr(e[2]), 'not ' if e[1] else '',
                                 ', '.join(w_expr(x) for x in e[3]))
    if kind == 'not':
        return 'not (%s)' % w_expr(e[1])
    return '(%s) %s (%s)' % (w_expr(e[1]), kind, w_expr(e[2]))


def w_ev(ev, where=True):
    out = ev.src + (' as ' + ev.alias if ev.alias else '')
    return out + (' where ' + w_expr(ev.where) if where and ev.where else '')


def w_guard(part):
    out = ' with no ' + w_ev(part.with_no) if part.with_no else ''
    return out + (' within %dms' % part.within if part.within is not None else '')


def w_count(lo, hi):
    return '%d' % lo if hi == lo else '%d or more' % lo if hi is None else '%d to %d' % (lo, hi)


ADJ = {None: '', 'row': ' in a row', 'any': ' anywhere'}


def w_part(p):
    if isinstance(p, Ev):
        return w_ev(p)
    if isinstance(p, Count):
        out = '%s %s%s' % (w_count(p.lo, p.hi), w_ev(p.ev), ADJ[p.adj])
        out += ' each within %dms' % p.each if p.each is not None else ''
        out += ' until ' + w_expr(p.until) if p.until else ''
    elif isinstance(p, Times):
        out = '%s times (%s)%s' % (w_count(p.lo, p.hi), w_items(p.items), ADJ[p.adj])
    elif isinstance(p, Group):
        return '(%s)%s' % (w_items(p.items), w_guard(p))
    else:
        return '%s of (%s)%s' % (p.word, ', '.join(w_items(x) for x in p.parts), w_guard(p))
    return out + (' having ' + w_expr(p.having) if p.having else '') + w_guard(p)


def w_link(link):
    out = link.kind + ' ' if link.kind else ''
    out += 'within %dms ' % link.within if link.within is not None else ''
    return out + ('after %dms ' % link.after if link.after is not None else '')


def w_items(items):
    out = []
    for item in items:
        if isinstance(item, Absent):
            dur = ' for %dms' % item.dur if item.dur is not None else ''
            out.append(('next ' if item.next else '') + 'no ' + w_ev(item.ev) + dur)
        else:
            out.append(w_link(item.link) + ('optional ' if item.optional else '') +
                       w_part(item.part))
    return ' then '.join(out)


EVENT = ('event %s from topic "%s" { k : string key  at : timestamp in ms event time  '
         'id : int  v : int optional%s%s }\n')


def w_rule(r, emit='', tests=''):
    head = ['for each k, j' if r.second_key else 'for each k'] if r.keyed else []
    head += ['within %dms' % r.head] if r.head is not None else []
    out = 'rule %s {\n%s  when ' % (r.name, '  %s\n' % ' '.join(head) if head else '')
    for lead in r.leading:
        out += 'no %s for %dms %sthen ' % (w_ev(lead.ev), lead.dur,
                                           'assume quiet ' if lead.assume_quiet else '')
    out += w_items(r.items) + '\n'
    for ev in r.without:
        out += '  without %s\n' % w_ev(ev)
    if r.policy != 'past last':
        out += '  after match %s%s\n' % ('' if r.policy == 'no skip' else 'skip ', r.policy)
    if r.quiet is not None:
        per = ' per ' + ', '.join('.'.join(p) for p in r.quiet_per) if r.quiet_per else ''
        out += '  quiet for %dms%s\n' % (r.quiet, per)
    if r.derives:
        body = '\n  emit '.join('event %s { v = %s }' % (name, w_expr(e))
                               for name, e in ((r.derives, r.value),) + r.more)
        late = 'event %s { v = 1 }' % r.derives
    else:
        late = 'alert' + emit
        body = 'alert { %s }' % '  '.join('%s = %s' % (n, w_expr(e)) for n, e in r.emit) \
            if r.emit else late
    out += '  on timeout emit %s\n' % late if r.timeout else ''
    return out + ('' if r.silent else '  emit %s\n' % body) + tests + '}\n'


def w_call(name, arg, nth):
    return '%s(%s)' % (name, arg if nth is None else '%s, %d' % (arg, nth))


def w_aggregate(p):
    events = '' if p.where is None and 'gap' not in p.outer + (p.inner or '') else p.src
    arg = (p.arg or events) + (' where ' + w_expr(p.where) if p.where else '')
    if p.inner is None:
        return w_call(p.outer, arg, p.nth)
    return w_call(p.outer, w_call(p.inner, arg, p.inner_nth), p.nth)


def w_measure(m):
    out = '%s = %s over %dms' % (m.name, w_expr(m.e), m.over)
    for word, x, unit in (('every', m.every, 'ms'), ('max', m.most, ''), ('warm', m.warm, 'ms')):
        out += ' %s %d%s' % (word, x, unit) if x is not None else ''
    return out


def w_profile(p, keys):
    return 'profile %s for each %s from %s { %s }\n' % (
        p.name, keys, w_ev(p.source), '  '.join(map(w_measure, p.measures)))


def write(f):
    late = '  out of order by %dms' % f.disorder if f.disorder is not None else ''
    second = '  j : int optional' if any(r.second_key for r in f.rules) else ''
    out = 'language 1\n' + ''.join(EVENT % (n, n.lower(), second, late) for n in f.events)
    for name, parts in f.lets.items():
        text = ', '.join(w_ev(p) for p in parts)
        out += 'let %s = %s\n' % (name, text if len(parts) == 1 else 'any of (%s)' % text)
    keys = 'k, j' if f.rules[0].second_key else 'k'
    rules = ''.join(w_profile(p, keys) for p in f.profiles)
    rules += ''.join(w_rule(r) for r in f.rules)
    for name, values in LISTS.items():
        if 'in list ' + name in out + rules:
            out += 'list %s : int = [%s]\n' % (name, ', '.join(map(str, values)))
    for name, pairs in LOOKUPS.items():
        if name + '[' in out + rules:
            out += 'lookup %s : int to int = { %s }\n' % (
                name, ', '.join('%d = %d' % kv for kv in pairs.items()))
    return out + rules
