#!/usr/bin/env python3
"""What tests ask of a broker and librdkafka 2.0 cannot: kadmin.py HOST:PORT < lines

  allow  USER OPERATION RESOURCE NAME     an access rule; NAME ending in * is a prefix
  forbid USER OPERATION RESOURCE NAME     takes that rule away
  password USER MECHANISM PASSWORD        SCRAM-SHA-256 or SCRAM-SHA-512
  forget USER MECHANISM                   that credential is gone
  replicas TOPIC PARTITION N,N,...        the first one is the preferred leader
  elect TOPIC PARTITION                   the preferred leader leads

OPERATION is read, write, create, describe, describeconfigs, idempotentwrite or all; RESOURCE is topic,
group, cluster or transactionalid. Requests of the Kafka protocol over plain text: a Java tool does
the same and takes two seconds per call.
"""
import hashlib
import os
import socket
import struct
import sys

OPERATIONS = {"all": 2, "read": 3, "write": 4, "create": 5, "describe": 8, "describeconfigs": 10,
              "idempotentwrite": 12}
RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactionalid": 5}
MECHANISMS = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
LITERAL, PREFIXED, ALLOW, ITERATIONS = 3, 4, 3, 4096
NOT_NEEDED = 84  # an election whose winner leads already


def text(s):
    b = s.encode()
    return struct.pack(">h", len(b)) + b


def short(n):  # lengths of the newer encoding; all of ours are below 127
    return bytes([n + 1])


def compact(b):
    b = b.encode() if isinstance(b, str) else b
    return short(len(b)) + b


class Answer:
    def __init__(self, data):
        self.data, self.at = data, 0

    def number(self, form):
        value, = struct.unpack_from(">" + form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def text(self):
        n = self.number("h")
        self.at += max(n, 0)
        return self.data[self.at - n:self.at].decode() if n >= 0 else None

    def compact(self):
        n = self.number("B") - 1
        self.at += max(n, 0)
        return self.data[self.at - n:self.at].decode() if n >= 0 else None


class Broker:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=30)

    def take(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise SystemExit("kadmin: the broker closed the connection")
            data += more
        return data

    def ask(self, key, version, body, newer=False):
        head = struct.pack(">hhi", key, version, 1) + text("kadmin") + (b"\0" if newer else b"")
        self.socket.sendall(struct.pack(">i", len(head + body)) + head + body)
        answer = Answer(self.take(struct.unpack(">i", self.take(4))[0]))
        answer.number("i")
        if newer:
            answer.number("B")
        answer.number("i")  # throttled for so long
        return answer


def check(line, code, why):
    if code not in (0, NOT_NEEDED):
        raise SystemExit(f"kadmin: {line.strip()}: error {code} {why or ''}")


def access(broker, line, words, remove):
    user, operation, resource, name = words
    prefix = name.endswith("*")
    rule = struct.pack(">b", RESOURCES[resource]) + text(name.rstrip("*"))
    rule += struct.pack(">b", PREFIXED if prefix else LITERAL) + text("User:" + user) + text("*")
    rule += struct.pack(">bb", OPERATIONS[operation], ALLOW)
    answer = broker.ask(31 if remove else 30, 1, struct.pack(">i", 1) + rule)
    answer.number("i")
    check(line, answer.number("h"), answer.text())
    if remove and answer.number("i") != 1:
        raise SystemExit(f"kadmin: {line.strip()}: no such rule")


def credential(broker, line, words):
    number, digest = MECHANISMS[words[1]]
    who = compact(words[0]) + struct.pack(">b", number)
    if len(words) == 2:
        body = short(1) + who + b"\0" + short(0)
    else:
        salt = os.urandom(16)
        salted = hashlib.pbkdf2_hmac(digest, words[2].encode(), salt, ITERATIONS)
        body = short(0) + short(1) + who + struct.pack(">i", ITERATIONS)
        body += compact(salt) + compact(salted) + b"\0"
    answer = broker.ask(51, 0, body + b"\0", newer=True)
    answer.number("B"), answer.compact()
    check(line, answer.number("h"), answer.compact())


def replicas(broker, line, words):
    nodes = [int(n) for n in words[2].split(",")]
    body = struct.pack(">i", 10000) + short(1) + compact(words[0]) + short(1)
    body += struct.pack(">i", int(words[1])) + short(len(nodes))
    body += b"".join(struct.pack(">i", n) for n in nodes) + b"\0\0\0"
    answer = broker.ask(45, 0, body, newer=True)
    check(line, answer.number("h"), answer.compact())
    answer.number("B"), answer.compact(), answer.number("B"), answer.number("i")
    check(line, answer.number("h"), answer.compact())


def elect(broker, line, words):
    body = struct.pack(">bi", 0, 1) + text(words[0]) + struct.pack(">iii", 1, int(words[1]), 10000)
    answer = broker.ask(43, 1, body)
    check(line, answer.number("h"), None)
    if answer.number("i") > 0:
        answer.text(), answer.number("i"), answer.number("i")
        check(line, answer.number("h"), answer.text())


def main():
    broker = Broker(sys.argv[1])
    for line in sys.stdin:
        command, *words = line.split()
        if command in ("allow", "forbid"):
            access(broker, line, words, command == "forbid")
        elif command in ("password", "forget"):
            credential(broker, line, words)
        elif command == "replicas":
            replicas(broker, line, words)
        elif command == "elect":
            elect(broker, line, words)
        else:
            raise SystemExit(f"kadmin: no command {command}")


main()
