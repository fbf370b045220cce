"""Writes a small MaxMind file: mmdb.py OUT < lines of {"net": "10.0.0.0/8", field: value, …}.

The format is https://maxmind.github.io/MaxMind-DB/: a binary trie over address bits (24-bit records,
IPv4 as ::/96), a data section, metadata. Later, longer networks override earlier ones.
"""
import ipaddress
import json
import struct
import sys


def control(kind, size):
    extended = b""
    if kind > 7:
        extended, kind = bytes([kind - 7]), 0
    if size < 29:
        return bytes([kind << 5 | size]) + extended
    return bytes([kind << 5 | 29]) + extended + bytes([size - 29])


def number(kind, value):
    raw = value.to_bytes(8, "big").lstrip(b"\0")
    return control(kind, len(raw)) + raw


def encode(value):
    if isinstance(value, dict):
        parts = [encode(k) + encode(v) for k, v in value.items()]
        return control(7, len(parts)) + b"".join(parts)
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, float):
        return control(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        return number(6, value)
    raw = value.encode()
    return control(2, len(raw)) + raw


def bits_of(net):
    bits = format(int(net.network_address), "0%db" % net.max_prefixlen)[: net.prefixlen]
    return "0" * 96 + bits if net.version == 4 else bits


class Tree:
    def __init__(self):
        self.nodes = [[None, None]]  # None: nothing; int: node; bytes: data

    def child(self, node, bit):
        entry = self.nodes[node][bit]
        if not isinstance(entry, int):
            self.nodes.append([entry, entry])
            entry = self.nodes[node][bit] = len(self.nodes) - 1
        return entry

    def insert(self, bits, data):
        node = 0
        for bit in bits[:-1]:
            node = self.child(node, int(bit))
        self.nodes[node][int(bits[-1])] = data


def main():
    tree, data = Tree(), b""
    offsets = {}
    for line in sys.stdin:
        fields = json.loads(line)
        net = ipaddress.ip_network(fields.pop("net"))
        raw = encode(fields)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        tree.insert(bits_of(net), raw)
    n = len(tree.nodes)
    out = b""
    for node in tree.nodes:
        for entry in node:
            value = n if entry is None else entry if isinstance(entry, int) else n + 16 + offsets[entry]
            out += value.to_bytes(3, "big")
    meta = control(7, 9)
    for key, kind, value in (("node_count", 6, n), ("record_size", 5, 24), ("ip_version", 5, 6),
                             ("binary_format_major_version", 5, 2),
                             ("binary_format_minor_version", 5, 0), ("build_epoch", 9, 1767225600)):
        meta += encode(key) + number(kind, value)
    meta += encode("database_type") + encode("Test")
    meta += encode("languages") + encode(["en"])
    meta += encode("description") + encode({"en": "for tests"})
    with open(sys.argv[1], "wb") as f:
        f.write(out + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + meta)


main()
