#!/usr/bin/env python3
"""Fault points are in the builds that tests need them in, and what is shipped has none: no option, no name.

    check_fault_points.py FYKE ROOT ON|OFF
"""
import pathlib
import re
import subprocess
import sys

FOLDERS = ("engine", "connectors", "lib")


def names(root):
    """Those that would be in the program for another reason as well are none that can be looked for."""
    texts = [path.read_text() for folder in FOLDERS for path in sorted((root / folder).rglob("*.c"))]
    every = {name for text in texts for call in re.findall(r"fault_point\(([^;]*)\);", text)
             for name in re.findall(r'"([^"]+)"', call)}
    return {name for name in every if not any(name in re.sub(r"fault_point\([^;]*\);", "", t) for t in texts)}


def main(fyke, root, want):
    program = pathlib.Path(fyke).read_bytes()
    found = sorted(n for n in names(root) if n.encode() in program)
    missing = sorted(names(root) - set(found))
    asked = subprocess.run([fyke, "run", "--fault", "mid-checkpoint"], capture_output=True, text=True)
    refused = asked.returncode == 2 and "--fault" in asked.stderr
    if len(names(root)) < 20:
        return f"only {len(names(root))} points in the sources"
    if want and (missing or refused):
        return f"not in this build: {missing}; --fault is {'refused' if refused else 'known'}"
    if not want and (found or not refused):
        return f"in this build: {found}; --fault: {asked.stderr}"
    return None


if __name__ == "__main__":
    wrong = main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3] == "ON")
    sys.exit(f"FAILED: {wrong}" if wrong else 0)
