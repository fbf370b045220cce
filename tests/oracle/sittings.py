"""What a run of several sittings has counted so far, kept in a file: a run that is broken off goes
on behind the last chunk that the file knows of."""
import collections
import hashlib
import json
import os
import pathlib

EVERY = 10  # chunks between two savings


def maker():
    """Of all that the cases and what is counted follow from."""
    here, h = pathlib.Path(__file__).parent, hashlib.sha256()
    for name in sorted(here.glob('*.py')):
        if name.stem not in ('run', 'sittings', 'engine', 'faults', 'faults_table', 'metamorphic',
                             'inline', 'inline_check', 'reader', 'smaller', 'ways', 'families',
                             'outputs', 'sets', 'guards'):
            h.update(name.read_bytes())
    return h.hexdigest()[:16]


class Sittings:
    def __init__(self, path, seed, without):
        self.path = path
        self.what = {'seed': seed, 'without': sorted(without), 'maker': maker()}
        self.chunks = self.since = 0

    def load(self, counters):
        """Adds what stands in the file to `counters` (name -> Counter)."""
        if not os.path.exists(self.path):
            return
        with open(self.path) as f:
            kept = json.load(f)
        for name, ours in self.what.items():
            if kept[name] != ours:
                raise SystemExit('%s: its %s is %s, not %s' % (self.path, name, kept[name], ours))
        self.chunks = kept['chunks']
        for name, counter in counters.items():
            counter.update({tuple(k) if isinstance(k, list) else k: n for k, n in kept[name]})

    def chunk_done(self, counters):
        self.chunks += 1
        self.since += 1
        if self.since == EVERY:
            self.save(counters)

    def save(self, counters):
        """All or nothing."""
        self.since = 0
        kept = dict(self.what, chunks=self.chunks)
        kept.update({name: sorted(counter.items(), key=str) for name, counter in counters.items()})
        with open(self.path + '.new', 'w') as f:
            json.dump(kept, f)
        os.replace(self.path + '.new', self.path)
