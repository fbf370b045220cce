"""Random schemas and values: what Apache Avro's own library encodes, our reader shows as the JSON
that docs/formats.md promises. Framed and bare, cut anywhere, with a byte too many."""

import argparse
import base64
import datetime
import decimal
import io
import json
import math
import random
import struct
import sys
import tempfile
import uuid
import warnings

from common import Float32, need, parse_json, read_messages, same

need('avro.io', 'python3-avro')

import avro.io  # noqa: E402
import avro.schema  # noqa: E402

warnings.simplefilter('ignore')
UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = ['', 'a', 'bob', 'ä', '日本', '𝄞', 'a"b\\c', 'line\nend', '\x00\x1f', 'x' * 70]
PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']
LOGICAL = ['date', 'time-millis', 'time-micros', 'timestamp-millis', 'timestamp-micros', 'decimal',
           'fixed-decimal', 'uuid', 'nonsense']
DAY = 86400


class Schemas:
    def __init__(self, rng):
        self.rng = rng
        self.names = 0
        self.named = []

    def name(self):
        self.names += 1
        return f'T{self.names}'

    def logical(self):
        kind = self.rng.choice(LOGICAL)
        if kind == 'decimal':
            precision = self.rng.randint(1, 38)
            return {'type': 'bytes', 'logicalType': 'decimal', 'precision': precision,
                    'scale': self.rng.randint(0, precision)}
        if kind == 'fixed-decimal':
            return {'type': 'fixed', 'name': self.name(), 'size': 16, 'logicalType': 'decimal',
                    'precision': 37, 'scale': self.rng.randint(0, 18)}
        base = {'date': 'int', 'time-millis': 'int', 'uuid': 'string',
                'nonsense': 'int'}.get(kind, 'long')
        return {'type': base, 'logicalType': kind}

    def enum(self):
        n = self.rng.randint(1, 5)
        return {'type': 'enum', 'name': self.name(), 'symbols': [f'S{i}' for i in range(n)]}

    def union(self, depth):
        # Python's True is an int: the other library would take whichever branch comes first.
        branches = ['null', self.rng.choice(['boolean', 'long']), 'string', 'bytes']
        self.rng.shuffle(branches)
        branches = branches[:self.rng.randint(1, 4)]
        if self.rng.random() < 0.4:
            branches.append(self.rng.choice([self.record, self.array])(depth + 1))
        return branches

    def array(self, depth):
        return {'type': 'array', 'items': self.any(depth + 1)}

    def map(self, depth):
        return {'type': 'map', 'values': self.any(depth + 1)}

    def record(self, depth):
        name = self.name()
        fields = [{'name': f'f{i}', 'type': self.any(depth + 1)}
                  for i in range(self.rng.randint(0, 6))]
        record = {'type': 'record', 'name': name, 'fields': fields}
        if self.rng.random() < 0.3:
            fields.append({'name': 'again', 'type': ['null', name]})
        self.named.append(record)
        return record

    def any(self, depth):
        if depth > 4 or self.rng.random() < 0.4:
            return self.rng.choice(PRIMITIVES)
        return self.rng.choice([
            self.logical, self.enum, lambda: self.union(depth), lambda: self.array(depth),
            lambda: self.map(depth), lambda: self.record(depth),
            lambda: {'type': 'fixed', 'name': self.name(), 'size': self.rng.randint(0, 20)}])()


class Values:
    """Pairs: what Avro's library encodes, the JSON that we expect of it."""

    def __init__(self, rng, named):
        self.rng = rng
        self.named = {r['name']: r for r in named}
        self.depth = 0

    def int(self, bits):
        small = self.rng.randint(-100, 100)
        edge = self.rng.choice([-2 ** (bits - 1), 2 ** (bits - 1) - 1, 0, -1, 63, 64, -64, -65])
        return self.rng.choice([small, edge, self.rng.randint(-2 ** (bits - 1), 2 ** (bits - 1) - 1)])

    def double(self):
        return self.rng.choice([0.0, 1.5, -0.1, 1e300, 5e-324, math.nan, math.inf, -math.inf,
                                self.rng.uniform(-1e6, 1e6)])

    def decimal(self, schema):
        digits = self.rng.randint(1, schema['precision'])
        unscaled = self.rng.randint(-10 ** digits + 1, 10 ** digits - 1)
        with decimal.localcontext() as context:
            context.prec = 60
            v = decimal.Decimal(unscaled).scaleb(-schema['scale'])
        return v, v

    def logical(self, schema):
        kind = schema['logicalType']
        if kind == 'decimal':
            return self.decimal(schema)
        if kind == 'date':
            d = datetime.date(1, 1, 1) + datetime.timedelta(self.rng.randint(0, 3000000))
            return d, d.isoformat()
        if kind == 'time-millis':
            ms = self.rng.randint(0, DAY * 1000 - 1)
            t = (EPOCH + datetime.timedelta(milliseconds=ms)).time()
            return t, t.isoformat(timespec='milliseconds')
        if kind == 'time-micros':
            us = self.rng.randint(0, DAY * 10 ** 6 - 1)
            t = (EPOCH + datetime.timedelta(microseconds=us)).time()
            return t, t.isoformat(timespec='microseconds')
        if kind.startswith('timestamp'):
            us = self.rng.randint(-9 * 10 ** 15, 9 * 10 ** 15)
            us = us // 1000 * 1000 if kind == 'timestamp-millis' else us
            t = EPOCH + datetime.timedelta(microseconds=us)
            spec = 'milliseconds' if us % 1000 == 0 else 'microseconds'
            return t, t.isoformat(timespec=spec).replace('+00:00', 'Z')
        if kind == 'uuid':
            u = uuid.UUID(int=self.rng.getrandbits(128))
            return str(u), str(u)
        v = self.int(32)
        return v, v

    def primitive(self, schema):
        if schema == 'null':
            return None, None
        if schema == 'boolean':
            v = self.rng.random() < 0.5
            return v, v
        if schema in ('int', 'long'):
            v = self.int(32 if schema == 'int' else 64)
            return v, v
        if schema == 'double':
            v = self.double()
            return v, v
        if schema == 'float':
            v = self.double()
            v = v if abs(v) < 3e38 or math.isinf(v) or math.isnan(v) else 2.5
            v = struct.unpack('<f', struct.pack('<f', v))[0]
            return v, Float32(v)
        if schema == 'bytes':
            v = self.rng.randbytes(self.rng.randint(0, 9))
            return v, base64.b64encode(v).decode()
        v = self.rng.choice(TEXTS)
        return v, v

    def fields(self, schema):
        pairs = {f['name']: self.any(f['type']) for f in schema['fields']}
        return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}

    def any(self, schema):
        if isinstance(schema, str):
            named = self.named.get(schema)
            return self.fields(named) if named else self.primitive(schema)
        if isinstance(schema, list):
            self.depth += 1
            branch = self.rng.choice(schema)
            if self.depth > 6 and 'null' in schema:
                branch = 'null'
            pair = self.any(branch)
            self.depth -= 1
            return pair
        if 'logicalType' in schema:
            return self.logical(schema)
        kind = schema['type']
        if kind == 'record':
            return self.fields(schema)
        if kind == 'enum':
            v = self.rng.choice(schema['symbols'])
            return v, v
        if kind == 'fixed':
            v = self.rng.randbytes(schema['size'])
            return v, base64.b64encode(v).decode()
        if kind == 'array':
            pairs = [self.any(schema['items']) for _ in range(self.rng.randint(0, 4))]
            return [p[0] for p in pairs], [p[1] for p in pairs]
        keys = self.rng.sample(TEXTS, self.rng.randint(0, 4))
        pairs = {k: self.any(schema['values']) for k in keys}
        return {k: v[0] for k, v in pairs.items()}, {k: v[1] for k, v in pairs.items()}


def encode(schema, value):
    out = io.BytesIO()
    avro.io.DatumWriter(schema).write(value, avro.io.BinaryEncoder(out))
    return out.getvalue()


def messages_of(rng, plain):
    """What is read and what must come of it: a value, or the reason it is none."""
    frame = b'\0\0' + struct.pack('>I', rng.randint(1, 10 ** 6))[1:]
    yield frame + plain, parse_json
    if not plain.startswith(b'\0\0') or len(plain) < 5:
        yield plain, parse_json
    yield frame + plain + b'x', 'invalid: bytes_left'
    if plain:
        yield frame + plain[:rng.randrange(len(plain))], 'invalid: not_in_format'


def check_line(schema, expected, want, message, line):
    if isinstance(want, str):
        ok = line == want
    else:
        try:
            ok = same(expected, want(line))
        except ValueError:
            ok = False
    if not ok:
        print(f'schema   {json.dumps(schema)}\nmessage  {message.hex()}\n'
              f'expected {want if isinstance(want, str) else expected}\ngot      {line}')
    return ok


def one_schema(tool, rng, values):
    schemas = Schemas(rng)
    schema = schemas.record(0)
    parsed = avro.schema.parse(json.dumps(schema))
    cases = []
    for _ in range(values):
        value, expected = Values(rng, schemas.named).any(schema)
        cases += [(expected, want, m) for m, want in messages_of(rng, encode(parsed, value))]
    with tempfile.NamedTemporaryFile('w', suffix='.avsc') as f:
        json.dump(schema, f)
        f.flush()
        lines = read_messages(tool, ['avro', f.name], [c[2] for c in cases])
    wrong = sum(not check_line(schema, e, w, m, line) for (e, w, m), line in zip(cases, lines))
    return len(cases), wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tool', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--schemas', type=int, default=200)
    parser.add_argument('--values', type=int, default=20)
    args = parser.parse_args()
    messages = wrong = 0
    for i in range(args.schemas):
        n, bad = one_schema(args.tool, random.Random(args.seed * 1000003 + i), args.values)
        messages += n
        wrong += bad
        if wrong:
            break
    print(f'{messages} messages, {wrong} wrong')
    return 1 if wrong or not messages else 0


if __name__ == '__main__':
    sys.exit(main())
