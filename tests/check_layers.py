#!/usr/bin/env python3
"""Every include against the table of layers: who may see whom, and that nfa stays pure.

check_layers.py ROOT    exit 1 and one line per offence
"""
import pathlib
import re
import sys

# A folder may include itself and these. Tests, benchmarks and examples may include everything.
MAY_INCLUDE = {
    "base": set(),
    "nfa": {"base"},
    "dsl": {"base", "nfa"},
    "engine": {"base", "nfa"},
    "connectors": {"base", "nfa", "engine"},
    "include": set(),
    "lib": {"base", "nfa", "dsl", "engine", "connectors", "include"},
    "cli": {"base", "nfa", "dsl", "engine", "connectors", "lib", "include"},
}

# Folders whose answers may depend on their arguments alone: no files, clocks, threads, processes.
PURE = {"nfa"}
PURE_SYSTEM = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "pcre2.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h",
    "stdnoreturn.h", "string.h", "xxhash.h",
}
# Printing to a stream is allowed to those who print for a person only.
PURE_DUMP_SYSTEM = {"stdio.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = (".c", ".h", ".re", ".y")


def offence(folder, name, bracket, target):
    """Why this include is not allowed, or None."""
    if bracket == "<":
        if folder not in PURE or target in PURE_SYSTEM:
            return None
        if target in PURE_DUMP_SYSTEM and name.endswith("_dump.c"):
            return None
        return f"{folder} is pure: <{target}> is not for it"
    first = target.split("/")[0]
    if "/" not in target:
        generated = {"fyke_version.h"}
        return None if target in generated else f'"{target}" is not relative to the root'
    if first == folder or first in MAY_INCLUDE[folder]:
        return None
    if first == "fyke" and "include" in MAY_INCLUDE[folder] | {folder}:
        return None
    return f'{folder} may not include {first}: "{target}"'


def offences(root):
    for folder in sorted(MAY_INCLUDE):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                why = offence(folder, path.name, match.group(1), match.group(2))
                if why is not None:
                    line = text.count("\n", 0, match.start(2)) + 1
                    yield f"{path.relative_to(root)}:{line}: {why}"


def self_test():
    """The table refuses what it is there to refuse."""
    refused = [
        ("base", "x.c", '"', "nfa/rule.h"), ("nfa", "x.c", "<", "stdio.h"),
        ("nfa", "x.h", "<", "time.h"), ("nfa", "x.c", "<", "pthread.h"),
        ("nfa", "x.c", "<", "fcntl.h"), ("nfa", "x_dump.c", "<", "unistd.h"),
        ("dsl", "x.c", '"', "engine/engine.h"),
        ("engine", "x.c", '"', "dsl/ast.h"), ("engine", "x.c", '"', "connectors/kafka.h"),
        ("connectors", "x.c", '"', "lib/run.h"), ("dsl", "x.c", '"', "ast.h"),
    ]
    allowed = [
        ("nfa", "x_dump.c", "<", "stdio.h"), ("nfa", "x.c", '"', "base/slice.h"),
        ("connectors", "x.c", '"', "engine/io.h"), ("cli", "x.c", '"', "fyke_version.h"),
        ("lib", "x.c", '"', "connectors/json.h"), ("engine", "x.c", "<", "time.h"),
    ]
    for case in refused:
        assert offence(*case) is not None, case
    for case in allowed:
        assert offence(*case) is None, case


def main():
    self_test()
    found = list(offences(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
