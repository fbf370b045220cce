"""The tables of deliberate faults still fit the tree: every text that they replace stands in its file exactly
once, and every test that must see a fault exists. The scripts that put them in take minutes each and stand in
no ordinary run; this keeps them from going stale.

  check_faults.py ROOT    exit: 0, 1 with what does not fit
"""
import pathlib
import re
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(sys.argv[1]).resolve()
for folder in ("integration", "oracle", "property"):
    sys.path.insert(0, str(ROOT / "tests" / folder))

import eos_broken  # noqa: E402
import faults_table  # noqa: E402
import protocol_faults_table  # noqa: E402


def all_faults():
    """(table, what is wrong, [(file, text, instead), …])"""
    for what, edits, _ in eos_broken.MISTAKES + eos_broken.CONTROLS:
        yield "eos_broken", what, edits
    for what, _, *edits in protocol_faults_table.FAULTS:
        yield "protocol_faults_table", what, edits
    for what, *edit in faults_table.FAULTS:
        yield "faults_table", what, [edit]


def unfit(edits):
    """Put in one after the other, as the scripts do."""
    texts = {}
    for name, old, new in edits:
        if name not in texts:
            path = ROOT / name
            texts[name] = path.read_text() if path.is_file() else ""
        if texts[name].count(old) != 1:
            yield f"{old[:60]!r} stands {texts[name].count(old)} times in {name}"
        if old == new:
            yield f"{old[:60]!r} is replaced by itself"
        texts[name] = texts[name].replace(old, new)


def missing_tests():
    for what, _, (script, settings) in eos_broken.MISTAKES + eos_broken.CONTROLS:
        text = (ROOT / "tests/integration" / script).read_text()
        if not re.search(rf"^def \w*{settings.get('EOS_CASE', '')}", text, re.M):
            yield f"eos_broken: {what}: no case {settings} in {script}"
    for what, tests, *_ in protocol_faults_table.FAULTS:
        for test in tests:
            if not (ROOT / f"tests/unit/test_{test}.c").is_file():
                yield f"protocol_faults_table: {what}: there is no unit.{test}"


def main():
    said, n = list(missing_tests()), 0
    for table, what, edits in all_faults():
        n += 1
        said += [f"{table}: {what}: {why}" for why in unfit(edits)]
    print("\n".join(said) or f"{n} faults fit")
    return 1 if said or n < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
