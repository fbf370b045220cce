"""kafkastreams-cep: stages; strict contiguity unless a stage says skip-till-next."""
from peer import NotExpressible, Question

EVENT = """language 1
event E from topic "e" { at : timestamp in ms event time  id : string  value : %s }
"""
MEAN = {
    'value > 0': 'value > 0',
    'mean(matched so far) >= value (integer mean in the stateful variant)':
        '(first.value + sum(second.value)) / (1 + count(second)) >= value',
    'mean(matched so far) < value':
        '(first.value + sum(second.value)) / (1 + count(second)) < value',
}
COUNTS = {'+': '1 or more ', '*': 'optional 1 or more '}


def condition(stage):
    if 'value' in stage:
        return 'value = "%s"' % stage['value']
    if stage['where'] not in MEAN:
        raise NotExpressible('the condition %s' % stage['where'])
    return MEAN[stage['where']]


def step(stage):
    count = stage.get('quantifier', '')
    words = COUNTS.get(count) or (count.strip('{}') + ' ' if count else '')
    if stage.get('optional'):
        words = 'optional ' + words
    strict = stage.get('contiguity', 'strict') == 'strict'
    return '%sE as %s where %s%s' % (words, stage['name'], condition(stage),
                                     ' in a row' if count and strict else '')


def question(case):
    stages = case['query_facts']['stages']
    text = ''
    for i, s in enumerate(stages):
        strict = s.get('contiguity', 'strict') == 'strict'
        text += ('' if i == 0 else ' then next ' if strict else ' then first ') + step(s)
    number = not isinstance(case['events'][0]['value'], str)
    rule = EVENT % ('int' if number else 'string') + 'rule q {\nwithin 1d  when %s\nemit alert\n}\n' % text
    events = [{'at': 1000 * (i + 1), 'id': e['id'], 'value': e['value']}
              for i, e in enumerate(case['events'])]
    return Question(rule, {'e': events}, 'flush')


def compare(case, alerts):
    ids = [e['id'] for e in case['events']]
    got = []
    for a in alerts:
        match = {}
        for e in a['evidence']:
            match.setdefault(e['step'], []).append(ids[e['offset']])
        got.append(match)
    return None if got == case['expected'] else 'matches %s' % got


def name(case):
    return case['source'].split('/')[-1].replace('.java', '')
