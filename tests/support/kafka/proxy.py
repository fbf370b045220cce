#!/usr/bin/env python3
"""A network that can be cut: proxy.py CONTROL_PORT NODE:LISTEN:TARGET ...

Forwards loopback connections byte for byte, so TLS and SASL pass as they are. Lines on the control
port, each answered with "ok": COMMAND NODE
  cut     nothing passes any more in either direction; connections stay, new ones are taken and silent
  mute    requests pass, answers do not: what is asked for happens, and nobody learns of it
  refuse  connections are reset, new ones too
  drop    connections are reset once
  mend    everything passes again, what was held back first
"""
import asyncio
import sys

MODES = {"cut": (False, False), "mute": (True, False), "refuse": (True, True), "mend": (True, True)}


class Node:
    def __init__(self):
        self.requests = asyncio.Event()
        self.answers = asyncio.Event()
        self.refused = False
        self.writers = set()
        self.set_mode("mend")

    def set_mode(self, mode):
        for gate, is_open in zip((self.requests, self.answers), MODES[mode]):
            if is_open:
                gate.set()
            else:
                gate.clear()
        self.refused = mode == "refuse"

    def drop(self):
        for writer in list(self.writers):
            writer.transport.abort()


async def pump(reader, writer, gate):
    """What was read before a cut is held back like what comes after it."""
    try:
        while data := await reader.read(65536):
            await gate.wait()
            writer.write(data)
            await writer.drain()
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
        await node.requests.wait()
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", target)
    except OSError:
        node.writers.discard(writer)
        writer.transport.abort()
        return
    node.writers.add(up_writer)
    await asyncio.gather(pump(reader, up_writer, node.requests),
                         pump(up_reader, writer, node.answers))
    node.writers -= {writer, up_writer}


async def control(nodes, reader, writer):
    while line := (await reader.readline()).decode().split():
        command, node = line[0], nodes[line[1]]
        if command in MODES:
            node.set_mode(command)
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
