#!/usr/bin/env python3
"""logins.py N: logins (three of five records) and payments of about 200 bytes on standard output, as
topic w1 of bench/queries; the same for the same N. 5,000 users, some much busier than others, 20
records a second of event time."""
import sys

MASK = (1 << 64) - 1
COUNTRIES = ("DE", "FR", "IT", "PL", "ES", "NL")


def main():
    x = 20261121
    for i in range(int(sys.argv[1])):
        x = (x * 6364136223846793005 + 1442695040888963407) & MASK
        r = x >> 33
        user = (r % 5000) * (r // 5000 % 5000) // 5000
        t = i // 20
        begin = (f'{{"at":"2026-01-{5 + t // 86400:02}T{t // 3600 % 24:02}:{t // 60 % 60:02}:{t % 60:02}'
                 f'.{i % 20 * 50:03}Z","type":"{"login" if i % 5 < 3 else "payment"}",'
                 f'"user":"u{user:010}","ip":"10.{r % 251}.{r // 7 % 251}.{r // 11 % 251}",')
        country = COUNTRIES[(user + (r % 13 == 0) * r) % 6]
        device = f'"device":"d{user % 997:08x}"' if r % 4 else f'"device":"d{r % 65536:08x}"'
        if i % 5 < 3:
            rest = (f'"result":"{"failure" if r % 10 < 4 else "success"}","country":"{country}",{device},'
                    f'"agent":"Mozilla/5.0 (X11; Linux x86_64)","session":"{r:012x}"}}\n')
        else:
            rest = (f'"country":"{country}",{device},"amount":{r % 400}.{r // 3 % 100:02},'
                    f'"card":"c{user:012}","status":"{("pending", "approved", "approved", "declined")[r % 4]}",'
                    f'"merchant":"m{r % 30000:06}"}}\n')
        sys.stdout.write(begin + rest)


main()
