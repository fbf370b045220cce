#!/usr/bin/env bash
# Late records and invalid ones on topics of their own: as they came, with headers that say why; once
# each, also when the engine is killed in between and reads again.
source "$(dirname "$0")/common.sh"
late() { printf '{"user":"bob","at":%s,"result":"failure","country":"NL"}\n' "$1"; }

one() { # delivery, name, options
  local logins=logins-$2-$id alerts=alerts-$2-$id late=late-$2-$id dead=dead-$2-$id topic
  for topic in "$logins" "$alerts" "$late" "$dead"; do
    "$ktool" create "$topic" 1
  done
  sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/$2.rules"
  local run=("$fyke" run -r "$work/$2.rules" -i kafka -o "kafka:$alerts" --app "$2-$id" --once
    --delivery "$1" --late "kafka:$late" --dead-letter "kafka:$dead" --state "$work/$2.state"
    "${broker[@]}")
  { late 9000000; late 1000; } | "$ktool" -k user -t at produce "$logins"
  echo '{"user":"bob","at":' | "$ktool" produce "$logins"
  "${run[@]}" 2>"$work/$2.log" || fail "the run ended with $?"
  # A second life that is killed before its commit, and a third one.
  { late 2000; late 9000001; late 3000; } | "$ktool" -k user -t at produce "$logins"
  "${run[@]}" --fault before-sink-flush 2>"$work/$2.killed.log" && fail "it should have been killed"
  "${run[@]}" 2>"$work/$2.log" || fail "the run after the kill ended with $?"
  alerts "$late" >"$work/$2.late"
  alerts "$dead" >"$work/$2.dead"
  python3 - "$1" "$logins" "$2-$id" "$work/$2.late" "$work/$2.dead" <<'END' || fail "$1: wrong"
import json, sys
delivery, topic, app, late, dead = sys.argv[1:]
late, dead = ([json.loads(l) for l in open(f)] for f in (late, dead))
def headers(m):
    flat = m["headers"]
    return dict(zip(flat[::2], flat[1::2]))
want = {1: 1000, 3: 2000, 5: 3000}
offsets = [int(headers(m)["__fyke.errors.offset"]) for m in late]
if delivery == "exactly-once":
    assert offsets == [1, 3, 5], offsets
assert set(offsets) == set(want), offsets
for m in late:
    h = headers(m)
    at = want[int(h["__fyke.errors.offset"])]
    assert json.loads(m["payload"])["at"] == at, m
    assert m["key"] == "bob" and m["ts"] == at, m
    assert h["__fyke.errors.why"] == "late" and h["__fyke.errors.topic"] == topic, h
    assert h["__fyke.errors.partition"] == "0" and h["__fyke.errors.app"] == app, h
    assert h["__fyke.errors.timestamp"] == str(at), h
assert len(dead) == 1, dead
h = headers(dead[0])
assert dead[0]["payload"] == '{"user":"bob","at":' and h["__fyke.errors.why"] == "invalid", dead
assert h["__fyke.errors.offset"] == "2" and h["__fyke.errors.reason"], h
END
}

one exactly-once exact
one at-least-once least
"$fyke" run -r "$work/exact.rules" -i kafka -o kafka:x --state "$work/s" --app x-"$id" "${broker[@]}" \
  --late "kafka:logins-exact-$id" 2>"$work/refused" && fail "a topic that rules read was taken"
grep -q "is read by the rules" "$work/refused" || fail "$(cat "$work/refused")"
echo "3 late and 1 invalid record, as they came, on topics of their own"
