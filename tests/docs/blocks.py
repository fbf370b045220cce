"""The fenced blocks of a page, with what the page says about them.

A fence names its language: fyke, console, or one of SHOWN, which are not carried out. Comments before
a fence, alone on their line, say more:
  <!-- prelude: PATH -->  the blocks from here on import PATH (relative to the page); `none` ends it
  <!-- file: NAME -->     the next block is the file NAME of the page's console blocks
"""
import re
from dataclasses import dataclass

# Shown to the reader, not carried out: other languages, output, commands that need a broker or root.
SHOWN = {"text", "sh", "json", "jsonl", "ebnf", "c", "cmake", "sql", "java", "yaml", "kotlin", "systemd",
         "dot", "xml", "toml", "conf", "html", "diff", "ini", "make", "promql", "python"}
COMMENT = re.compile(r"\s*<!--\s*(prelude|file):\s*(\S+)\s*-->\s*$")
FENCE = re.compile(r"(\s*)```(.*)$")


@dataclass
class Block:
    page: str
    line: int        # of its first line of text
    language: str
    words: list      # what stands behind the language
    text: str
    prelude: str     # path as the page writes it, "" for none
    file: str        # name for console blocks, "" for none

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def is_indented_block(lines, at):
    """The line begins a block by its indent: a blank line above, and no list item before that."""
    if at == 0 or lines[at - 1].strip():
        return False
    above = [line for line in lines[:at] if line.strip() and not line.startswith(" ")]
    return not above or not re.match(r"([-*+]|\d+\.) ", above[-1])


def read(page, text):
    """Yields the blocks; raises ValueError where a fence is not closed or a comment leads nowhere."""
    prelude = name = ""
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        comment = COMMENT.match(lines[at])
        fence = FENCE.match(lines[at])
        at += 1
        if comment and comment[1] == "prelude":
            prelude = "" if comment[2] == "none" else comment[2]
        elif comment:
            name = comment[2]
        elif fence:
            first = at
            while at < len(lines) and lines[at].strip() != "```":
                at += 1
            if at == len(lines):
                raise ValueError(f"{page}:{first}: the block is not closed")
            body = [line.removeprefix(fence[1]) for line in lines[first:at]]
            language, *words = fence[2].split() or [""]
            yield Block(page, first + 1, language, words, "\n".join(body) + "\n", prelude, name)
            name = ""
            at += 1
        elif lines[at - 1].startswith("    ") and is_indented_block(lines, at - 1):
            raise ValueError(f"{page}:{at}: an indented block: a fence says what it is")
        elif name and lines[at - 1].strip():
            raise ValueError(f"{page}:{at}: a block must follow `<!-- file: {name} -->`")
