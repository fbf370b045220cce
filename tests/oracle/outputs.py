"""Random rules that tell several things: an alert and an event of one match, either of them at a timeout.

Rules are independent (3.16) and `quiet` never holds events or timeouts back, so such a rule says what
two rules of the same pattern say, one with the alerts and one with the events: these the oracle asks.
"""
import copy
import random
from dataclasses import dataclass
from typing import Optional

import extras
import generate
import writer
from rules import Ev, File, Rule, Step, number


@dataclass
class Joint:
    rule: Rule             # that derives
    alert: bool            # for a match
    event: bool            # for a match
    late: Optional[str]    # alert, event
    quiet: Optional[int]
    quiet_per: tuple
    event_first: bool

    def alerts(self):
        """The rule that tells the alerts alone."""
        rule = copy.deepcopy(self.rule)
        rule.derives, rule.value, rule.more = None, None, ()
        rule.timeout, rule.silent = self.late == 'alert', not self.alert
        rule.quiet, rule.quiet_per = self.quiet, self.quiet_per
        rule.emit = rule.emit + (('who', ('lit', rule.name)),)
        return rule

    def events(self):
        """The rule that tells the events alone."""
        rule = copy.deepcopy(self.rule)
        rule.timeout, rule.silent, rule.emit = self.late == 'event', not self.event, ()
        rule.quiet, rule.quiet_per = None, ()
        return rule

    def parts(self):
        return ([self.alerts()] if self.alert or self.late == 'alert' else []) + [self.events()]


def joint(rule, rng):
    kinds = ((True, True),) * 4 + (((True, False), (False, True)) if rule.timeout else ())
    alert, event = rng.choice(kinds)
    late = rng.choice(('alert', 'event')) if rule.timeout else None
    late = 'event' if not event else 'alert' if not alert else late
    quiet, per, one = None, (), extras.single(rule.items)
    if alert and rng.random() < 0.5:
        quiet = rng.randint(1, 8)
        if one and rule.keyed and rng.random() < 0.5:
            per = (('k',),) + ((('j',),) if rule.second_key else ()) + ((rng.choice(one), 'v'),)
    return Joint(rule, alert, event, late, quiet, per, rng.random() < 0.5)


def w_joint(j):
    rule = copy.deepcopy(j.rule)
    rule.silent, rule.timeout, rule.derives = True, False, None
    rule.quiet, rule.quiet_per = j.quiet, j.quiet_per
    fields = '  '.join('%s = %s' % (n, writer.w_expr(e)) for n, e in j.alerts().emit)
    alert = ['  emit alert { %s }\n' % fields] if j.alert else []
    events = ['  emit event %s { v = %s }\n' % (name, writer.w_expr(e)) for name, e in
              ((j.rule.derives, j.rule.value),) + j.rule.more] if j.event else []
    late = {'alert': 'alert', 'event': 'event %s { v = 1 }' % j.rule.derives}.get(j.late)
    told = events + alert if j.event_first else alert + events
    return writer.w_rule(rule)[:-2] + ('  on timeout emit %s\n' % late if late else '') + \
        ''.join(told) + '}\n'


def text_of(file, joints):
    text = writer.write(file)
    for j in joints:
        text = text.replace(writer.w_rule(j.rule), w_joint(j))
    return text


def reader(main, maker, rng):
    """A rule that reads what the main rule derives."""
    items = [Step(Ev('Z', 'z1'))]
    if rng.random() < 0.6:
        items.insert(rng.choice((0, 1)), Step(Ev(rng.choice(maker.types + ['Z']), 'z2')))
    return number(Rule(items, name='y', keyed=main.keyed, second_key=main.second_key,
                       head=rng.randint(3, 12), policy=rng.choice(('past last', 'to next')),
                       emit=(('who', ('lit', 'y')),)))


def main_derives(file, maker, rng):
    main = file.rules[0]
    main.derives = 'Z'
    main.value = ('lit', 2) if main.timeout else extras.value_of(main, rng)
    main.quiet, main.quiet_per, main.silent = None, (), False
    if rng.random() < 0.7:
        file.rules = file.rules + [reader(main, maker, rng)]
        extras.assume_quiet(file)


def make_rule(seed):
    """(file, the rules that tell both, rng) or None when the seed gives no such rule."""
    rng = random.Random('outputs %d' % seed)
    maker = generate.Maker(rng, ('let',))
    maker.left = rng.choice((1, 2, 2, 3))
    file = File(list(generate.TYPES), maker.lets, [maker.rule()])
    if rng.random() < 0.15 and all(l.assume_quiet for l in file.rules[0].leading):
        file.disorder = rng.choice((2, 5, 20))
    if rng.random() < 0.6:
        extras.add_derived(file, maker, rng)
    if rng.random() < 0.15 and file.rules[0].keyed:
        extras.add_profile(file, maker, rng)
    if not file.rules[1:] or rng.random() < 0.3:
        main_derives(file, maker, rng)
    joints = []
    for rule in file.rules:
        number(rule)
        if rule.derives:
            rule.silent = False
            if rng.random() < 0.85 or rule.derives == 'Z':
                joints.append(joint(rule, rng))
        else:
            rule.silent = False
            rule.emit = rule.emit + (() if rule.name == 'y' else (('who', ('lit', rule.name)),))
    return (file, joints, rng) if joints else None


def split(file, joints):
    """What the oracle is asked instead."""
    parts = {id(j.rule): j.parts() for j in joints}
    rules = [r for rule in file.rules for r in parts.get(id(rule), [rule])]
    return File(file.events, file.lets, rules, file.disorder, file.profiles)


def notes_of(file, joints, case, notes):
    out = {name for name in ('derived in a chain', 'derived by deadline', 'derived by timeout')
           if notes[name]}
    for j in joints:
        out.add('alert and event' if j.alert and j.event else
                'alert, at timeout event' if j.alert else 'event, at timeout alert')
        if j.event_first and j.alert and j.event:
            out.add('event in front')
        if j.late:
            out.add('timeout ' + j.late)
        if j.quiet is not None:
            out.add('quiet')
        out |= {'two events'} if j.rule.more else set()
    out |= {'main rule'} if any(j.rule is file.rules[0] for j in joints) else set()
    if any(a.get('suppressed') for a in case['expected']) or case.get('quiet_ended'):
        out.add('held back')
    return out | ({'profile'} if file.profiles else set())
