"""The table of docs/fraud-results.md against the data, where they are; else 77.

  fraud_results.py FYKE ROOT DATA
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SETS = {"threshold": ("examples/fraud/results/threshold.rules", "LIMIT", "500.00"),
        "velocity": ("examples/fraud/rules", "SPEND_LIMIT", "3000.00")}


def rows_of(page):
    row = re.compile(r"\| (\w+) \| ([\d.]+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|")
    return {m.group(1, 2): m.groups()[2:] for m in row.finditer(page.read_text())}


def measure(fyke, root, payments, rule, values):
    rules, name, written = SETS[rule]
    command = [fyke, "replay", "-r", root / rules, "-i", f"payments={payments}", "--label",
               "fraud = 1", "--label-key", "card", "--format", "json",
               "--sweep", f"{name}={','.join(values)}"]
    out = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    for point in out["points"]:
        value = point["values"][name]
        if value in values:
            found = next(r for r in point["rules"] if r["rule"] == rule)
            figures = found["labels"]
            yield (rule, value), (str(found["matches"]), f'{figures["precision"]:.3f}',
                                  f'{figures["recall"]:.3f}', f'{figures["episode_recall"]:.3f}')


def main():
    fyke, root, data = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    packed = data / "cards-sparkov.jsonl.zst"
    if not packed.exists() or not shutil.which("zstd"):
        print("SKIPPED: the data are not here")
        return 77
    stated = rows_of(root / "docs/fraud-results.md")
    wrong = 0
    with tempfile.TemporaryDirectory() as scratch:
        payments = pathlib.Path(scratch) / "payments.jsonl"
        with payments.open("wb") as to:
            unpacked = subprocess.run(["zstd", "-dc", packed], check=True, stdout=subprocess.PIPE)
            subprocess.run([sys.executable, root / "examples/fraud/results/payments.py"],
                           input=unpacked.stdout, check=True, stdout=to)
        for rule, (_, _, written) in SETS.items():
            all_values = [value for name, value in stated if name == rule]
            values = all_values if os.environ.get("FYKE_LONG") else [written]
            if not set(values) <= set(all_values):
                print(f"the page has no row {rule} {written}")
                wrong += 1
                continue
            for key, got in measure(fyke, root, payments, rule, values):
                if stated[key] != got:
                    print(f"{key}: the page says {stated[key]}, it is {got}")
                    wrong += 1
    return 1 if wrong else 0


sys.exit(main())
