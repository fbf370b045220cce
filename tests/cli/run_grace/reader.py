"""Opens a pipe, reads nothing, and makes the file `full` once nothing more fits in.

reader.py PIPE    until it is killed
"""
import array
import fcntl
import os
import sys
import termios
import time

pipe = os.open(sys.argv[1], os.O_RDONLY)
size = fcntl.fcntl(pipe, 1032)  # F_GETPIPE_SZ
waiting, before, stable = array.array("i", [0]), 0, 0
while stable < 20:  # pages are left half empty, so full is when nothing more comes
    time.sleep(0.02)
    before = waiting[0]
    fcntl.ioctl(pipe, termios.FIONREAD, waiting)
    stable = stable + 1 if before == waiting[0] > size / 2 else 0
open("full", "w").close()
time.sleep(60)
