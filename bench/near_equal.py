#!/usr/bin/env python3
"""near_equal.py N DIRECTORY: N copies of Q1 with other spans (Q5) as DIRECTORY/near_equal-N.rules, with the declarations
that they import beside them; prints the path. As in peers/common/…/Spans.java."""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def text(n):
    with open(os.path.join(HERE, "queries", "q1.rules")) as f:
        q1 = f.read()
    rule = q1[q1.index("rule q1"):] + "\n"
    return 'language 1\n\nimport "events.rules"\n\n' + "".join(
        rule.replace("rule q1", f"rule q1_{i}")
        .replace("within 15m", f"within {841 + i // 100 % 60}s")
        .replace("within 5m", f"within {201 + i % 100}s") for i in range(n))


def write(n, directory):
    shutil.copy(os.path.join(HERE, "queries", "events.rules"), directory)
    path = os.path.join(directory, f"near_equal-{n}.rules")
    with open(path, "w") as f:
        f.write(text(n))
    return path


if __name__ == "__main__":
    print(write(int(sys.argv[1]), sys.argv[2]))
