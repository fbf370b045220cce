#!/usr/bin/env bash
# Replays of Kafka topics: the alerts that a run has committed, whole and in a range; one digest however it
# is read; a slice that a manifest repeats; what retention has removed; events that stand in front of
# where the broker's time says; no group and no commits.
source "$(dirname "$0")/common.sh"

load_traffic 3000 11
"$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "live-$id" --once \
  --state "$work/state" "${broker[@]}" -q 2>"$work/run.log" || fail "the run ended with $?"
replay() { "$fyke" replay -r "$work/rules" "${broker[@]}" "$@" 2>"$work/replay.log"; }
digest() { sed -n 's/^  digest \([0-9a-f]*\) .*/\1/p'; }

# ---- what was committed
replay -i kafka --verify-against "kafka:alerts-$id" >"$work/whole" || fail "$(cat "$work/whole")"
grep -Eq 'delivered alerts: [1-9][0-9]* the same, 0 only delivered, 0 only replayed' "$work/whole" ||
  fail "$(cat "$work/whole")"
range=(--from 2026-03-07 --to 2026-03-08)
replay -i kafka "${range[@]}" --verify-against "kafka:alerts-$id" >"$work/part" || fail "$(cat "$work/part")"
grep -Eq 'delivered alerts: [1-9][0-9]* the same, 0 only delivered, 0 only replayed' "$work/part" ||
  fail "$(cat "$work/part")"
# An alert that the replay does not know is a difference.
alerts "alerts-$id" >"$work/alerts"
{ head -n 1 "$work/alerts" | python3 -c 'import json, sys
a = json.loads(json.loads(sys.stdin.readline())["payload"])
a["match_id"] = "0" * 32
print(json.dumps(a, separators=(",", ":")))'; } >"$work/invented"
replay -i kafka --verify-against "$work/invented" >"$work/other" && fail "an invented alert was not found"
grep -q '1 only delivered' "$work/other" || fail "$(cat "$work/other")"

# ---- on from where a state stands: what the run has committed from there on, with what was open there
lines() { alerts "alerts-$id" | python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["payload"])'; }
lines | sort >"$work/before"
"$fyke" state export --state "$work/state" "$work/save" || fail "the state cannot be exported"
python3 - "$work/traffic/payments.jsonl" >"$work/later" <<'END'
import datetime, re, sys
def later(m):
    t = datetime.datetime.fromisoformat(m.group(1)) + datetime.timedelta(days=2)
    return t.strftime("%Y-%m-%dT%H:%M:%S")
lines = open(sys.argv[1]).read().splitlines()
last = max(re.search(r"(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d)", l).group(1) for l in lines)
for l in lines:
    m = re.search(r"(2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d)", l)
    if m.group(1) >= last[:10]:
        print(l[:m.start()] + later(m) + l[m.end():])
END
[[ -s $work/later ]] || fail "nothing to go on with"
"$ktool" -k card produce "payments-$id" <"$work/later"
for p in 0 1 2; do # every partition says that time has come so far
  sed -n '$s/\("card":"\)[^"]*/\1clock-'$p'/; $s/"at":"[^T]*/"at":"2027-01-01/; $p' "$work/later" |
    "$ktool" -p $p -k card produce "payments-$id"
done
"$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "live-$id" --once \
  --state "$work/state" "${broker[@]}" -q 2>"$work/run.log" || fail "the run ended with $?"
lines | sort | comm -13 "$work/before" - >"$work/new"
[[ -s $work/new ]] || fail "the run went on without an alert"
replay -i kafka --from-state "$work/save" --matches "$work/found" --verify-against "kafka:alerts-$id" \
  >"$work/on" || fail "$(cat "$work/on" "$work/replay.log")"
sort "$work/found" | cmp "$work/new" - || fail "from the state on it is not what the run committed"
grep -Eq 'delivered alerts: [1-9][0-9]* the same, 0 only delivered, 0 only replayed.* [1-9][0-9]* from before the state' \
  "$work/on" || fail "$(cat "$work/on")"

# ---- one digest
want=$(digest <"$work/part")
[[ -n $want ]] || fail "no digest"
same() { [[ $(digest) == "$want" ]] || fail "another digest: $*"; }
# As the service that runs is configured; a diff of its rules with themselves finds the same on both sides.
cat >"$work/fyke.conf" <<END
rules = $work/rules
input = kafka
output = kafka:alerts-$id
app = live-$id
state = $work/state
kafka.bootstrap.servers = ${FYKE_TEST_BOOTSTRAP}
END
"$fyke" replay -c "$work/fyke.conf" "${range[@]}" | same "-c"
"$fyke" diff -c "$work/fyke.conf" "$work/rules" "$work/rules" "${range[@]}" --format json |
  grep -q "\"digest_before\":\"$want\",\"digest_after\":\"$want\"" || fail "a diff says something else"
replay -i kafka "${range[@]}" -j 2 --batch 7 | same "-j 2 --batch 7"
replay -i kafka "${range[@]}" -X fetch.message.max.bytes=2000 --buffer 16KiB | same "small fetches"
replay -i kafka "${range[@]}" --cache "$work/cache" --manifest "$work/slice" | same "writing a cache"
replay -i kafka "${range[@]}" --cache "$work/cache" --verify -X bootstrap.servers=127.0.0.1:1 | same "the cache"
for topic in "${topics[@]}"; do alerts "$topic"; done >"$work/copy"
replay -i "$work/copy" --input-format kcat "${range[@]}" | same "a copy in a file"

# ---- the slice again, after more was written
grep -q '"records":' "$work/slice" || fail "$(cat "$work/slice")"
head -n 50 "$work/traffic/payments.jsonl" | "$ktool" -k card produce "payments-$id"
replay -i kafka "${range[@]}" --manifest "$work/slice" --verify >"$work/again" || fail "the slice again"
grep -q 'the same as in the manifest' "$work/again" || fail "$(cat "$work/again")"
same "the slice again" <"$work/again"
replay -i kafka --manifest "$work/slice" >"$work/out" && fail "the manifest covers less"
grep -q 'needs more' "$work/replay.log" || fail "$(cat "$work/replay.log")"
sed 's/"hash":"./"hash":"x/; s/"hash":"x/"hash":"0/' "$work/slice" | sed 's/"records":\([0-9]*\)/"records":1\1/' >"$work/lie"
replay -i kafka "${range[@]}" --manifest "$work/lie" >"$work/out" && fail "another slice was taken"
grep -q 'is another slice' "$work/replay.log" || fail "$(cat "$work/replay.log")"
"$ktool" trim "payments-$id" 0 5
replay -i kafka --from-state "$work/save" -q || fail "what was removed stands in front of the state: $(cat "$work/replay.log")"
replay -i kafka "${range[@]}" --manifest "$work/slice" >"$work/out" && fail "removed records were not missed"
grep -q 'payments-.*\[0\]: the slice begins at offset 0, .*: 5 of its offsets were removed by retention' \
  "$work/replay.log" || fail "$(cat "$work/replay.log")"

# ---- written ten minutes before it happened: in front of where the broker's time says
cat >"$work/ahead.rules" <<END
language 1
event E from topic "ahead-$id" { k : string  at : timestamp in ms event time  written : int }
rule each { for each k within 1s  when E as e then E as f  emit alert }
END
"$ktool" create "ahead-$id" 1
seq 0 7999 | awk '{ printf "{\"k\":\"k%d\",\"at\":%.0f,\"written\":%.0f}\n", $1 / 2, 1770000600000 + $1 * 500, 1770000000000 + $1 * 500 }' |
  "$ktool" -t written produce "ahead-$id"
# 2026-02-02T03:40:00Z = 1770003600 s: event 6000, written at the time of event 4800.
"$fyke" replay -r "$work/ahead.rules" -i kafka "${broker[@]}" --from 2026-02-02T03:40:00Z --format json \
  >"$work/ahead" || fail "ahead"
grep -q '"earlier_offsets":[1-9]' "$work/ahead" || fail "$(cat "$work/ahead")"
grep -q '"events":2000' "$work/ahead" || fail "$(cat "$work/ahead")"
grep -Eq '"records":[1-7][0-9]{3},' "$work/ahead" || fail "everything was read: $(cat "$work/ahead")"

# ---- alone: nothing is committed
[[ $("$ktool" offsets fyke-replay "ahead-$id" | cut -f 2) == - ]] || fail "something was committed"
echo "a replay finds what a run has committed, whole and in part; one digest from broker, cache and file"
