#!/usr/bin/env bash
# Other rules under load on a real broker, exactly once, and SIGKILL around the switch: what the
# unchanged rules say is what an undisturbed run says, each alert once; a rule that changes finishes what it
# had open, through all kills and further switches; a start with broken files goes on with the stored rules.
# The references are runs over a file with the same records.
source "$(dirname "$0")/common.sh"
load_traffic "${FYKE_RELOAD_EVENTS:-50000}" 12
drains() { # the rule that changes once
  cat >"$work/rules/drained.rules" <<END
language 1
import "events.rules"
rule drained {
  for each card within 3 days  when Payment as a where amount > $1 then Payment as b where amount < $2
  after match no skip  emit alert { a = a.amount  b = b.amount }
}
END
}
drains 300 20
reference "$work/reference.jsonl" -j 2
drains 280 25
reference "$work/later.jsonl" -j 2
drains 300 20

toggle() { # the rule that changes
  cat >"$work/rules/toggled.rules" <<END
language 1
import "events.rules"
rule toggled { for each card  when $2 where amount > $1  emit alert }
END
}
run=("$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "$id" --state "$work/state" -q
     "${broker[@]}")
slow=("${run[@]}" --commit-every 20ms -X fetch.message.max.bytes=8000 -X queued.min.messages=20
      -X queued.max.messages.kbytes=4096)

# said FILE TEXT: waits until a run has said it.
said() {
  for _ in {1..400}; do
    grep -q "$2" "$1" 2>/dev/null && return 0
    sleep 0.05
  done
  fail "nobody said \"$2\""
}

ready() {
  for _ in {1..400}; do
    "$fyke" status --state "$work/state" >/dev/null 2>&1 && return 0
    sleep 0.05
  done
  fail "no run became ready"
}

# said_by RULE N: waits until so many alerts of it are committed.
said_by() {
  for _ in {1..200}; do
    [[ $(alerts "alerts-$id" | grep -c "\b$1\b") -ge $2 ]] && return 0
    sleep 0.05
  done
  fail "rule $1 has not said $2 alerts"
}

begin() {
  "${slow[@]}" "${@:2}" 2>"$work/run$1.log" &
  running=($!)
}

end_hard() {
  kill -9 "${running[0]}" 2>/dev/null || fail "a run ended by itself"
  wait "${running[0]}" 2>/dev/null || true
  running=()
}

# Killed so long (s) after the wish, or at once behind the switch.
toggle 500 Payment
for moment in switched 0.05 0.2 switched 0.12 0.3; do
  n=$((${n:-0} + 1))
  begin "$n"
  ready
  toggle $((500 + n)) Payment
  [[ $n != 2 ]] || { said_by drained 1 && drains 280 25; }
  kill -HUP "${running[0]}"
  if [[ $moment == switched ]]; then
    said "$work/run$n.log" "in place of"
  else
    sleep "$moment"
  fi
  end_hard 2>/dev/null
done

# In the switch's own transaction: its texts are there, its header is not. Once at a start with other
# files, once by a wish.
for how in start wish; do
  [[ $how == wish ]] || toggle 600 Payment
  begin "$how" --fault after-rules:1
  if [[ $how == wish ]]; then
    ready
    toggle 601 Payment
    kill -HUP "${running[0]}"
  fi
  rc=0
  wait "${running[0]}" 2>/dev/null || rc=$?
  running=()
  [[ $rc == 137 ]] || fail "the run that should die in its switch ($how) ended with $rc"
  begin "behind-$how"
  ready
  end_hard 2>/dev/null
done
before=$(alerts "alerts-$id" | wc -l)

toggle 700 Payed
begin broken
said "$work/runbroken.log" "going on with the rules stored with the state"
toggle 700 Payment
kill -HUP "${running[0]}"
said "$work/runbroken.log" "in place of"
cat >"$work/rules/taken.rules" <<END # its own alerts
language 1
event Own from topic "alerts-$id" { card : string key  at : timestamp event time }
rule own { for each card  when Own  emit alert }
END
kill -HUP "${running[0]}"
said "$work/runbroken.log" "refused: topic alerts-$id is read by the rules: alerts cannot go there"
rm "$work/rules/taken.rules"
end_hard 2>/dev/null
"${run[@]}" --once 2>"$work/last.log" || fail "the last run ended with $?"

alerts "alerts-$id" | python3 "$here/drained.py" drained "$work/reference.jsonl" "$work/later.jsonl" \
  >"$work/drained" || fail "what a changed rule had open was not finished"
alerts "alerts-$id" | grep -v 'toggled\|drained' >"$work/sent"
python3 "$here/match_ids.py" --kcat <"$work/sent" >"$work/got"
grep -v '"rule":"drained"' "$work/reference.jsonl" >"$work/unchanged.jsonl"
file_ids "$work/unchanged.jsonl" >"$work/want"
same_ids "$work/want" "$work/got"
[[ $(count "$work/sent") == $(count "$work/got") ]] || fail "an alert went out twice"
switches=$(cat "$work"/run*.log | grep -c "in place of")
((before < $(count "$work/sent"))) || fail "everything was done before the last run"
echo "$switches switches seen, 11 kills: $before alerts before the last run, $(count "$work/got") of" \
  "unchanged rules in the end, the same as undisturbed, each once"
echo "the changed rule: $(cat "$work/drained")"
