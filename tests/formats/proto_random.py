"""Random descriptors and messages: what protoc's Python library encodes, our reader shows as the JSON
that docs/formats.md promises. Framed and bare, in pieces that must be merged, with fields nobody knows,
cut anywhere: what the library does not read is no message for us either."""

import argparse
import base64
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import warnings

from common import SKIPPED, Float32, need, parse_json, read_messages, same

need('google.protobuf.message_factory', 'python3-protobuf')

from google.protobuf import (descriptor_pb2, descriptor_pool, duration_pb2, message,  # noqa: E402
                             message_factory, timestamp_pb2, wrappers_pb2)

TEXTS = ['', 'a', 'bob', 'ä', '日本', '𝄞', 'a"b\\c', 'line\nend', '\x00\x1f', 'x' * 70]
INTS = {'int32': (32, True), 'sint32': (32, True), 'sfixed32': (32, True), 'uint32': (32, False),
        'fixed32': (32, False), 'int64': (64, True), 'sint64': (64, True), 'sfixed64': (64, True),
        'uint64': (64, False), 'fixed64': (64, False)}
SCALARS = [*INTS, 'float', 'double', 'bool', 'string', 'bytes']
KNOWN = ['Timestamp', 'Duration', 'StringValue', 'BoolValue', 'Int64Value', 'UInt64Value', 'DoubleValue',
         'FloatValue', 'BytesValue', 'Int32Value', 'UInt32Value']
HEAD = ''.join(f'import "google/protobuf/{f}.proto";\n' for f in ('timestamp', 'duration', 'wrappers'))


class Proto:
    """A file in proto2 or proto3 with messages M0, M1, …; each may name those before it and itself."""

    def __init__(self, rng):
        self.rng = rng
        self.three = rng.random() < 0.6
        self.names = []
        self.text = f'syntax = "proto{3 if self.three else 2}";\npackage t;\n{HEAD}'
        self.text += 'enum E { E0 = 0; E1 = 1; E7 = 7; N = -1; }\n'
        for i in range(rng.randint(1, 4)):
            self.message(f'M{i}')

    def type(self):
        pick = self.rng.random()
        if pick < 0.55:
            return self.rng.choice(SCALARS)
        if pick < 0.65:
            return 'E'
        if pick < 0.8:
            return 'google.protobuf.' + self.rng.choice(KNOWN)
        return self.rng.choice(self.names)

    def message(self, name):
        self.names.append(name)
        lines, number = [], 0
        for i in range(self.rng.randint(0, 8)):
            number += self.rng.choice([1, 1, 1, 2, 15, 3000])
            kind = self.rng.random()
            if kind < 0.25:
                scalar = self.type()
                packed = ''
                if scalar in [*INTS, 'float', 'double', 'bool', 'E'] and self.rng.random() < 0.5:
                    packed = f' [packed = {self.rng.choice(["true", "false"])}]'
                lines.append(f'repeated {scalar} f{i} = {number}{packed};')
            elif kind < 0.4:
                key = self.rng.choice([*INTS, 'bool', 'string'])
                value = self.type()
                if value == 'E' and not self.three:
                    # With a number that proto2's enum does not have the entry is unknown as a whole;
                    # the library under test makes a default value of it when it reads by descriptors.
                    value = 'bool'
                lines.append(f'map<{key}, {value}> f{i} = {number};')
            elif kind < 0.55:
                parts = [f'{self.type()} f{i}_{k} = {number + k};' for k in range(3)]
                number += 2
                lines.append(f'oneof o{i} {{ {" ".join(parts)} }}')
            else:
                label = 'optional ' if not self.three or self.rng.random() < 0.4 else ''
                lines.append(f'{label}{self.type()} f{i} = {number};')
        self.text += f'message {name} {{\n  ' + '\n  '.join(lines) + '\n}\n'


def compile_proto(text, folder):
    with open(os.path.join(folder, 't.proto'), 'w', encoding='utf-8') as f:
        f.write(text)
    out = os.path.join(folder, 't.desc')
    imported = descriptor_pb2.FileDescriptorSet()
    for module in (timestamp_pb2, duration_pb2, wrappers_pb2):
        module.DESCRIPTOR.CopyToProto(imported.file.add())
    with open(os.path.join(folder, 'known.desc'), 'wb') as f:
        f.write(imported.SerializeToString())
    subprocess.run(['protoc', f'--proto_path={folder}', f'--descriptor_set_in={folder}/known.desc',
                    '--include_imports', f'--descriptor_set_out={out}', 't.proto'], check=True)
    files = descriptor_pb2.FileDescriptorSet()
    with open(out, 'rb') as f:
        files.ParseFromString(f.read())
    pool = descriptor_pool.DescriptorPool()
    for one in files.file:
        pool.Add(one)
    return out, pool


def class_of(pool, name):
    found = pool.FindMessageTypeByName(name)
    if hasattr(message_factory, 'GetMessageClass'):
        return message_factory.GetMessageClass(found)
    return message_factory.MessageFactory(pool).GetPrototype(found)


def is_map(f):
    return f.message_type is not None and f.message_type.GetOptions().map_entry


class Filler:
    def __init__(self, rng):
        self.rng = rng

    def scalar(self, f):
        kind = f.type
        names = {v: k[5:].lower() for k, v in f.__class__.__dict__.items() if k.startswith('TYPE_')}
        name = names[kind]
        if name in INTS:
            bits, signed = INTS[name]
            low, high = (-2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2 ** bits - 1)
            return self.rng.choice([0, low, high, self.rng.randint(low, high),
                                    self.rng.randint(max(low, -99), 99)])
        if name == 'bool':
            return self.rng.random() < 0.5
        if name == 'enum':
            return self.rng.choice([0, 1, 7, -1] + ([99] if f.containing_type.file.syntax == 'proto3'
                                                   else []))
        if name == 'string':
            return self.rng.choice(TEXTS)
        if name == 'bytes':
            return self.rng.randbytes(self.rng.randint(0, 7))
        v = self.rng.choice([0.0, 1.5, -0.1, float('nan'), float('inf'), float('-inf'),
                             self.rng.uniform(-1e6, 1e6)])
        return struct.unpack('<f', struct.pack('<f', v))[0] if name == 'float' else v

    def fill(self, m, depth=0):
        full = m.DESCRIPTOR.full_name
        if full == 'google.protobuf.Timestamp' or full == 'google.protobuf.Duration':
            m.seconds = self.rng.randint(-9 * 10 ** 9 if full.endswith('p') else 0, 9 * 10 ** 9)
            m.nanos = self.rng.choice([0, 5, 120000000, 7000, 999999999])
            return m
        for f in m.DESCRIPTOR.fields:
            if self.rng.random() < 0.4 or depth > 3:
                continue
            if is_map(f):
                self.fill_map(m, f, depth)
            elif f.label == f.LABEL_REPEATED:
                for _ in range(self.rng.randint(0, 3)):
                    if f.message_type:
                        self.fill(getattr(m, f.name).add(), depth + 1)
                    else:
                        getattr(m, f.name).append(self.scalar(f))
            elif f.message_type:
                getattr(m, f.name).SetInParent()
                self.fill(getattr(m, f.name), depth + 1)
            else:
                setattr(m, f.name, self.scalar(f))
        return m

    def fill_map(self, m, f, depth):
        key, value = f.message_type.fields
        for _ in range(self.rng.randint(0, 3)):
            k = self.scalar(key)
            if value.message_type:
                self.fill(getattr(m, f.name)[k], depth + 1)
            else:
                getattr(m, f.name)[k] = self.scalar(value)


def scalar_json(f, v):
    if f.enum_type:
        known = f.enum_type.values_by_number.get(v)
        return known.name if known else v
    if f.type == f.TYPE_BYTES:
        return base64.b64encode(v).decode()
    return Float32(v) if f.type == f.TYPE_FLOAT else v


def key_text(k):
    return str(k).lower() if isinstance(k, bool) else str(k)


def duration_text(ns):
    out = ''
    for name, unit in (('d', 86400 * 10 ** 9), ('h', 3600 * 10 ** 9), ('m', 60 * 10 ** 9), ('s', 10 ** 9),
                       ('ms', 10 ** 6), ('us', 1000), ('ns', 1)):
        out += f'{ns // unit}{name}' if ns // unit else ''
        ns %= unit
    return out or '0s'


def time_text(seconds, nanos):
    import datetime
    t = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    digits = 3 if nanos % 10 ** 6 == 0 else 6 if nanos % 1000 == 0 else 9
    return f'{t.isoformat()}.{f"{nanos:09}"[:digits]}Z'


def known_time(m):
    """Outside of 64 bits of nanoseconds the seconds alone."""
    length = m.DESCRIPTOR.name == 'Duration'
    ns = m.seconds * 10 ** 9 + m.nanos
    if not 0 <= m.nanos < 10 ** 9 or (length and m.seconds < 0) or not -2 ** 63 < ns < 2 ** 63 - 1:
        return m.seconds
    return duration_text(ns) if length else time_text(m.seconds, m.nanos)


def message_json(m):
    full = m.DESCRIPTOR.full_name
    if full in ('google.protobuf.Timestamp', 'google.protobuf.Duration'):
        return known_time(m)
    if full.startswith('google.protobuf.'):
        return scalar_json(m.DESCRIPTOR.fields[0], m.value)
    out = {}
    for f in m.DESCRIPTOR.fields:
        v = getattr(m, f.name)
        if is_map(f):
            item = f.message_type.fields[1]
            out[f.name] = {key_text(k): message_json(v[k]) if item.message_type
                           else scalar_json(item, v[k]) for k in v}
        elif f.label == f.LABEL_REPEATED:
            out[f.name] = [message_json(x) if f.message_type else scalar_json(f, x) for x in v]
        elif f.message_type:
            if m.HasField(f.name):
                out[f.name] = message_json(v)
        elif not f.has_presence or m.HasField(f.name):
            out[f.name] = scalar_json(f, v)
    return out


def variants(rng, filler, cls, place):
    plain = filler.fill(cls()).SerializeToString()
    more = filler.fill(cls()).SerializeToString()
    frame = b'\0' + struct.pack('>I', rng.randint(0, 2 ** 32 - 1))
    unknown = rng.choice([b'\xf8\xff\xff\xff\x0f\x01', b'\xfa\xff\xff\xff\x0f\x02hi',
                          b'\xfb\xff\xff\xff\x0f\x08\x01\xfc\xff\xff\xff\x0f',
                          b'\xfd\xff\xff\xff\x0f1234', b'\xf9\xff\xff\xff\x0f12345678'])
    index = bytes([2, 2 * place]) if place else b'\0'
    yield plain, b''
    yield plain + more, b''
    yield plain + unknown, b''
    yield unknown + more, frame + index
    yield plain, frame + bytes([2, 2 * place])
    if plain:
        yield plain[:rng.randrange(len(plain))], b''
        broken = bytearray(plain)
        broken[rng.randrange(len(broken))] = rng.randrange(256)
        yield bytes(broken), b''


def expected_of(cls, raw):
    """None: no message. Of a group that ends without a beginning the library only warns."""
    m = cls()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter('always')
            m.ParseFromString(raw)
        return None if warned else message_json(m)
    except (message.DecodeError, UnicodeDecodeError, OverflowError, ValueError):
        return None


def judge(cls, raw, line):
    expected = expected_of(cls, raw)
    if expected is None or line.startswith('invalid'):
        # What proto2's library takes for text need not be UTF-8, and times of damaged messages may
        # be none.
        return expected is None or 'bad_utf8' in line
    return same(expected, parse_json(line))


def one_file(tool, rng, values):
    proto = Proto(rng)
    cases = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        out, pool = compile_proto(proto.text, folder)
        for place, name in enumerate(proto.names):
            cls = class_of(pool, f't.{name}')
            filler = Filler(rng)
            messages = [v for _ in range(values) for v in variants(rng, filler, cls, place)]
            messages = [(raw, frame) for raw, frame in messages if frame or raw[:1] != b'\0']
            lines = read_messages(tool, ['protobuf', out, f't.{name}'], [f + r for r, f in messages])
            for (raw, frame), line in zip(messages, lines):
                cases += 1
                if not judge(cls, raw, line):
                    wrong += 1
                    if wrong < 3:
                        print(f'{proto.text}\nmessage  {name} {(frame + raw).hex()}\n'
                              f'expected {expected_of(cls, raw)}\ngot      {line}')
    return cases, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--tool', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--files', type=int, default=60)
    parser.add_argument('--values', type=int, default=20)
    args = parser.parse_args()
    if not shutil.which('protoc'):
        print('SKIPPED: there is no protoc (Debian: protobuf-compiler)')
        return SKIPPED
    cases = wrong = 0
    for i in range(args.files):
        n, bad = one_file(args.tool, random.Random(args.seed * 1000003 + i), args.values)
        cases += n
        wrong += bad
        if wrong:
            break
    print(f'{cases} messages, {wrong} wrong')
    return 1 if wrong or not cases else 0


if __name__ == '__main__':
    sys.exit(main())
