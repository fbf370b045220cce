#!/usr/bin/env python3
"""Carries out the examples of all functions and aggregates: each gives a value.

  functions.py FYKE
"""
import json
import os
import re
import subprocess
import sys
import tempfile

FIELDS = {
    "user": ("string", "ann"), "country": ("string", "NL"), "name": ("string", " ann "),
    "command": ("string", "cmd.exe"), "iban": ("string", "NL91ABNA"), "first_name": ("string", "Ann"),
    "last_name": ("string", "Lee"), "email": ("string", "ann@example.com"), "amount": ("decimal", 12.5),
    "usual": ("decimal", 10), "bytes": ("float", 5e8), "variance": ("decimal", 2), "ip": ("ip", "10.0.0.1"),
    "nickname": ("string optional", None), "device": ("string", "d1"), "flag": ("string", "true"),
    "port": ("string", "8080"), "amount_text": ("string", "12.50"),
    "expires": ("string", "2026-03-01T12:00:00Z"), "ttl": ("string", "5m"), "client": ("string", "10.0.0.1"),
    "net": ("string", "10.0.0.0/8"), "lat": ("float", 52.4), "lon": ("float", 4.9),
    "place": ("geo", {"lat": 52.4, "lon": 4.9}),
}


def rules(examples):
    fields = "\n".join(f"  {name} : {kind}" for name, (kind, _) in FIELDS.items())
    lines = ["language 1", 'event X from topic "x" {', "  at : timestamp event time", fields, "}"]
    for i, example in enumerate(examples):
        repeated = re.match(r"\w+\((fail|f|p|b)\b[.) ]", example)
        if example.startswith("set("):  # of profiles only
            lines.append(f"profile p{i} for each device from X {{ value = {example} over 1 day }}")
            when, value = "X as e", f"p{i}.value"
        elif example.startswith(("distance_km(a", "speed_kmh(a")):
            when, value = "X as a then X as b", example
        elif repeated:
            when, value = f"3 X as {repeated[1]}", example
        else:
            lines += [f"event E{i} from topic \"x\" {{", "  at : timestamp event time", fields,
                      f"  value : string = string({example})", "}"]
            when, value = f"E{i} as e", "e.value"
        lines += [f"rule example_{i} {{", f"  for each device within 1 hour when {when}", f"  emit alert {{ value = {value} }}",
                  "}"]
    return "\n".join(lines) + "\n"


def event(second):
    values = {name: value for name, (_, value) in FIELDS.items() if value is not None}
    return json.dumps({**values, "at": f"2026-01-31T12:00:0{second}Z"}) + "\n"


def main():
    fyke = os.path.realpath(sys.argv[1])
    listed = subprocess.run([fyke, "list", "functions", "--format", "json"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    # rows without an example (geoip) need a file beside the rules
    rows = [json.loads(line) for line in listed.splitlines()]
    examples = sorted({row["example"] for row in rows if "example" in row})
    with tempfile.TemporaryDirectory() as folder:
        path, data = os.path.join(folder, "f.rules"), os.path.join(folder, "x.jsonl")
        with open(path, "w", encoding="utf-8") as file:
            file.write(rules(examples))
        with open(data, "w", encoding="utf-8") as file:
            file.writelines(event(second) for second in range(4))
        ran = subprocess.run([fyke, "run", "-r", path, "-i", data, "--input-format", "payload", "--watermark-end=flush"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if ran.returncode != 0:
            sys.exit(ran.stdout + ran.stderr)
    given = {}
    for line in ran.stdout.splitlines():
        alert = json.loads(line)
        if alert.get("emit", {}).get("value") is not None:
            given[alert["rule"]] = alert["emit"]["value"]
    lacking = [example for i, example in enumerate(examples) if f"example_{i}" not in given]
    print(f"{len(examples)} examples carried out")
    if lacking or len(examples) < 40:
        sys.exit("no value: " + "; ".join(lacking))


if __name__ == "__main__":
    main()
