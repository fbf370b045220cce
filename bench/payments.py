#!/usr/bin/env python3
"""payments.py N: payments of 202 bytes on standard output, the same for the same N. 100,000 cards,
500 payments a second of event time."""
import sys

MASK = (1 << 64) - 1


def main():
    x = 12345
    for i in range(int(sys.argv[1])):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        r, t = x >> 33, i // 500
        sys.stdout.write(
            f'{{"card":"c{r % 100000:06}",'
            f'"at":"2026-01-{1 + t // 86400:02}T{t // 3600 % 24:02}:{t // 60 % 60:02}:{t % 60:02}'
            f'.{i % 500 * 2:03}Z","user":"u{r % 100000:06}",'
            f'"amount":{(r >> 7) % 400}.{(r >> 3) % 100:02},"currency":"EUR",'
            f'"status":"{"declined" if r % 31 == 0 else "approved"}",'
            f'"merchant.name":"shop {(r >> 5) % 30000:05}",'
            f'"merchant.country":"{("DE", "FR", "IT", "PL")[(r >> 11) % 4]}",'
            f'"merchant.category":"grocery"}}\n')


main()
