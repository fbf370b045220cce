"""Cases through the engine (`tests/conformance/cases.c`)."""
import json
import os
import re
import subprocess
import tempfile

LIMIT_S = 120  # for one call


def call(binary, cases):
    """(exit status or None, output)"""
    with tempfile.NamedTemporaryFile('w', suffix='.jsonl', delete=False) as f:
        for case in cases:
            f.write(json.dumps(case) + '\n')
    try:
        p = subprocess.run([binary, f.name, '-v'], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=LIMIT_S)
        return p.returncode, p.stdout.decode(errors='replace')
    except subprocess.TimeoutExpired as late:
        return None, (late.stdout or b'').decode(errors='replace')
    finally:
        os.unlink(f.name)


def read(out):
    """({name: (what, words)} of the cases that did not come out equal, names that were run)"""
    found, ran, name, words = {}, set(), None, []
    for line in out.splitlines():
        m = re.match(r'(differs|waiting|skipped|ran)  +(.*)$', line)
        if not m:
            words.append(line)
            continue
        if name:
            found[name] = (found[name][0], '\n'.join(words))
        name, words = None, []
        if m.group(1) == 'ran':
            ran.add(m.group(2))
        else:
            what = m.group(2).split(':')
            name = what[0].strip()
            found[name] = (m.group(1) + ' ' + ':'.join(what[1:]).strip(), '')
    return found, ran


def run_cases(binary, cases):
    """{name: (what, the engine's own words)} of the cases that did not come out equal."""
    found = {}
    while cases:
        status, out = call(binary, cases)
        new, ran = read(out)
        found.update(new)
        if status in (0, 1):
            return found
        left = [k for k, case in enumerate(cases) if case['name'] not in ran]
        if not left:
            return found
        what = 'hangs' if status is None else 'crash'
        found[cases[left[0]]['name']] = (what, out[-3000:])
        cases = cases[left[0] + 1:]
    return found
