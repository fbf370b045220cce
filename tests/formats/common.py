"""What the tests of message formats share: an interpreter that has the other library, and our reader."""

import decimal
import importlib.util
import json
import math
import os
import struct
import subprocess
import sys

SKIPPED = 77


def need(module, package):
    """Goes on under the system's Python when this one lacks the module; ends as skipped without."""
    try:
        found = importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        found = False
    if found:
        return
    system = '/usr/bin/python3'
    if os.environ.get('FYKE_FORMATS_AGAIN') or not os.path.exists(system):
        print(f'SKIPPED: Python has no module {module} (Debian: {package})')
        sys.exit(SKIPPED)
    os.environ['FYKE_FORMATS_AGAIN'] = '1'
    os.execv(system, [system, *sys.argv])


def read_messages(tool, arguments, messages):
    """The line that payload_tool prints per message."""
    text = ''.join(m.hex() + '\n' for m in messages)
    done = subprocess.run([tool, *arguments], input=text.encode(), stdout=subprocess.PIPE,
                          timeout=120, check=False)
    lines = done.stdout.decode().splitlines()
    if done.returncode != 0 or len(lines) != len(messages):
        sys.exit(f'{tool} {arguments}: {done.returncode}, {lines[:3]}')
    return lines


def parse_json(line):
    return json.loads(line, parse_float=decimal.Decimal, parse_int=decimal.Decimal)


class Float32(float):
    """Reads back the same as a float of 32 bits."""


def same(expected, got):
    if isinstance(expected, float):
        if math.isnan(expected):
            return got == 'NaN'
        if math.isinf(expected):
            return got == ('Infinity' if expected > 0 else '-Infinity')
        if not isinstance(got, (int, decimal.Decimal)):
            return False
        if isinstance(expected, Float32):
            return struct.pack('<f', float(got)) == struct.pack('<f', expected + 0.0) and \
                len(str(got.normalize() if got else 0)) < 22
        return float(got) == expected
    if isinstance(expected, dict):
        return isinstance(got, dict) and expected.keys() == got.keys() and \
            all(same(expected[k], got[k]) for k in expected)
    if isinstance(expected, list):
        return isinstance(got, list) and len(expected) == len(got) and \
            all(map(same, expected, got))
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    return expected == got
