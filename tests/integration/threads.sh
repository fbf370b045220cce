#!/usr/bin/env bash
# Four threads give the alerts of one, over a topic as over a file; and only one process at a time
# works on a state directory.
source "$(dirname "$0")/common.sh"
load_traffic 20000 12
reference "$work/reference.jsonl"
file_ids "$work/reference.jsonl" >"$work/want"
for jobs in 1 4; do
  "$ktool" create "alerts$jobs-$id" 1
  "$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts$jobs-$id" --app "$id-$jobs" --once -j $jobs \
    --state "$work/state$jobs" -q "${broker[@]}" 2>"$work/run.log" || fail "-j $jobs ended with $?"
  topic_ids "alerts$jobs-$id" >"$work/got"
  same_ids "$work/want" "$work/got"
done

run=("$fyke" run -r "$work/rules" -i kafka -o "kafka:alerts-$id" --app "$id" --state "$work/state"
     "${broker[@]}")
"${run[@]}" 2>"$work/first.log" &
running=($!)
"$ktool" -n 1 consume "alerts-$id" >/dev/null || fail "the first process gives no alert"
rc=0
timeout 150 "${run[@]}" --once 2>"$work/second.log" || rc=$?
[[ $rc == 4 || $rc == 2 ]] || fail "a second process on the same state ended with $rc"
grep -q "$work/state" "$work/second.log" || fail "the second process does not name the directory"
kill -0 "${running[0]}" || fail "the first process has ended"
echo "-j 1 and -j 4: the same $(count "$work/want") alerts; second process: $(head -n 1 "$work/second.log")"
