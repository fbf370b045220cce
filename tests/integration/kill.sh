#!/usr/bin/env bash
# The engine is killed with SIGKILL while it works, at random moments and at every step of a commit,
# and goes on from its state: no alert is lost, none is invented, and one that is repeated has the
# same match_id. The reference is a run over a file with the same records, coordinates included.
source "$(dirname "$0")/common.sh"
events=${FYKE_KILL_EVENTS:-25000}
# Alerts on the topic, or steps of a commit, at which a run dies.
moments=(40 after-sink-flush:6 100 mid-checkpoint:4 160 before-sink-flush:3 220 after-checkpoint:2
         after-commit:2)

load_traffic "$events" 11
reference "$work/reference.jsonl" -j 2

# The work must not be over before it is interrupted: small fetches.
run=("$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "$id" --state "$work/state" -q --delivery at-least-once
     "${broker[@]}")
slow=("${run[@]}" -X fetch.message.max.bytes=20000 -X queued.min.messages=100
      -X queued.max.messages.kbytes=4096)

# Alerts go out as they come, long before their checkpoint: the next run repeats some.
killed_at_alert() {
  "${slow[@]}" --commit-every 400ms 2>"$work/run.log" &
  running=($!)
  "$ktool" -n "$1" consume "alerts-$id" >"$work/seen" || fail "no $1 alerts"
  kill -9 "${running[0]}" 2>/dev/null || fail "a run ended by itself"
  wait "${running[0]}" 2>/dev/null || true
  running=()
}

killed_at_step() {
  local rc=0
  timeout -k 5 60 "${slow[@]}" --commit-every 20ms --fault "$1" 2>"$work/run.log" || rc=$?
  [[ $rc == 137 ]] || fail "the run that should die at $1 ended with $rc"
}

for moment in "${moments[@]}"; do
  if [[ $moment == *:* ]]; then
    killed_at_step "$moment" 2>/dev/null
  else
    killed_at_alert "$moment" 2>/dev/null
  fi
done
before=$(alerts "alerts-$id" | wc -l)
"${run[@]}" --once 2>"$work/last.log" || fail "the last run ended with $?"

topic_ids "alerts-$id" >"$work/got"
file_ids "$work/reference.jsonl" >"$work/want"
same_ids "$work/want" "$work/got"
sent=$(alerts "alerts-$id" | wc -l)
((before < sent)) || fail "everything was done before the last run: nothing was interrupted"
((sent > $(count "$work/got"))) || fail "no alert was repeated: nothing was interrupted ($before alerts before the last run, $sent after)"
echo "${#moments[@]} kills: $before alerts on the topic before the last run, $sent after it," \
  "$(count "$work/got") distinct, the same as undisturbed"
