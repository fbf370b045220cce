"""What the tests of message formats share: an interpreter that has the other library, and our reader."""

import importlib.util
import os
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
