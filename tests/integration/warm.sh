#!/usr/bin/env bash
# `--on-change warm` on a real broker, exactly once: from the switch on a changed rule says what it says in a run
# that had it from the beginning. SIGKILL while rules are warmed leaves the old ones, with what they have open;
# SIGKILL right behind the switch keeps what was warmed. The references are runs over a file with the same records.
source "$(dirname "$0")/common.sh"
mkdir "$work/rules"
pairs() {
  cat >"$work/rules/pairs.rules" <<END
language 1
event Login from topic "logins-$id" { user : string key  at : timestamp in ms event time  n : int  out of order by 5s }
rule stays {
  for each user within 1 hour  when Login as a where n < 50 then Login as b where n > 950
  after match no skip  emit alert { a = a.n  b = b.n }
}
rule pairs {
  for each user within 1 hour  when Login as a where n < $1 then Login as b where n > $2
  after match no skip  emit alert { a = a.n  b = b.n }
}
END
}
# Events FROM to TO of one stream, on the topic.
events() {
  python3 -c '
import random, sys
for i in range(int(sys.argv[1]), int(sys.argv[2])):
    r = random.Random(i)
    print(f"""{{"user":"u{r.randrange(30)}","at":{i * 4000 + r.randrange(4000)},"n":{r.randrange(1000)}}}""")' "$1" "$2" |
    "$ktool" -k user produce "logins-$id"
}
topics=("logins-$id")
"$ktool" create "logins-$id" 3
"$ktool" create "alerts-$id" 1
run=("$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "$id" --state "$work/state" -q
     --on-change warm --audit "$work/audit" "${broker[@]}")
said() {
  for _ in {1..1200}; do
    grep -q "$2" "$1" 2>/dev/null && return 0
    sleep 0.05
  done
  fail "nobody said \"$2\""
}

# said_by RULE N: waits until so many alerts of it are committed.
said_by() {
  for _ in {1..600}; do
    [[ $(alerts "alerts-$id" | grep -c "\b$1\b") -ge $2 ]] && return 0
    sleep 0.05
  done
  fail "rule $1 has not said $2 alerts"
}

begin() {
  "${run[@]}" 2>"$work/run$1.log" &
  running=($!)
}

end_hard() {
  kill -9 "${running[0]}" 2>/dev/null || fail "a run ended by itself"
  wait "${running[0]}" 2>/dev/null || true
  running=()
}

pairs 100 900
events 0 3000
begin 1
said_by pairs 100
pairs 120 920
kill -HUP "${running[0]}"
said "$work/run1.log" "reload: warming 1 rules"
end_hard 2>/dev/null
pairs 100 900
events 3000 6000
begin 2
said_by pairs 300
pairs 120 920
kill -HUP "${running[0]}"
said "$work/audit" '"open":"warmed"' # told when the new rules run
end_hard 2>/dev/null
events 6000 9000
"${run[@]}" --once 2>"$work/last.log" || fail "the last run ended with $?"
reference "$work/new.jsonl"
pairs 100 900
reference "$work/old.jsonl"

alerts "alerts-$id" | python3 "$here/warmed.py" pairs "logins-$id" "$work/old.jsonl" "$work/new.jsonl" "$work/audit" \
  >"$work/warmed" || fail "a warmed rule has not said what it should: $(cat "$work/warmed")"
alerts "alerts-$id" | grep -v '"pairs\b\|\\"pairs\\"' >"$work/sent"
python3 "$here/match_ids.py" --kcat <"$work/sent" >"$work/got"
grep -v '"rule":"pairs"' "$work/new.jsonl" >"$work/unchanged.jsonl"
file_ids "$work/unchanged.jsonl" >"$work/want"
same_ids "$work/want" "$work/got"
[[ $(count "$work/sent") == $(count "$work/got") ]] || fail "an alert went out twice"
[[ ! -e $work/state/warming ]] || fail "what was gathered is left behind"

# What rules look back to may be gone: refused, whether they look back an hour or to the beginning.
"$ktool" trim "logins-$id" 0 20
begin gone
asked() { "$fyke" reload --wait=120s --state "$work/state" >"$work/reply" 2>&1; }
for _ in {1..1200}; do # until it has read its files
  asked || grep -q "no process answers" "$work/reply" || fail "$(cat "$work/reply")"
  grep -q "no process answers" "$work/reply" || break
  sleep 0.05
done
for back in "within 1 hour" ""; do
  code=0
  pairs 130 930
  sed -i "s/within 1 hour  when Login as a where n < 130/$back  when Login as a where n < 130/" "$work/rules/pairs.rules"
  asked || code=$?
  grep -q "refused.*rules cannot be warmed: retention has removed what they look back to from 1 partitions" "$work/reply" ||
    fail "looking back '$back' was not refused: $(cat "$work/reply")"
  [[ $code == 1 ]] || fail "exit $code"
done
kill -TERM "${running[0]}"
wait "${running[0]}" || fail "the run ended with $?"
running=()
cat "$work/warmed"
