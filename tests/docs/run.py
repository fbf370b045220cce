#!/usr/bin/env python3
"""Carries out the examples of the documentation.

  run.py --fyke FYKE [--update] PAGE…

  ```fyke                  `fyke check` finds nothing (so every rule has a test); `fyke test` passes
  ```fyke untested         a rule without a test: only checked
  ```fyke refused E0412    `fyke check` finds this code, and no other
  ```fyke warns W0407      this warning or note and no other; otherwise as a plain block
  ```console               `$ …` lines are carried out by bash in a folder of the page; what follows is
                           what they print. `…` stands for anything, alone on a line for any lines
A block without a language is a fault. So is a link to a file or a heading that is not there. Lines of a
file under test are lines of the page, so a finding's position can be opened.
--update writes what the commands print into the page's console blocks.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import blocks

TIMEOUT_S = 60
RULE = re.compile(r"^\s*rule\s+\w+", re.M)
TEST = re.compile(r'^\s*test\s+"', re.M)
FIRES = re.compile(r"^\s*expect\b(?!\s+no\b)", re.M)
SILENT = re.compile(r"^\s*expect\s+no\s+match", re.M)


class Failed(Exception):
    pass


class Runner:
    def __init__(self, fyke, folder, update):
        self.fyke, self.folder, self.update = fyke, folder, update
        os.symlink(fyke, os.path.join(folder, "fyke"))
        self.environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"], "LC_ALL": "C.UTF-8",
                            "NO_COLOR": "1"}

    def run(self, words, **more):
        return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=TIMEOUT_S,
                              env=self.environment, **more)

    def rule_file(self, block, folder):
        """Writes the block as a file whose line numbers are those of the page."""
        name = f"{os.path.basename(block.page)}.{block.line}.rules"
        path = os.path.join(folder, name)
        text = block.text
        if not text.lstrip().startswith("language 1"):
            head = "language 1"
            if block.prelude:
                head += f' import "{self.prelude(block, folder)}"'
            text = head + "\n" * (block.line - 1) + text
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def prelude(self, block, folder):
        """Copies the block's prelude beside it: an import is relative. Returns its name there."""
        source = os.path.normpath(os.path.join(os.path.dirname(block.page), block.prelude))
        if not os.path.exists(source):
            raise Failed(f"no prelude `{block.prelude}`")
        name = source.replace(os.sep, "_")
        shutil.copyfile(source, os.path.join(folder, name))
        return name

    def rules(self, block, folder):
        kind = block.words[0] if block.words else ""
        if kind not in ("", "untested", "refused", "warns"):
            raise Failed(f"`fyke {kind}` is not known")
        path = os.path.join(folder, block.file) if block.file else self.rule_file(block, folder)
        found = self.run([self.fyke, "check", "--format", "json", "--deny-warnings", path])
        codes = set(re.findall(r'"code":"([EW]\d{4})"', found.stdout))
        want = set(block.words[1:]) if kind in ("refused", "warns") else set()
        if kind in ("untested", "refused"):
            codes.discard("W0418")  # a rule without a test: what `untested` says
        if codes != want:
            raise Failed(f"found {sorted(codes) or 'nothing'}, not {sorted(want) or 'nothing'}\n"
                         + self.run([self.fyke, "check", path]).stdout)
        if kind == "refused":
            if not want or any(not code.startswith("E") for code in want):
                raise Failed("`refused` names the codes of errors")
            return
        if TEST.search(block.text):
            tested = self.run([self.fyke, "test", path])
            if tested.returncode != 0:
                raise Failed(tested.stdout)
        if "/cookbook/" in block.page:
            self.both_ways(block)

    def both_ways(self, block):
        """A rule of the cookbook shows what fires it and what does not."""
        for body in re.split(RULE, block.text)[1:]:
            if not FIRES.search(body) or not SILENT.search(body):
                raise Failed("a rule of the cookbook has a test that fires and one that does not")

    def console(self, block, folder):
        """Carries the block's commands out; returns the block's text with what they printed."""
        written, wrong = [], ""
        for command, expected in sessions(block):
            line = command.replace("\n> ", "\n")
            done = self.run(["bash", "-c", line], cwd=folder)
            printed = done.stdout.rstrip("\n")
            same = re.fullmatch(as_pattern(expected), printed)
            written.append(f"$ {command}\n" + (expected if same else printed) + "\n")
            if not same:
                wrong += f"$ {command}\n--- the page\n{expected}\n--- now\n{printed}\n"
        if wrong and not self.update:
            raise Failed(wrong)
        return "".join(written).replace("\n\n$ ", "\n$ ")


def sessions(block):
    """Pairs of a command and the text behind it."""
    lines = block.text.rstrip("\n").split("\n")
    if not lines[0].startswith("$ "):
        raise Failed("a console block begins with `$ `")
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append([line[2:], [], True])
        elif found[-1][2] and line.startswith("> "):
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
            found[-1][2] = False
    return [(command, "\n".join(text).rstrip("\n")) for command, text, _ in found]


def as_pattern(expected):
    """`…` alone on a line is any lines, also none; inside a line it is anything but a line's end."""
    parts = []
    for line in expected.split("\n"):
        if line.strip() == "…":
            parts.append(r"(?:.*\n)*?(?:.*)")
        else:
            parts.append(".*".join(re.escape(part) for part in line.split("…")))
    return "\n".join(parts)


def without_blocks(text):
    return re.sub(r"^```.*?^```$", lambda m: "\n" * m[0].count("\n"), text, flags=re.M | re.S)


def anchors(path):
    """The names that headings of a page have in links."""
    with open(path, encoding="utf-8") as file:
        heads = re.findall(r"^#+ (.*)$", without_blocks(file.read()), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def dead_links(page, text):
    """Links to files and headings that are not there."""
    outside = re.sub(r"`[^`\n]*`", "", without_blocks(text))
    for link in re.finditer(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", outside):
        target = os.path.join(os.path.dirname(page), link[1]) if link[1] else page
        where = f"{page}:{outside.count(chr(10), 0, link.start()) + 1}"
        if re.match(r"[a-z]+:", link[1]):
            continue
        if not os.path.exists(target):
            yield f"{where}: no file `{link[1]}`"
        elif link[2] and target.endswith(".md") and link[2] not in anchors(target):
            yield f"{where}: no heading `{link[2]}` in {target}"


def page_blocks(runner, page):
    """Checks a page; returns (number of blocks carried out, faults)."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    faults, done = list(dead_links(page, text)), 0
    written = []  # (console block, its text as it is now)
    folder = tempfile.mkdtemp(dir=runner.folder)
    try:
        found = list(blocks.read(page, text))
    except ValueError as error:
        return 0, [*faults, str(error)]
    for block in found:
        try:
            if block.file:
                path = os.path.join(folder, block.file)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(block.text)
            if block.language == "fyke":
                runner.rules(block, folder)
            elif block.language == "console":
                now = runner.console(block, folder)
                written.append((block, now))
            elif block.language not in blocks.SHOWN:
                raise Failed(f"a block in `{block.language}`: fyke, console or one of "
                             + ", ".join(sorted(blocks.SHOWN)))
            done += block.language in ("fyke", "console")
        except (Failed, subprocess.TimeoutExpired) as error:
            faults.append(f"{block.place}: {error}")
    if runner.update:
        lines = text.split("\n")
        for block, now in reversed(written):
            lines[block.line - 1:block.line - 1 + block.text.count("\n")] = now.rstrip("\n").split("\n")
        with open(page, "w", encoding="utf-8") as file:
            file.write("\n".join(lines))
    return done, faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--fyke", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("pages", nargs="+")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(os.path.realpath(arguments.fyke), folder, arguments.update)
        with ThreadPoolExecutor(max_workers=2) as pool:
            answers = list(pool.map(lambda page: page_blocks(runner, page), arguments.pages))
    faults = [fault for _, found in answers for fault in found]
    for fault in faults:
        print(fault)
    print(f"{sum(done for done, _ in answers)} examples carried out, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
