"""Panther's correlation rules: hits of other rules that share a value, within a lookback.

A search over a stored table knows at once that something did not come; a rule over a stream knows it
when the time has passed, so the end of time is let in (`--watermark-end flush`).
"""
import datetime
import re

from peer import Question


def ident(text):
    return 'M_' + re.sub(r'\W', '_', text)


def when(event):
    if 'minute' in event:
        return event['minute'] * 60000
    t = datetime.datetime.fromisoformat(event['time'].replace('Z', '+00:00'))
    return int(t.timestamp() * 1000)


def member(m):
    n = m.get('min_match_count', 1)
    return ('%d or more ' % n if n > 1 else '') + ident(m['id'])


def pattern(facts):
    lookback = '%dm' % facts['lookback_minutes']
    present = [m for m in facts['members'] if not m.get('absence')]
    absent = [m for m in facts['members'] if m.get('absence')]
    if facts['kind'].startswith('group in listed order'):
        words = [('no %s for %s' % (ident(m['id']), lookback)) if m.get('absence') else member(m)
                 for m in facts['members']]
        return ' then '.join(words)
    core = member(present[0]) if len(present) == 1 else 'all of (%s)' % ', '.join(
        member(m) for m in present)
    before = ''.join('no %s for %s assume quiet then ' % (ident(m['id']), lookback) for m in absent)
    after = ''.join(' then no %s for %s' % (ident(m['id']), lookback) for m in absent)
    return before + core + after


def rule(facts):
    out = 'language 1\n'
    for m in facts['members']:
        out += ('event %s from topic "hits" where member = "%s" {\n  at : timestamp in ms event time'
                '  member : string  value : string key\n}\n' % (ident(m['id']), m['id']))
    alone = len(facts['members']) > 1 and all(
        m.get('absence') for m in facts['members'][1:]) or any(
            m.get('absence') for m in facts['members'])
    window = '' if alone else ' within %dm' % facts['lookback_minutes']
    return out + 'rule q {\n  for each value%s\n  when %s\n  emit alert\n}\n' % (
        window, pattern(facts))


def question(case):
    facts = case['query_facts']
    events = [{'at': when(e), 'member': e['rule_hit'], 'value': str(e['value'])}
              for e in case['events']]
    events.sort(key=lambda e: e['at'])
    return Question(rule(facts), {'hits': events}, 'flush')


def compare(case, alerts):
    want = case['expected']['alert']
    if bool(alerts) != want:
        return '%s, Panther says %s' % ('an alert' if alerts else 'no alert',
                                        'alert' if want else 'none')
    return None


def name(case):
    return case['source'].split('correlation_rules/')[-1]
