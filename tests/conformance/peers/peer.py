"""What the runners of the peers' cases share: a question to the engine and its answer."""
import json
import pathlib
import subprocess
import tempfile

SECONDS = 60


class NotExpressible(Exception):
    """The language has no form for it; the text says which construct would be needed."""


class Refused(Exception):
    """The compiler refused the rule; the text is its first message."""


class Question:
    def __init__(self, rule, topics, end):
        self.rule = rule
        self.topics = topics  # topic: payloads in order
        self.end = end        # ms of event time, or 'flush'


def iso(ms):
    s, rest = divmod(ms, 1000)
    return '1970-01-01T%02d:%02d:%02d.%03dZ' % (s // 3600, s // 60 % 60, s % 60, rest)


def ask(binary, question):
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        (place / 'q.rules').write_text(question.rule)
        command = [binary, 'run', '-r', str(place / 'q.rules'), '-o', '-', '--watermark-end',
                   question.end if question.end == 'flush' else iso(question.end)]
        for topic, events in question.topics.items():
            (place / topic).write_text(''.join(json.dumps(e) + '\n' for e in events))
            command += ['-i', '%s=%s' % (topic, place / topic)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        if done.returncode == 1:
            raise Refused(done.stderr.strip())
        if done.returncode:
            raise RuntimeError('exit %d\n%s' % (done.returncode, done.stderr))
        return [json.loads(line) for line in done.stdout.splitlines()]
