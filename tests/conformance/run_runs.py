#!/usr/bin/env python3
"""Runs of the binary whose answers were worked out by hand from the language's text, for what a case
of the meaning cannot say: coordinates, headers and times of records, order of reading, options, the
summary.

  run_runs.py --fyke BINARY FILE [--only TEXT] [-v]

A line of FILE is a case; times are ms of event time since 1970:
  name, why    `why` quotes the deciding sentence
  rule         the rule file
  records      envelopes in the order of reading; left out: partition 0, the next offset. Payloads may
               carry `id`, the number that answers use
  options      further arguments; `files`: {name: text} beside the rules; `mmdb`: lines of an address
               database, named with --geoip
  expected     the alerts in their order, each with the fields that it must have; `at`, `first`, `last`
               in ms, `steps` {step: [ids]} and `turns` {step: [turns]} stand for the evidence, null
               for a field that must not be there. Left out: nothing is asked of the alerts
  summary      the fields that the summary must have
  tests        the expectation of `fyke test` in place of a run: {test: true or false}
  refused      a code that `fyke check` must give, and no run

Every run is repeated with three threads and with the general detector: the same bytes. Where the
records are in order of time it is repeated in two runs with a state between them: the same lines.
Exit: 0, 1 when a case differs."""
import argparse
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile

SECONDS = 60
MMDB = pathlib.Path(__file__).resolve().parent.parent / 'support' / 'mmdb.py'
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def ms_of(text):
    delta = datetime.datetime.fromisoformat(text.replace('Z', '+00:00')) - EPOCH
    return delta // datetime.timedelta(milliseconds=1)


def iso(ms):
    stamp = EPOCH + datetime.timedelta(milliseconds=ms)
    return stamp.strftime('%Y-%m-%dT%H:%M:%S.') + '%03dZ' % (ms % 1000)


def place_of(record):
    return (record['topic'], record['partition'], record['offset'])


def envelopes(case):
    """The records with their coordinates, and {place: id}."""
    following, ids, out = {}, {}, []
    for given in case.get('records', []):
        r = {'partition': 0, 'key': None, **given}
        log = (r['topic'], r['partition'])
        r.setdefault('offset', following.get(log, 0))
        following[log] = r['offset'] + 1
        if isinstance(r.get('payload'), dict) and 'id' in r['payload']:
            ids[place_of(r)] = r['payload']['id']
        out.append(r)
    return out, ids


def evidence_of(alert, ids, field):
    steps = {}
    for e in alert['evidence']:
        if field == 'turn':
            value = e.get('turn')
        elif 'rule' in e:
            value = '%s@%d' % (e['rule'], ms_of(e['time']))
        else:
            value = ids.get(place_of(e), list(place_of(e)))
        steps.setdefault(e['step'], []).append(value)
    return steps


def shown(alert, want, ids):
    """What `want` asks of the alert, in its words."""
    out = {}
    for field in want:
        if field in ('at', 'first', 'last'):
            text = alert.get('detected' if field == 'at' else field)
            out[field] = None if text is None else ms_of(text)
        elif field == 'steps':
            out[field] = evidence_of(alert, ids, 'id')
        elif field == 'turns':
            out[field] = evidence_of(alert, ids, 'turn')
        elif field == 'absent':
            out[field] = [[a['step'], ms_of(a['from']), ms_of(a['to'])] for a in alert['absent']]
        else:
            out[field] = alert.get(field)
    return out


def subset(got, want):
    if isinstance(want, dict) and isinstance(got, dict):
        return {k: subset(got.get(k), v) for k, v in want.items()}
    return got


def run_tests(binary, case, folder, options):
    done = subprocess.run([binary, 'test', 'case.rules', '--format', 'json', *options], cwd=folder,
                          capture_output=True, text=True, timeout=SECONDS)
    got = {}
    for line in done.stdout.splitlines():
        if line.startswith('{'):
            t = json.loads(line)
            got[t['test']] = t['ok']
    return None if got == case['tests'] else 'tests %s, not %s\n%s%s' % (
        got, case['tests'], done.stdout, done.stderr)


def check_refused(binary, case, folder):
    done = subprocess.run([binary, 'check', 'case.rules', '--format', 'json'], cwd=folder,
                          capture_output=True, text=True, timeout=SECONDS)
    codes = [json.loads(l)['code'] for l in done.stdout.splitlines() if l.startswith('{')]
    return None if done.returncode == 1 and case['refused'] in codes else 'codes %s, not %s\n%s' % (
        codes, case['refused'], done.stdout)


def run_once(binary, folder, options):
    done = subprocess.run([binary, 'run', '-r', 'case.rules', '-i', 'records', '--input-format', 'kcat',
                           '-q', '--stats', 'summary', *options], cwd=folder, capture_output=True,
                          text=True, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError('exit %d\n%s' % (done.returncode, done.stderr))
    return done.stdout


def cut_of(records):
    """Where a first run may end: what comes behind is later than all before; None without such."""
    payloads = [r.get('payload') for r in records]
    times = [p.get('at') if isinstance(p, dict) else None for p in payloads]
    if not all(isinstance(t, int) for t in times):
        return None
    for at in sorted(range(1, len(times)), key=lambda i: abs(2 * i - len(times))):
        if max(times[:at]) < min(times[at:]):
            return at
    return None


def run_in_two(binary, folder, records, cut, options):
    """The alerts of two runs with one state; deadlines wait for the second."""
    both = options + ['--state', 'state']
    at_end = ('--flush', '--pending')
    (folder / 'records').write_text(lines_of(records[:cut]))
    first = [o for i, o in enumerate(both) if o not in at_end and
             '--watermark-end' not in both[max(0, i - 1):i + 1]]
    output = run_once(binary, folder, first)
    (folder / 'records').write_text(lines_of(records))
    return output + run_once(binary, folder, both)


def lines_of(records):
    return ''.join(json.dumps(r) + '\n' for r in records)


def compare(case, output, summary, ids):
    alerts = [json.loads(line) for line in output.splitlines()]
    want = case.get('expected')
    if want is not None:
        got = [shown(a, w, ids) for a, w in zip(alerts, want)]
        if len(alerts) != len(want) or got != want:
            return 'expected\n  %s\n    got\n  %s\n    of\n  %s' % (
                '\n  '.join(map(json.dumps, want)), '\n  '.join(map(json.dumps, got)),
                '\n  '.join(output.splitlines()))
    facts = case.get('summary', {})
    if subset(summary, facts) != facts:
        return 'summary %s, not %s' % (subset(summary, facts), facts)
    return None


def difference(binary, case, folder):
    """None, or how the case differs."""
    (folder / 'case.rules').write_text(case['rule'])
    for name, text in case.get('files', {}).items():
        (folder / name).write_text(text)
    options = [str(o) for o in case.get('options', [])]
    if 'mmdb' in case:
        subprocess.run([sys.executable, str(MMDB), str(folder / 'places.mmdb')], check=True,
                       input=''.join(json.dumps(l) + '\n' for l in case['mmdb']), text=True)
        options += ['--geoip', 'places.mmdb']
    if 'refused' in case:
        return check_refused(binary, case, folder)
    if 'tests' in case:
        return run_tests(binary, case, folder, options)
    records, ids = envelopes(case)
    (folder / 'records').write_text(lines_of(records))
    if 'watermark' in case:
        options += ['--watermark-end', iso(case['watermark'])]
    output = run_once(binary, folder, options)
    summary = json.loads((folder / 'summary').read_text())
    for other in (['-j', '3'], ['--detector', 'general']):
        if run_once(binary, folder, options + other) != output:
            return 'another answer with %s' % ' '.join(other)
    cut = cut_of(records)
    if cut is not None:
        parts = run_in_two(binary, folder, records, cut, options)
        if sorted(parts.splitlines()) != sorted(output.splitlines()):
            return 'another answer in two runs, cut behind %d\n%s    in one\n%s' % (
                cut, parts, output)
    return compare(case, output, summary, ids)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--fyke', required=True, type=pathlib.Path)
    parser.add_argument('file', type=pathlib.Path)
    parser.add_argument('--only', default='')
    parser.add_argument('-v', '--verbose', action='store_true')
    args = parser.parse_args()
    cases = [json.loads(line) for line in args.file.read_text().splitlines()]
    wrong = ran = 0
    for case in cases:
        if args.only not in case['name']:
            continue
        ran += 1
        with tempfile.TemporaryDirectory() as folder:
            try:
                why = difference(str(args.fyke.resolve()), case, pathlib.Path(folder))
            except (RuntimeError, KeyError, ValueError, subprocess.TimeoutExpired) as e:
                why = 'the run failed: %r' % e
        if why or args.verbose:
            print('%s  %s\n    %s' % ('differs' if why else 'equal', case['name'], why or case['why']))
        wrong += why is not None
    print('%d equal, %d differ' % (ran - wrong, wrong))
    return 1 if wrong or not ran else 0


sys.exit(main())
