"""A case as an inline test of its rule, for `fyke test`."""
import copy

import oracle
import writer
from rules import File, Step, Times, tests_of


def name_all(rule):
    for ev, role in tests_of(rule.items):
        if role == 'step' and not ev.alias:
            ev.alias = 's%d' % ev.num


def repeated(items, inside=False):
    """Names that stand for several events."""
    for item in items:
        if not isinstance(item, Step):
            continue
        part = item.part
        for inner in getattr(part, 'parts', None) or [getattr(part, 'items', [])]:
            yield from repeated(inner, inside or isinstance(part, Times))
        ev = getattr(part, 'ev', part)
        if hasattr(ev, 'src') and (inside or ev is not part):
            yield ev.alias


def w_value(x):
    return '"%s"' % x if isinstance(x, str) else str(x)


def w_event(e):
    fields = ' '.join('%s = %s' % (n, w_value(e[n])) for n in ('k', 'j', 'id', 'v') if n in e)
    return '    at %dms %s { %s }\n' % (e['at'], e['topic'].upper(), fields)


def w_fields(answer, many):
    return ' '.join('e_%s = %s' % (n, w_value(ids if n in many else ids[0]))
                    for n, ids in sorted(answer['steps'].items()))


def w_expect(answer, many):
    return '    expect at %dms 1 match { %s }\n' % (answer['at'], w_fields(answer, many))


def w_timeout(answer, many):
    return '    expect at %dms timeout at step %s { %s }\n' % (answer['at'], answer['step'],
                                                              w_fields(answer, many))


def rule_with_test(file, rule, events, watermark):
    """The end of an inline test decides what lies at its last moment, so it is one later here."""
    many = set(repeated(rule.items))
    names = list(dict.fromkeys(ev.alias for ev, role in tests_of(rule.items) if role == 'step'))
    emit = ' { %s }' % '  '.join('e_%s = %s' % (n, 'collect(%s.id)' % n if n in many
                                               else n + '.id') for n in names)
    last = events[-1]['at'] if events else 0
    end = max(watermark, last + 1)
    said = oracle.evaluate(File(file.events, file.lets, [rule]), events, end)
    answers, late = said['expected'], said.get('timeouts', [])
    text = ''.join(w_event(e) for e in events)
    if end - 1 > last:
        text += '    watermark %dms\n' % (end - 1)
    text += ''.join(w_expect(a, many) for a in answers) or ('' if late else
                                                            '    expect no match\n')
    text += ''.join(w_timeout(a, many) for a in late)
    return writer.w_rule(rule, emit, '  test "as the oracle says" {\n%s  }\n' % text)


def test_of(case, file):
    file = copy.deepcopy(file)
    for rule in file.rules:
        name_all(rule)
        rule.silent = False  # a test names matches, alerts or not
    head = writer.write(file).split('rule ', 1)[0]
    return head + ''.join(rule_with_test(file, r, case['events'], case['watermark'])
                          for r in file.rules)
