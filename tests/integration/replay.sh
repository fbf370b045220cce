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

# ---- one digest
want=$(digest <"$work/part")
[[ -n $want ]] || fail "no digest"
same() { [[ $(digest) == "$want" ]] || fail "another digest: $*"; }
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
