#!/usr/bin/env bash
# A day of a rule's author, over a real broker with generated traffic: a rule and a test that fails, the
# fix, a replay with labels and gates, the difference to what runs, a reload under load, the alert, why
# it came, and a test cut out of it. Each step says what it saw.
source "$(dirname "$0")/../integration/common.sh"
payments=payments-$id
step() { printf -- '-- %s\n' "$*"; }
# it FILE TEXT WORDS: the text is in the file, or the day ends here.
it() { grep -Eq -- "$2" "$1" || fail "$3: $(cat "$1")"; }
until_true() {
  for _ in {1..1200}; do
    "$@" && return 0
    sleep 0.05
  done
  fail "waited in vain for: $*"
}

step "what arrives: traffic with planted attacks, and a list of them"
"$fyke" gen fraud --seed 21 --events 2000 --out "$work/traffic" -q
"$ktool" create "$payments" 1
"$ktool" create "alerts-$id" 1
"$ktool" -k card produce "$payments" <"$work/traffic/payments.jsonl"
grep '"rule":"card_testing"' "$work/traffic/labels.jsonl" | grep '"attack":true' |
  sed "s/\"payments\"/\"$payments\"/g" | python3 -c '
import json, sys
for line in sys.stdin:
    label = json.loads(line)
    for event in label["events"]:
        print(json.dumps({**event, "key": label["key"], "episode": label["episode"]}))' >"$work/labels.jsonl"
[[ -s $work/labels.jsonl ]] || fail "no card testing was planted"

step "a rule, and a test that fails"
mkdir "$work/rules"
cat >"$work/rules/cards.rules" <<END
language 1

event Payment from topic "$payments" {
  card : string key  at : timestamp event time  user : string  amount : decimal
  status : enum("approved", "declined")  out of order by 30s
}

rule card_testing {
  for each card within 1 hour
  when 5 or more Payment as probe where amount > 0 and amount < 5 within 2 minutes
  then Payment as big where amount > 3000
  emit alert { probes = count(probe)  amount = big.amount  who = big.user }

  test "five probes in eight minutes, then the big one" {
    at 0s Payment { card = "c1"  user = "u1"  amount = 1.00  status = "declined" } x5 every 2m
    at 9m Payment { card = "c1"  user = "u1"  amount = 499.00  status = "approved" }
    expect at 9m 1 match { probes = 5  amount = 499 }
  }
  test "a card that is used as cards are" {
    at 0s Payment { card = "c1"  user = "u1"  amount = 3.00  status = "approved" } x3 every 10m
    at 50m Payment { card = "c1"  user = "u1"  amount = 160.00  status = "approved" }
    expect no match
  }
}
END
"$fyke" test "$work/rules" >"$work/test" && fail "the test passed"
it "$work/test" '^FAIL  card_testing: five probes' "which test"
it "$work/test" 'reached step' "how far it came"
it "$work/test" '1 passed, 1 failed' "how many"

step "the window is mended; the test says that the amount is wrong, too"
cp -r "$work/rules" "$work/live"
sed -i 's/within 2 minutes/within 10 minutes/' "$work/rules/cards.rules" "$work/live/cards.rules"
"$fyke" test "$work/rules" >"$work/test" && fail "the test passed"
it "$work/test" 'amount was 499, wanted amount > 3000' "what was in the way"
sed -i 's/amount > 3000/amount > 150 and amount > 50 * max(probe.amount)/' "$work/rules/cards.rules"
"$fyke" test "$work/rules" >"$work/test" || fail "$(cat "$work/test")"
"$fyke" check "$work/rules" >"$work/check" 2>&1 || fail "$(cat "$work/check")"

step "what it would have found: labels and gates"
from=(-i "kafka:$payments" "${broker[@]}")
judged=(--labels "$work/labels.jsonl" --gate 'recall >= 0.9, precision >= 0.9')
"$fyke" replay -r "$work/live" "${from[@]}" "${judged[@]}" >"$work/before" 2>"$work/gates" &&
  fail "the rule that lives meets the gates: $(cat "$work/before")"
"$fyke" replay -r "$work/rules" "${from[@]}" "${judged[@]}" --report "$work/replay.html" >"$work/after" 2>"$work/gates" ||
  fail "the gates: $(cat "$work/gates" "$work/after")"
[[ -s $work/replay.html ]] || fail "no report"

step "is the hour the right one: other windows, all in one read, judged by the same gates"
"$fyke" replay -r "$work/rules" "${from[@]}" "${judged[@]}" --sweep 'window=10m,30m,2h' --report "$work/sweep.json" \
  --report "$work/sweep.html" >"$work/sweep" 2>"$work/gates" || fail "no point meets the gates: $(cat "$work/sweep" "$work/gates")"
python3 - "$work/sweep.json" <<'END' || fail "the points: $(cat "$work/sweep")"
import json, sys
points = json.load(open(sys.argv[1]))["points"]
by = {"".join(p["values"].values()): p for p in points}
assert len(points) == 4 and sum(p["as_written"] for p in points) == 1, points
assert by["10m"]["labels"]["recall"] <= by["30m"]["labels"]["recall"] <= by["2h"]["labels"]["recall"], by
assert all(p["meets_gates"] for p in points if p["as_written"]), points
END
grep -q '<polyline' "$work/sweep.html" || fail "no picture of the sweep"
"$fyke" replay -r "$work/rules" "${from[@]}" "${judged[@]}" --gate 'matches >= 1000' --sweep 'window=30m,2h' -q 2>/dev/null &&
  fail "no window finds so much"

step "how far the attacks come in what runs, and what a looser rule would find"
"$fyke" replay -r "$work/live" "${from[@]}" --funnel --labels "$work/labels.jsonl" >"$work/steps" || fail "the steps"
it "$work/steps" 'card_testing +probe, the first +[1-9]' "the first step"
it "$work/steps" ' big +0 +0' "the last step"
"$fyke" replay -r "$work/live" "${from[@]}" --near-misses 3 --labels "$work/labels.jsonl" >"$work/near" || fail "near misses"
it "$work/near" 'without .amount > 3000.' "the looser rule"

step "the difference to what runs"
rc=0
"$fyke" diff "$work/live" "$work/rules" "${from[@]}" --exit-code --gate 'lost = 0' --format json >"$work/diff.json" 2>"$work/gates" || rc=$?
[[ $rc == 1 ]] || fail "the difference ended with $rc: $(cat "$work/gates")"
it "$work/gates" 'lost' "the gate"
"$fyke" diff "$work/rules" "$work/rules" "${from[@]}" --exit-code -q 2>"$work/gates" || fail "a rule set differs from itself"

step "it runs; other rules under load"
"$fyke" run -r "$work/live" -i "kafka:$payments" -o "kafka:alerts-$id" --app "$id" --state "$work/state" -q \
  --commit-every 50ms "${broker[@]}" 2>"$work/run.log" &
running=($!)
ready() { "$fyke" status --state "$work/state" -q 2>/dev/null; }
until_true ready
seq 0 19999 | awk '{ t = 1773200000 + $1 / 10; printf "{\"card\":\"load-%d\",\"at\":\"%s\",\"user\":\"u%d\",\"amount\":%d,\"status\":\"approved\"}\n", $1 % 500, strftime("%Y-%m-%dT%H:%M:%SZ", t, 1), $1 % 300, 10 + $1 % 90 }' >"$work/load"
"$ktool" -k card produce "$payments" <"$work/load" &
load=$!
cp "$work/rules/cards.rules" "$work/live/cards.rules"
kill -HUP "${running[0]}"
switched() { grep -q "in place of" "$work/run.log"; }
until_true switched
wait "$load"

step "an attack, while somebody looks on"
pay() { echo "{\"card\":\"tok-scenario\",\"at\":\"2026-03-12T10:$1Z\",\"user\":\"nora.king9\",\"amount\":$2,\"status\":\"approved\"}"; }
clock() { echo "{\"card\":\"clock\",\"at\":\"2026-03-12T10:$1Z\",\"user\":\"clock\",\"amount\":10,\"status\":\"approved\"}"; }
{ for s in 00 10 20 30 40; do pay "00:$s" 1.50; done; clock 01:20; } | "$ktool" -k card produce "$payments"
looked() { "$fyke" partials tok-scenario --state "$work/state" >"$work/partials" 2>"$work/look.log" && grep -q 'up to step probe' "$work/partials"; }
until_true looked
it "$work/partials" 'its window closes 2026-03-12T11:00:00.000Z' "the deadline"
"$fyke" top --state "$work/state" --once >"$work/top" || fail "top"
it "$work/top" '^card_testing +100.0 %' "the cost"
"$fyke" tap --state "$work/state" --alerts -n 1 --format json --wait 60s >"$work/tapped" 2>"$work/tap.log" &
tap=$!
tapping() { "$fyke" top --state "$work/state" --once --format json | grep -q '"readers":{"now":2'; }
until_true tapping
{ pay 02:00 400; clock 04:00; } | "$ktool" -k card produce "$payments"
wait "$tap" || fail "the tap: $(cat "$work/tap.log")"
it "$work/tapped" '"card":"tok-scenario"' "what was tapped"
delivered() { alerts "alerts-$id" >"$work/alerts" && grep -q tok-scenario "$work/alerts"; }
until_true delivered
grep tok-scenario "$work/alerts" | python3 -c 'import json, sys
print(json.loads(sys.stdin.readline())["payload"])' >"$work/alert"
kill -TERM "${running[0]}"
wait "${running[0]}" || fail "the run ended with $?"
running=()

step "why it came"
"$fyke" explain --alert "$work/alert" -r "$work/rules" "${from[@]}" >"$work/why" || fail "explain"
it "$work/why" 'key tok-scenario, at 2026-03-12T10:02:00.000Z: it fired' "why"
"$fyke" explain card_testing -r "$work/rules" "${from[@]}" --key tok-scenario --at 2026-03-12T10:01:00Z >"$work/why" || fail "explain"
it "$work/why" 'it did not fire' "why not"

step "a test of it that nobody's name stands in"
mkdir "$work/rules/captured"
"$fyke" capture --alert "$work/alert" -r "$work/rules" "${from[@]}" -o "$work/rules/captured/march" \
  --hide card=card,user=person 2>"$work/capture.log" || fail "$(cat "$work/capture.log")"
if grep -rEq "tok-|nora" "$work/rules/captured"; then fail "a name was left in the fixture"; fi
it "$work/rules/captured/march.rules" 'who = "person-1"' "the expectation"
"$fyke" test "$work/rules" >"$work/test" || fail "$(cat "$work/test")"
it "$work/test" '^3 passed, 0 failed' "all tests"
sed -i 's/within 10 minutes/within 30 seconds/' "$work/rules/cards.rules"
"$fyke" test "$work/rules" >"$work/test" && fail "the captured test notices nothing"
it "$work/test" '^FAIL  card_testing: captured' "the captured test"
echo "a rule, a failing test, the fix, a replay with labels, a sweep, near misses, a diff, a reload under load, the alert, why, and a test of it"
