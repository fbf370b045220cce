"""A page names tests in a table: each of them, and each case of them, exists.

  proofs.py PAGE HEADING ROWS    the table under that heading, so many rows at least; exit: 0, 1 with what is wrong
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
TESTS = HERE.parent


def rows(page, heading):
    """(case, words about its tests)"""
    part = page.read_text().split('## ' + heading + '\n')[1].split('\n#')[0]
    lines = [x for x in part.split('\n') if x.startswith('|')][2:]
    return [[cell.strip() for cell in x.strip('|').split(' | ', 1)] for x in lines]


def added():
    """The names that CMake files give to tests."""
    files = [TESTS / 'CMakeLists.txt', *TESTS.glob('*/CMakeLists.txt')]
    return '\n'.join(f.read_text() for f in files)


def source_of(name, cmake):
    """Where the test stands; '' when it needs no look inside, None when there is none."""
    kind, _, rest = name.partition('.')
    if rest == 'py':
        path = TESTS / 'integration' / name
        return path.read_text() if path.exists() else None
    if kind == 'unit':
        path = TESTS / 'unit' / ('test_%s.c' % rest)
        return path.read_text() if path.exists() else None
    if kind == 'cli':
        return '' if (TESTS / 'cli' / rest).is_dir() else None
    if kind == 'kafka':
        return '' if re.search(r'fyke_kafka_test\(%s\b|foreach\(name [^)]*\b%s\b' % (rest, rest),
                               cmake) else None
    return '' if re.search(r'add_test\(NAME %s\b' % re.escape(name), cmake) else None


def wrong_in(case, words, cmake):
    said, source = [], None
    names = re.findall(r'`([^` ]+)`', words)
    if not names and not words.startswith('open: '):
        said.append('%s: neither a test nor why there is none' % case)
    for name in names:
        if '.' in name:
            source = source_of(name, cmake)
            if source is None:
                said.append('%s: there is no %s' % (case, name))
        elif source is None or not re.search(r'\b%s\(' % re.escape(name), source):
            said.append('%s: no case %s' % (case, name))
    return said


def main():
    cmake = added()
    table = rows(pathlib.Path(sys.argv[1]), sys.argv[2])
    said = [x for case, words in table for x in wrong_in(case, words, cmake)]
    if len(table) < int(sys.argv[3]):
        said.append('%d rows only' % len(table))
    print('\n'.join(said) or '%d cases' % len(table))
    return 1 if said else 0


if __name__ == '__main__':
    sys.exit(main())
