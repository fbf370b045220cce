"""The rules of bench/gen_rules (20 fields, 900 shapes) against the oracle, each over a stream of its own, in which many
events hold what one of its conditions asks for.

    generated.py --cases-binary BINARY --bench DIRECTORY [--rules N] [--seed S] [--streams K]"""
import argparse
import collections
import random
import sys

import engine
import oracle
import reader

GAPS_MS = (0, 500, 5000, 15000, 30000, 60000, 120000, 300000)
EVENTS, BUDGET = 50, 8000


def stream(rng, activity, rule, n):
    """Events of one user in the total order: topics as they are declared. `id` is none of their fields."""
    made, at, out = activity.Events(rng, users=1), activity.FIRST_MS, []
    most = rng.choice(GAPS_MS[2:])
    # some of the conditions, one after the other as they stand in the rule: what is asked not to happen among them
    aims, aim = [t for t in rule.tests if rng.random() < 0.7] or rule.tests, 0
    for _ in range(n):
        at += rng.choice([g for g in GAPS_MS if g <= most])
        kind, _, values = aims[aim % len(aims)] if rng.random() < 0.9 else rng.choice(rule.tests)
        aim += rng.random() < 0.4
        _, e = made.event(at, kind, user=0)
        if rng.random() < 0.9:
            e = {k: v for k, v in {**e, **values}.items() if v is not None}
        if rng.random() < 0.7:
            e['device'] = 'd0000001'
            e['card'] = 'c0000001'
        out.append((at, activity.KINDS.index(kind), {**e, 'topic': activity.topic(kind)}))
    out.sort(key=lambda x: x[:2])
    return [dict(e, id=i) for i, (_, _, e) in enumerate(out)], at + rng.choice((0, 1, 60000, 7200000))


def case_of(name, rng, activity, rule):
    text = activity.declarations(apart=True) + '\n' + rule.text()
    file = reader.read(text)
    n = EVENTS
    while True:
        events, watermark = stream(random.Random(rng.random()), activity, rule, n)
        case = {'name': name, 'rule': text, 'watermark': watermark, 'events': events}
        try:
            case.update(oracle.evaluate(file, events, watermark, BUDGET))
            return case
        except oracle.TooMuch:
            n = n * 2 // 3


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--cases-binary', required=True)
    p.add_argument('--bench', required=True)
    p.add_argument('--rules', type=int, default=300)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--streams', type=int, default=3)
    o = p.parse_args()
    sys.path.insert(0, o.bench)
    import activity
    import shapes
    met, cases = collections.Counter(), []
    for i, rule in enumerate(shapes.rules(random.Random(o.seed), o.rules)):
        rng = random.Random(f'{o.seed} {i}')
        own = [case_of(f'{rule.name}.{k}', rng, activity, rule) for k in range(o.streams)]
        met['rules'] += 1
        met['rules with a match'] += any(c['expected'] or c.get('timeouts') for c in own)
        met['matches'] += sum(len(c['expected']) for c in own)
        met['events'] += sum(len(c['events']) for c in own)
        cases += own
    found = engine.run_cases(o.cases_binary, cases)
    print(', '.join(f'{n} {what}' for what, n in met.items()))
    for name, (what, words) in list(found.items())[:5]:
        case = next(c for c in cases if c['name'] == name)
        print(f'{name}: {what}\n{words}\n{case["rule"][case["rule"].index("rule "):]}')
    if found:
        sys.exit(f'FAILED: {len(found)} of {len(cases)} cases differ')
    if met['rules with a match'] * 3 < met['rules']:
        sys.exit('FAILED: fewer than a third of the rules match anything')


if __name__ == "__main__":
    main()
