"""The socket of a service manager: each message on a line of standard output, `\\n` inside as a blank.

notified.py SOCKET    until it is killed
"""
import socket
import sys

listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
while True:
    print(listener.recv(4096).decode().replace("\n", " "), flush=True)
