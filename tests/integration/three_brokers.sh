#!/usr/bin/env bash
# Three brokers while the engine runs: the leader is killed, stopped, moved; the network is cut, answers
# get lost, connections are reset. Every attack gives its alert, none a second one.
brokers=(3)
source "$(dirname "$0")/own_brokers.sh"
logins=logins alerts=alerts
"$ktool" create "$logins" 2
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"

minute=0
attack() { # attack USER: past the brokers' broken network
  local t=$((minute * 60000)) i
  minute=$((minute + 10))
  {
    for i in 0 1 2; do
      echo "{\"user\":\"$1\",\"at\":$((t + i * 1000)),\"result\":\"failure\",\"country\":\"NL\"}"
    done
    echo "{\"user\":\"$1\",\"at\":$((t + 9000)),\"result\":\"success\",\"country\":\"BR\"}"
  } | "$ktool" -b "$FYKE_TEST_ADMIN" -k user produce "$logins"
  for i in 0 1; do
    echo "{\"user\":\"clock\",\"at\":$((t + 60000)),\"result\":\"success\",\"country\":\"NL\"}" |
      "$ktool" -b "$FYKE_TEST_ADMIN" -p $i -k user produce "$logins"
  done
}

seen=0
step() { # step NAME: what was done before must not keep an attack from its alert
  attack "$1"
  seen=$((seen + 1))
  "$ktool" -b "$FYKE_TEST_ADMIN" --committed -n $seen --timeout-ms 40000 consume "$alerts" \
    >"$work/alerts" || fail "no alert for $1"
  kill -0 "${running[0]}" 2>/dev/null || fail "the run has ended at: $1"
  echo "$1: alert after ${SECONDS} s"
}

"$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$alerts" --app "$id" --commit-every 100ms \
  --state "$work/state" "${broker[@]}" 2>"$work/run.log" &
running=($!)
step calm

leader=$("$cluster" leader "$logins" 0)
"$cluster" move "$logins" 0 $((leader % 3 + 1))
"$cluster" move "$alerts" 0 $((leader % 3 + 1))
step leader-moved

"$cluster" cut
sleep 2
attack during-the-cut
seen=$((seen + 1))
"$cluster" mend
step network-back

"$cluster" mute
attack answers-lost
seen=$((seen + 1))
sleep 2
"$cluster" drop
"$cluster" mend
step after-the-loss

leader=$("$cluster" leader "$logins" 0)
"$cluster" kill "$leader"
step leader-killed
"$cluster" restart "$leader" 3>&-
step leader-back

if [[ ${FYKE_LONG:-} == 1 ]]; then
  for topic in "$alerts" "$logins"; do
    leader=$("$cluster" leader "$topic" 0)
    "$cluster" pause "$leader"
    step "$topic-leader-stopped"
    "$cluster" resume "$leader"
    step "$topic-leader-goes-on"
    "$cluster" move "$topic" 0 "$leader"
    "$cluster" refuse "$leader"
    attack "$topic-refused"
    seen=$((seen + 1))
    sleep 3
    "$cluster" mend "$leader"
    step "$topic-mended"
  done
fi

kill -TERM "${running[0]}"
rc=0
wait "${running[0]}" || rc=$?
running=()
[[ $rc == 0 ]] || fail "the stopped run ended with $rc"
"$ktool" --committed consume "$alerts" >"$work/alerts"
[[ $(count "$work/alerts") == "$seen" ]] || fail "$seen alerts expected, $(count "$work/alerts") came"
[[ $(grep -o '"key":"[a-z-]*"' "$work/alerts" | sort -u | wc -l) == "$seen" ]] || fail "an alert twice"
echo "$seen attacks, $seen alerts"
