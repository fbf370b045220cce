#!/usr/bin/env bash
# The broker dies while the engine runs and comes back: nothing ends, each side says so once, and
# what is written after it is evaluated.
source "$(dirname "$0")/common.sh"
logins=logins-$id alerts=alerts-$id
"$ktool" create "$logins" 1
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"

attack() { # attack USER MINUTE
  local t=$(($2 * 60000)) i
  for i in 0 1 2; do
    echo "{\"user\":\"$1\",\"at\":$((t + i * 1000)),\"result\":\"failure\",\"country\":\"NL\"}"
  done
  echo "{\"user\":\"$1\",\"at\":$((t + 9000)),\"result\":\"success\",\"country\":\"BR\"}"
  echo "{\"user\":\"clock\",\"at\":$((t + 60000)),\"result\":\"success\",\"country\":\"NL\"}"
}
produce() { "$ktool" -k user produce "$logins"; }

await_line() { # await_line TEXT [COUNT]
  local deadline=$((SECONDS + 40))
  until [[ $(grep -c "$1" "$work/run.log") -ge ${2:-1} ]]; do
    ((SECONDS < deadline)) || fail "no line \"$1\""
    kill -0 "${running[0]}" 2>/dev/null || fail "the run has ended"
    sleep 0.1
  done
}
await_alerts() { "$ktool" -n "$1" --timeout-ms 40000 consume "$alerts" >"$work/alerts" ||
  fail "$1 alerts expected"; }

# At least once: what exactly once does in an outage is eos_outage.
"$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$alerts" --app "$id" --commit-every 100ms \
  --delivery at-least-once \
  --state "$work/state" "${broker[@]}" 2>"$work/run.log" &
running=($!)
attack ann 0 | produce
await_alerts 1

"$FYKE_BROKER" kill
await_line "input: no broker answers any more"
sleep 2
"$FYKE_BROKER" restart 3>&- # it must not keep what ctest waits for
await_line "input: the broker answers again"
attack bob 10 | produce
await_alerts 2

"$FYKE_BROKER" kill
await_line "input: no broker answers any more" 2
"$FYKE_BROKER" restart 3>&-
attack eve 20 | produce
await_alerts 3
await_line "input: the broker answers again" 2

[[ $(grep -c "input: no broker answers" "$work/run.log") == 2 ]] || fail "said more than once"
kill -TERM "${running[0]}"
rc=0
wait "${running[0]}" || rc=$?
running=()
[[ $rc == 0 ]] || fail "the stopped run ended with $rc"
[[ $(alerts "$alerts" | wc -l) == 3 ]] || fail "3 alerts expected: $(alerts "$alerts")"
echo "two outages, three alerts, each once"
