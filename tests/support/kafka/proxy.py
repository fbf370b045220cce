#!/usr/bin/env python3
"""A network that can be cut: proxy.py CONTROL_PORT NODE:LISTEN:TARGET ...

Forwards loopback connections byte for byte, so TLS and SASL pass as they are. Lines on the control
port, each answered with "ok": COMMAND NODE [CLIENT]
  cut     nothing passes any more in either direction; connections stay, new ones are taken and silent
  mute    requests pass, answers do not: what is asked for happens, and nobody learns of it
  refuse  connections are reset, new ones too
  drop    connections are reset once
  mend    everything passes again, what was held back first
With CLIENT cut, mute and mend are for connections alone whose first request has this client.id (not over
TLS).
"""
import asyncio
import collections
import struct
import sys

MODES = {"cut": (False, False), "mute": (True, False), "refuse": (True, True), "mend": (True, True)}
MOST_BYTES = 1 << 20  # of a first request


class Gates:
    def __init__(self):
        self.requests = asyncio.Event()
        self.answers = asyncio.Event()
        self.set_mode("mend")

    def set_mode(self, mode):
        for gate, is_open in zip((self.requests, self.answers), MODES[mode]):
            if is_open:
                gate.set()
            else:
                gate.clear()


class Node:
    def __init__(self):
        self.gates = Gates()
        self.clients = collections.defaultdict(Gates)
        self.refused = False
        self.writers = set()

    def set_mode(self, mode, client):
        if client:
            self.clients[client].set_mode(mode)
        else:
            self.gates.set_mode(mode)
            self.refused = mode == "refuse"

    def drop(self):
        for writer in list(self.writers):
            writer.transport.abort()


async def first_bytes(reader):
    """The beginning of a connection, and the client.id in it: size, key, version, number, then the name."""
    data = await reader.readexactly(14)
    size, _, _, _, n = struct.unpack(">ihhih", data)
    if not 0 < size < MOST_BYTES or not 0 < n < size:
        return data, None
    name = await reader.readexactly(n)
    return data + name, name.decode(errors="replace")


async def pump(reader, writer, gates):
    """What was read before a cut is held back like what comes after it."""
    try:
        while data := await reader.read(65536):
            for gate in gates:
                await gate.wait()
            writer.write(data)
            await writer.drain()
        for gate in gates:
            await gate.wait()
        writer.close()
    except OSError:
        writer.transport.abort()


async def forward(node, target, reader, writer):
    if node.refused:
        writer.transport.abort()
        return
    node.writers.add(writer)
    try:
        await node.gates.requests.wait()
        begin, name = await first_bytes(reader)
        client = node.clients[name]
        await client.requests.wait()
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target)
    except (OSError, asyncio.IncompleteReadError):
        node.writers.discard(writer)
        writer.transport.abort()
        return
    node.writers.add(up_writer)
    up_writer.write(begin)
    await asyncio.gather(pump(reader, up_writer, (node.gates.requests, client.requests)),
                         pump(up_reader, writer, (node.gates.answers, client.answers)))
    node.writers -= {writer, up_writer}


async def control(nodes, reader, writer):
    while line := (await reader.readline()).decode().split():
        command, node = line[0], nodes[line[1]]
        if command in MODES:
            node.set_mode(command, line[2] if len(line) > 2 else None)
        if command in ("refuse", "drop"):
            node.drop()
        writer.write(b"ok\n")
    writer.close()


async def main():
    nodes = {}
    for route in sys.argv[2:]:
        name, listen, target = route.split(":")
        node = nodes.setdefault(name, Node())
        await asyncio.start_server(
            lambda r, w, node=node, target=int(target): forward(node, target, r, w),
            "127.0.0.1", int(listen))
    await asyncio.start_server(lambda r, w: control(nodes, r, w), "127.0.0.1", int(sys.argv[1]))
    await asyncio.Event().wait()


asyncio.run(main())
