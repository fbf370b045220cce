#!/usr/bin/env python3
"""Runs the rules of tests/conformance/data over event streams with independently computed answers
and compares what `fyke run` reports, evidence by evidence.

  run_data.py --fyke BINARY [--data DIR] [--only TEXT] [--scattered|--resumed] [--markdown] [-v]

A rule's name says which answer it must give: `incl_start__count` is the answer `incl_start` in
other words. Equal means: the same multiset of (key, evidence in the order of the events); for
absences the deadlines and what is pending at the end as well.

With --scattered the logs are dealt out to several partitions by the query's key and leave their
order by up to a minute, with rules that allow for it: the answers must stay the same. With
--resumed they are read in several runs that continue from each other's state.
Exit: 0, 1 when something differs, 77 when the data is not there.
"""
import argparse
import collections
import datetime
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
RULES = HERE / "data"
SKIPPED = 77
RUN_SECONDS = 240

LOGS = {  # set: topic, field of the event time
    "auth-elastic": ("auth", "ts"),
    "cards-sparkov": ("cards", "ts"),
    "win-aptsim": ("win", "@timestamp"),
}
PARTITIONS = 5
DISORDER_S = 60
STOPS = (0.2, 0.5, 0.500001, 0.8, 1)  # of the lines of a log, for --resumed
SEQUENCE_ANSWERS = {
    "incl_start": ("inclusive", "one_match_per_start"),
    "incl_past": ("inclusive", "skip_past_last"),
    "excl_start": ("exclusive", "one_match_per_start"),
    "excl_past": ("exclusive", "skip_past_last"),
}
ABSENCE_ANSWERS = {
    "deadline_counts": "cancel_at_deadline_counts",
    "deadline_too_late": "cancel_at_deadline_too_late",
}
SYN1_PATTERNS = {"abc": "a b c", "ab": "a b", "aab": "a a b"}
SYN1_ANSWERS = {"any": "skip_till_any", "next": "skip_till_next_one_per_start"}
RUN_COUNTS = {
    "run_any_b": "no a skipped inside the run, any later b",
    "run_next_b": "no a skipped inside the run, next b only",
    "longest_per_start": "one per start, longest run up to the next b",
    "strict_every_start": "strict contiguity, every start",
    "strict_past_last": "strict contiguity, skip past last (longest from leftmost)",
}
RUN_LISTS = {
    "run_next_b": "next_b_only_matches",
    "longest_per_start": "longest_matches",
    "strict_every_start": "strict_matches",
}
ANY_COUNT = "skip_till_any (every non-empty subset of the earlier a, every later b)"
MAX_MATCHES = 20000  # more at one point are tested for being cut off only


class Refused(Exception):
    """`fyke run` did not run: the text says why."""


def run(fyke, rules, topic, paths, *flags):
    """Alerts by rule, in the order of the output. Several paths are partitions 0, 1, ..."""
    paths = paths if isinstance(paths, list) else [paths]
    inputs = [x for p in paths for x in ("-i", f"{topic}={p}")]
    cmd = [str(fyke), "run", "-r", str(rules), *inputs, *flags]
    p = subprocess.run(cmd, capture_output=True, text=True, timeout=RUN_SECONDS, check=False)
    if p.returncode != 0:
        lines = [x for x in p.stderr.splitlines() if x.strip()]
        raise Refused(f"exit {p.returncode}: " + " / ".join(lines[:4]))
    alerts = collections.defaultdict(list)
    for line in p.stdout.splitlines():
        a = json.loads(line)
        alerts[a["rule"]].append(a)
    return alerts


def offsets(alert):
    return tuple(e["offset"] for e in alert["evidence"])


def key_text(alert):
    return ":".join(str(v) for v in alert["key"].values())


def at_ms(alert):
    t = datetime.datetime.fromisoformat(alert["detected"].replace("Z", "+00:00"))
    return round(t.timestamp() * 1000)


def rule_names(path):
    return [x.split()[1] for x in path.read_text().splitlines() if x.startswith("rule ")]


def difference(want, got):
    """None when the multisets are equal, else in words."""
    want, got = collections.Counter(want), collections.Counter(got)
    if want == got:
        return None
    lost, more = sorted((want - got).elements()), sorted((got - want).elements())
    text = f"{len(lost)} missing, {len(more)} too many"
    if lost:
        text += f"; first missing {lost[0]}"
    if more:
        text += f"; first too many {more[0]}"
    return text


class Table:
    def __init__(self, verbose):
        self.verbose = verbose
        self.rows = {}  # (set, query, answer) -> [wanted, forms, equal, [why]]

    def add(self, where, query, answer, form, wanted, why):
        row = self.rows.setdefault((where, query, answer), [wanted, 0, 0, []])
        row[1] += 1
        row[2] += why is None
        if why is not None:
            row[3].append(f"{form}: {why}" if form else why)
        if self.verbose:
            print(f"{where} {query} {answer} {form or '-'}: {why or 'equal'}", flush=True)

    def text(self, markdown):
        out = []
        if markdown:
            out += ["| set | query | answer | matches | forms | result |",
                    "|---|---|---|---|---|---|"]
        for (where, query, answer), (wanted, forms, equal, why) in self.rows.items():
            result = "equal" if forms == equal else "differs: " + " ; ".join(why)
            cells = [where, query, answer, str(wanted), f"{equal}/{forms}", result]
            out.append("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells))
        return "\n".join(out)

    def good(self):
        return all(r[1] == r[2] for r in self.rows.values())


# ---- logs: sequences and absences -----------------------------------------------------------


def compare_sequence(query, answer, form, alerts):
    wants = query[SEQUENCE_ANSWERS[answer][0]][SEQUENCE_ANSWERS[answer][1]]["matches"]
    want = [(m["key"], tuple(m["seq"])) for m in wants]
    got = [(key_text(a), offsets(a)) for a in alerts if a["kind"] == "match"]
    return len(want), difference(want, got)


def compare_absence(query, answer, form, alerts):
    wants = query[ABSENCE_ANSWERS[answer]]
    # One millisecond less stands for the exclusive deadline: it falls so much earlier.
    less = 1 if answer == "deadline_too_late" else 0
    with_key = form != "key"
    want = [("match", m["key"] if with_key else "", tuple(m["seq"]), m["deadline_ms"] - less)
            for m in wants["matches"]]
    want += [("pending", m["key"] if with_key else "", tuple(m["seq"]), 0)
             for m in wants["pending_at_end_of_stream"]]
    got = [(a["kind"], key_text(a) if with_key else "", offsets(a),
            at_ms(a) if a["kind"] == "match" else 0) for a in alerts]
    return len(want), difference(want, got)


def lines_of(source):
    return subprocess.run(["zstd", "-dc", str(source)], capture_output=True,
                          check=True).stdout.splitlines()


def scatter(tmp, source, query, clock):
    """The lines of a log in several partitions by the query's key, out of their order by less than
    DISORDER_S. All lines of one time move together: ties keep their order.
    Gives the paths and {(partition, offset): line of the log}."""
    fields = query["key"].split("+")
    parts = [[] for _ in range(PARTITIONS)]
    for seq, line in enumerate(lines_of(source)):
        event = json.loads(line)
        key = json.dumps([event.get(f) for f in fields])
        t = datetime.datetime.fromisoformat(event[clock].replace("Z", "+00:00")).timestamp()
        late = zlib.crc32(event[clock].encode()) % (DISORDER_S * 1000) / 1000
        parts[zlib.crc32(key.encode()) % PARTITIONS].append((t + late, t, seq, line))
    paths, lines = [], {}
    for p, part in enumerate(parts):
        part.sort(key=lambda x: x[:3])
        path = tmp / f"{p}.jsonl"
        path.write_bytes(b"".join(x[3] + b"\n" for x in part))
        paths.append(path)
        lines.update({(p, offset): x[2] for offset, x in enumerate(part)})
    last = max(x[1] for part in parts for x in part)
    return paths, lines, last


def tolerant(tmp, rules):
    """A copy of the rules whose events may be out of order."""
    bound = f"\n  out of order by {DISORDER_S}s\n}}"
    for path in (rules, rules.parent / "events.rules"):
        text = path.read_text()
        if path.name == "events.rules":
            text = re.sub(r"(?m)(^event [^}]*)\n}", r"\1" + bound, text)
        (tmp / path.name).write_text(text)
    return tmp / rules.name


def run_scattered(args, tmp, name, query, rules, flags):
    topic, clock = LOGS[name]
    paths, lines, last = scatter(tmp, args.data / f"{name}.jsonl.zst", query, clock)
    end = datetime.datetime.fromtimestamp(last, datetime.timezone.utc)
    end = end.isoformat(timespec="milliseconds")[:23] + "Z"
    # Else the clock would stop short of the last event by the bound.
    flags = [*flags, "-j", "3", "--watermark-end", end]
    alerts = run(args.fyke, tolerant(tmp, rules), topic, paths, *flags)
    for a in (a for found in alerts.values() for a in found):
        for e in a["evidence"]:
            e["offset"] = lines[(e["partition"], e["offset"])]
    return alerts


def run_resumed(args, tmp, name, rules, flags):
    """Several runs over a file that grows, with one state."""
    path = tmp / "growing.jsonl"
    lines = lines_of(args.data / f"{name}.jsonl.zst")
    alerts = collections.defaultdict(list)
    with tempfile.TemporaryDirectory(dir=tmp) as state:
        for stop in STOPS:
            path.write_bytes(b"".join(x + b"\n" for x in lines[:math.ceil(len(lines) * stop)]))
            found = run(args.fyke, rules, LOGS[name][0], path, "--state", state,
                        *(flags if stop == 1 else []))
            for rule, more in found.items():
                alerts[rule] += more
    return alerts


def run_log(args, table, name, tmp):
    answers = json.loads((args.data / f"{name}.expected.json").read_text())
    for query in answers["queries"]:
        if args.only not in f"{name}/{query['id']}":
            continue
        rules = RULES / name / f"{query['id']}.rules"
        absence = query["kind"] == "absence"
        compare = compare_absence if absence else compare_sequence
        flags = ["--pending"] if absence else []
        try:
            if args.scattered:
                alerts = run_scattered(args, tmp, name, query, rules, flags)
            elif args.resumed:
                alerts = run_resumed(args, tmp, name, rules, flags)
            else:
                alerts = run(args.fyke, rules, LOGS[name][0], args.data / f"{name}.jsonl.zst",
                             *flags)
        except (Refused, subprocess.TimeoutExpired) as e:
            table.add(name, query["id"], "all", "", "?", str(e))
            continue
        for rule in rule_names(rules):
            answer, _, form = rule.partition("__")
            wanted, why = compare(query, answer, form, alerts[rule])
            table.add(name, query["id"], answer, form, wanted, why)


# ---- synthetic: ties and disorder -----------------------------------------------------------


def write_lines(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))


def run_ties(args, table, tmp):
    source = json.loads((args.data / "syn-1-ties-disorder.json").read_text())
    events = sorted(source["events"], key=lambda e: e["arrival"])
    assert [e["arrival"] for e in events] == list(range(len(events)))
    stream = tmp / "ties.jsonl"
    write_lines(stream, [{"key": e["key"], "ts": e["ts"], "type": e["type"]} for e in events])
    for rules in sorted((RULES / "syn-1").glob("*.rules")):
        late, tie, window = rules.stem.split("-")
        if args.only not in f"syn-1/{rules.stem}":
            continue
        try:
            alerts = run(args.fyke, rules, "syn", stream)
        except (Refused, subprocess.TimeoutExpired) as e:
            table.add("syn-1", rules.stem, "all", "", "?", str(e))
            continue
        for rule in rule_names(rules):
            pattern, policy = rule.split("_")
            case = f"{late}|tie={tie}|{SYN1_PATTERNS[pattern]}|within=10 {window}"
            wants = source["expected"][case][SYN1_ANSWERS[policy]]["matches"]
            want = [(m["key"], tuple(m["arrival"])) for m in wants]
            got = [(key_text(a), offsets(a)) for a in alerts[rule]]
            table.add("syn-1", rules.stem, rule, "", len(want), difference(want, got))


# ---- synthetic: repetition ------------------------------------------------------------------


def write_streams(path, streams):
    """One key per stream, merged by time: nothing is late. Gives (stream, index) by offset."""
    places = sorted(((s, i) for s in streams for i in range(len(s))), key=lambda p: p[1])
    write_lines(path, [{"stream": s, "ts": i, "type": s[i]} for s, i in places])
    return places


def by_stream(alerts, places):
    """{stream: [indexes of a match]}"""
    found = collections.defaultdict(list)
    for a in alerts:
        where = [places[o] for o in offsets(a)]
        found[where[0][0]].append(tuple(i for _, i in where))
    return found


def compare_counts(want, got):
    return None if len(set(got)) == len(got) == want else f"{len(got)} ({len(set(got))} distinct)"


def run_repetition(args, table, tmp, source):
    rules = RULES / "syn-2" / "a_plus_b.rules"
    cases = {c["stream"]: c for c in source["a_plus_b"]}
    path = tmp / "runs.jsonl"
    places = write_streams(path, cases)
    alerts = run(args.fyke, rules, "syn", path, "--max-matches", str(MAX_MATCHES))
    for rule in rule_names(rules):
        found = by_stream(alerts[rule], places)
        for stream, case in cases.items():
            want, got = case["counts"][RUN_COUNTS[rule]], found[stream]
            why = compare_counts(want, got)
            listed = case.get(RUN_LISTS.get(rule))
            if why is None and listed is not None and len(listed) == want:
                why = difference([tuple(m) for m in listed], got)
            table.add("syn-2", "a+ b", rule, case["name"], "", why)


def run_every_choice(args, table, tmp, source):
    rules = RULES / "syn-2" / "a_plus_b_any.rules"
    for case in source["a_plus_b"]:
        want = case["counts"][ANY_COUNT]
        points = max(1, case["stream"].count("b"))
        cut = want > points * MAX_MATCHES
        most = 1000 if cut else MAX_MATCHES
        path = tmp / "any.jsonl"
        places = write_streams(path, [case["stream"]])
        alerts = run(args.fyke, rules, "syn", path, "--max-matches", str(most))["any"]
        got = by_stream(alerts, places)[case["stream"]]
        if cut:
            # Too many to be listed: as many as are allowed, each of them saying so.
            why = compare_counts(points * most, got)
            if why is None and not all(a.get("truncated") for a in alerts):
                why = "cut off without saying so"
        else:
            why = compare_counts(want, got)
            listed = case.get("skip_till_any_matches")
            if why is None and listed is not None and len(listed) == want:
                why = difference([tuple(m) for m in listed], got)
        table.add("syn-2", "a+ b", "any (cut off)" if cut else "any", case["name"], "", why)


def run_fixed(args, table, tmp, source):
    for case in source["fixed_repeat"]:
        n = case["pattern"].split().count("a")
        rules = RULES / "syn-2" / f"fixed_{n}.rules"
        path = tmp / "fixed.jsonl"
        places = write_streams(path, [case["stream"]])
        alerts = run(args.fyke, rules, "syn", path, "--max-matches", str(MAX_MATCHES))
        names = {"any": "skip_till_any", "next": "skip_till_next_one_per_start", "strict": "strict"}
        for rule, answer in names.items():
            got = by_stream(alerts[rule], places)[case["stream"]]
            table.add("syn-2", case["pattern"], rule, "", case[answer],
                      compare_counts(case[answer], got))


def run_windowed(args, table, tmp, source):
    path = tmp / "windowed.jsonl"
    stream = "a" * 20 + "b"
    places = write_streams(path, [stream])
    alerts = run(args.fyke, RULES / "syn-2" / "windowed.rules", "syn", path)
    for case in source["windowed_a_plus_b"]:
        name = f"w{case['within_inclusive']}"
        want = case["skip_till_any"]
        got = by_stream(alerts[name], places)[stream]
        why = compare_counts(min(want, 1000), got)
        if why is None and (want > 1000) != any(a.get("truncated") for a in alerts[name]):
            why = "`truncated` is wrong"
        table.add("syn-2", "a+ b within", name, "", want, why)


def run_blowup(args, table, tmp):
    source = json.loads((args.data / "syn-2-blowup.json").read_text())
    for part in (run_repetition, run_every_choice, run_fixed, run_windowed):
        if args.only not in "syn-2":
            continue
        try:
            part(args, table, tmp, source)
        except (Refused, subprocess.TimeoutExpired) as e:
            table.add("syn-2", part.__name__, "all", "", "?", str(e))


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--fyke", type=pathlib.Path, required=True)
    ap.add_argument("--data", type=pathlib.Path,
                    default=HERE.parent.parent.parent / "shared" / "data")
    ap.add_argument("--only", default="", help="part of SET/QUERY")
    mode = ap.add_mutually_exclusive_group()
    mode.add_argument("--scattered", action="store_true", help="several partitions, disorder")
    mode.add_argument("--resumed", action="store_true", help="several runs with one state")
    ap.add_argument("--markdown", action="store_true")
    ap.add_argument("-v", "--verbose", action="store_true")
    args = ap.parse_args()
    if not args.data.is_dir():
        print(f"SKIPPED: {args.data} is not there")
        return SKIPPED
    logs_only = args.scattered or args.resumed
    if logs_only and not shutil.which("zstd"):
        print("SKIPPED: the program zstd is not there")
        return SKIPPED
    args.fyke = args.fyke.resolve()
    table = Table(args.verbose)
    with tempfile.TemporaryDirectory() as tmp:
        for name in LOGS:
            run_log(args, table, name, pathlib.Path(tmp))
        if not logs_only:
            run_ties(args, table, pathlib.Path(tmp))
            run_blowup(args, table, pathlib.Path(tmp))
    print(table.text(args.markdown))
    rows = table.rows.values()
    print(f"\n{sum(r[1] == r[2] for r in rows)} of {len(rows)} answers equal, "
          f"{sum(r[2] for r in rows)} of {sum(r[1] for r in rows)} rules")
    return 0 if rows and table.good() else 1


if __name__ == "__main__":
    sys.exit(main())
