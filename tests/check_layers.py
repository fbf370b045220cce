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
    "report": {"base", "nfa", "engine", "lib", "include"},
    "cli": {"base", "nfa", "dsl", "engine", "connectors", "lib", "report", "include"},
}

# Folders whose answers may depend on their arguments alone: no files, clocks, threads, processes.
PURE = {"nfa"}
PURE_SYSTEM = {
    "assert.h", "ctype.h", "errno.h", "float.h", "inttypes.h", "limits.h", "math.h",
    "pcre2.h", "stdalign.h", "stdarg.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h",
    "stdio.h", "stdnoreturn.h", "string.h", "xxhash.h",
}
# What these headers declare and a pure function cannot use; of stdio.h that leaves snprintf.
IMPURE = re.compile(r"\b(FILE|stdin|stdout|stderr|fopen|v?f?printf|puts|putchar|getenv|setenv|"
                    r"s?rand|random|system|exit|_Exit|abort|atexit|setlocale|strtok)\b")
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)

# What one file alone may call. Whoever polls a client whose messages come with its callbacks makes the
# client end the process; kafka_serve() knows.
GUARDED = re.compile(r"\b(rd_kafka_poll|rd_kafka_poll_set_consumer)\s*\(")
GUARDS = pathlib.PurePath("connectors/kafka_client.c")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = (".c", ".h", ".re", ".y")


def offence(folder, bracket, target):
    """Why this include is not allowed, or None."""
    if bracket == "<":
        if folder not in PURE or target in PURE_SYSTEM:
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


def impure_words(text):
    """(position, word) of what a pure folder must not call; comments and strings are no code."""
    code = NOT_CODE.sub(lambda skipped: re.sub(r"[^\n]", " ", skipped.group()), text)
    return [(match.start(), match.group(1)) for match in IMPURE.finditer(code)]


def guarded_calls(path, text):
    code = NOT_CODE.sub(lambda skipped: re.sub(r"[^\n]", " ", skipped.group()), text)
    return [] if path == GUARDS else [(m.start(), m.group(1)) for m in GUARDED.finditer(code)]


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def offences(root):
    for folder in sorted(MAY_INCLUDE):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                why = offence(folder, match.group(1), match.group(2))
                if why is not None:
                    yield f"{path.relative_to(root)}:{line_of(text, match.start(2))}: {why}"
            for position, word in guarded_calls(path.relative_to(root), text):
                where = f"{path.relative_to(root)}:{line_of(text, position)}"
                yield f"{where}: {word}() is for {GUARDS} alone: kafka_serve(), kafka_consume()"
            for position, word in impure_words(text) if folder in PURE else ():
                where = f"{path.relative_to(root)}:{line_of(text, position)}"
                yield f"{where}: {folder} is pure: {word} is not for it"


def self_test():
    """The table refuses what it is there to refuse."""
    refused = [
        ("base", '"', "nfa/rule.h"), ("nfa", "<", "sys/stat.h"),
        ("nfa", "<", "time.h"), ("nfa", "<", "pthread.h"),
        ("nfa", "<", "fcntl.h"), ("nfa", "<", "unistd.h"),
        ("dsl", '"', "engine/engine.h"),
        ("engine", '"', "dsl/ast.h"), ("engine", '"', "connectors/kafka.h"),
        ("connectors", '"', "lib/run.h"), ("dsl", '"', "ast.h"),
        ("lib", '"', "report/report.h"), ("report", '"', "connectors/kafka.h"),
    ]
    allowed = [
        ("nfa", "<", "stdio.h"), ("nfa", '"', "base/slice.h"),
        ("connectors", '"', "engine/io.h"), ("cli", '"', "fyke_version.h"),
        ("lib", '"', "connectors/json.h"), ("engine", "<", "time.h"),
    ]
    for case in refused:
        assert offence(*case) is not None, case
    for case in allowed:
        assert offence(*case) is None, case
    other = pathlib.PurePath("connectors/kafka_sink.c")
    assert guarded_calls(other, "x = rd_kafka_poll(rk, 0);") == [(4, "rd_kafka_poll")]
    assert guarded_calls(GUARDS, "rd_kafka_poll(rk, 0);") == []
    assert guarded_calls(other, "/* rd_kafka_poll() */ rd_kafka_consumer_poll(rk, 0);") == []
    assert impure_words('x = getenv("A");') == [(4, "getenv")]
    assert impure_words("void dump(FILE *out)") == [(10, "FILE")]
    assert impure_words('/* exit */ buf_printf(b, "FILE"); snprintf(s, n, "rand");') == []


def main():
    self_test()
    found = list(offences(pathlib.Path(sys.argv[1])))
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
