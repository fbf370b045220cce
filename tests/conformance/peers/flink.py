"""The walkthrough data of Apache Flink: a small amount, then at once a large one, per account."""
from peer import Question

WINDOWS = {
    'no window': '',
    'within 30 min inclusive': ' within 30m',
    'within 30 min exclusive': ' within 29m59s999ms',
    'within 1 min': ' within 1m',
}
RULE = """language 1
event T from topic "t" { at : timestamp in ms event time  account : int key  amount : decimal }
"""
ONE = """rule %s {
  for each account%s
  when T as small where amount < 1 then next T as big where amount > 500
  emit alert
}
"""


def question(case):
    rules = ''.join(ONE % ('w%d' % i, WINDOWS[w]) for i, w in enumerate(case['expected']))
    events = [{'at': e['ts_ms'], 'account': e['account'], 'amount': e['amount']}
              for e in sorted(case['events'], key=lambda e: (e['ts_ms'], e['id']))]
    return Question(RULE + rules, {'t': events}, 'flush')


def compare(case, alerts):
    ids = [e['id'] for e in sorted(case['events'], key=lambda e: (e['ts_ms'], e['id']))]
    for i, (window, want) in enumerate(case['expected'].items()):
        got = [[ids[e['offset']] for e in a['evidence']] for a in alerts
               if a['rule'] == 'w%d' % i]
        if got != want:
            return '%s: %s instead of %s' % (window, got, want)
    return None


def name(case):
    return case['source'].split('/')[-1]
