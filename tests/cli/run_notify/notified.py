"""A socket as systemd's: prints what the process tells; it must give signs of life.

notified.py SOCKET COMMAND…    runs the command with NOTIFY_SOCKET, WATCHDOG_USEC and -PID
"""
import os
import socket
import subprocess
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
listener.bind("\0" + name[1:] if name[0] == "@" else name)
listener.settimeout(20)
environment = {**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "300000"}
child = subprocess.Popen(["bash", "-c", 'export WATCHDOG_PID=$$; exec "$@"', "bash", *sys.argv[2:]],
                         env=environment, stdin=subprocess.PIPE)


def next_state():
    """The next message that is no sign of life; their number is kept."""
    global signs
    while True:
        lines = listener.recv(4096).decode().split("\n")
        if lines == ["WATCHDOG=1"]:
            signs += 1
        elif len(lines) > 1 or not lines[0].startswith(("STATUS=", "EXTEND_TIMEOUT_USEC=")):
            return [line for line in lines if not line.startswith("MONOTONIC_USEC=")]


signs = 0
print(next_state())
while signs < 5:
    signs += listener.recv(4096) == b"WATCHDOG=1"
child.send_signal(1)
print(next_state())
print(next_state())
child.terminate()
print(next_state())
print("exit", child.wait())
