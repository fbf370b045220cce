#!/usr/bin/env bash
# What can be wrong with the broker: each gives a clear line and an exit code, nothing hangs.
source "$(dirname "$0")/common.sh"
logins=logins-$id alerts=alerts-$id
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"

expect() {
  local want=$1 text=$2 rc=0
  shift 2
  timeout 150 "$@" >"$work/out.log" 2>&1 || rc=$?
  [[ $rc == "$want" ]] || fail "exit $rc instead of $want: $*"
  grep -q "$text" "$work/out.log" || fail "no line about \"$text\": $*"
  echo "exit $want: $text"
}
run=("$fyke" run -r "$work/mission.rules" -i kafka --app "$id" --once --state "$work/state")

expect 2 "bootstrap.servers" "${run[@]}"
expect 2 "does not exist" "${run[@]}" "${broker[@]}"
expect 2 "unknown property" "${run[@]}" "${broker[@]}" -X no.such.thing=1
expect 4 "no broker answers" "${run[@]}" -X bootstrap.servers=127.0.0.1:1
"$ktool" create "$logins" 1
expect 2 "does not exist" "${run[@]}" "${broker[@]}" -o "kafka:$alerts"
expect 0 "" "${run[@]}" "${broker[@]}"
# Records that retention has removed while the engine was away are an error with numbers.
for i in 1 2 3 4 5 6; do
  echo "{\"user\":\"u\",\"at\":$((i * 1000)),\"result\":\"failure\",\"country\":\"NL\"}"
done | "$ktool" -k user produce "$logins"
"$ktool" trim "$logins" 0 4
expect 4 "retention" "${run[@]}" "${broker[@]}"
