#!/usr/bin/env bash
# A service's life over a real broker, started from a configuration file: ready when reading begins,
# alive and ready while the broker is away, drained by SIGTERM, ended in time when nothing can be
# committed; the next run goes on.
source "$(dirname "$0")/common.sh"
logins=logins-$id alerts=alerts-$id
"$ktool" create "$logins" 1
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"
cat >"$work/fyke.conf" <<END
rules = $work/mission.rules
input = kafka
output = kafka:$alerts
app = $id
state = $work/state
grace = 20s
log-format = json
quiet = true
stats = $work/stats.json
kafka.bootstrap.servers = $FYKE_TEST_BOOTSTRAP
END

attack() { # attack USER MINUTE
  local t=$(($2 * 60000)) i
  for i in 0 1 2; do
    echo "{\"user\":\"$1\",\"at\":$((t + i * 1000)),\"result\":\"failure\",\"country\":\"NL\"}"
  done
  echo "{\"user\":\"$1\",\"at\":$((t + 9000)),\"result\":\"success\",\"country\":\"BR\"}"
  echo "{\"user\":\"clock\",\"at\":$((t + 60000)),\"result\":\"success\",\"country\":\"NL\"}"
}
produce() { "$ktool" -k user produce "$logins"; }
await() { # await WHAT COMMAND…
  local deadline=$((SECONDS + 40)) what=$1
  shift
  until "$@"; do
    ((SECONDS < deadline)) || fail "$what"
    sleep 0.1
  done
}
await_alerts() { "$ktool" --committed -n "$1" --timeout-ms 40000 consume "$alerts" >"$work/alerts" ||
  fail "$1 alerts expected"; }
ready() { "$fyke" status -c "$work/fyke.conf" -q 2>"$work/status.log"; }
signs() { grep -c '^WATCHDOG=1' "$work/notified" || [[ $? -eq 1 ]]; } # none yet: 0
more_signs() { (($(signs) > $1)); }
begin() { # begin LOG OPTION…
  local log=$1
  shift
  env NOTIFY_SOCKET="$work/notify" WATCHDOG_USEC=1500000 "$fyke" run -c "$work/fyke.conf" "$@" \
    2>"$work/$log" &
  pid=$!
  running[1]=$pid
}
end() { # end: waits; the exit code in rc
  rc=0
  wait "$pid" || rc=$?
  running[1]=
}

python3 "$here/notified.py" "$work/notify" >"$work/notified" &
running=($!)
await "no socket" test -S "$work/notify"

begin first.log
await "never ready" ready
grep -q '^READY=1' "$work/notified" || fail "ready without a word to the service manager"
attack ann 0 | produce
await_alerts 1

# Nothing to read, nothing to write; then something that waits to be committed.
"$FYKE_BROKER" kill
before=$(signs)
await "no sign of life during the outage" more_signs $((before + 6))
ready || fail "a broker that is away makes it unready: $(cat "$work/status.log")"
kill -USR1 "$pid"
await "no statistics during the outage" test -s "$work/stats.json"
grep -q '"alerts_total":1' "$work/stats.json" || fail "statistics: $(cat "$work/stats.json")"
"$FYKE_BROKER" restart 3>&-
attack bob 10 | produce
await_alerts 2

from=$SECONDS
kill -TERM "$pid"
end
[[ $rc == 0 ]] || fail "drained with $rc"
((SECONDS - from < 20)) || fail "draining took $((SECONDS - from)) s"
grep -q '^STOPPING=1' "$work/notified" || fail "no STOPPING"
! ready || fail "ready after its end"

# Told to end while nothing can be committed: it ends within its grace time, and nothing is lost.
begin second.log --grace 4s
await "never ready again" ready
attack eve 20 | produce
"$FYKE_BROKER" kill
sleep 1
from=$SECONDS
kill -TERM "$pid"
end
((SECONDS - from < 12)) || fail "ending took $((SECONDS - from)) s"
echo "without a broker: exit $rc after $((SECONDS - from)) s"
[[ $rc == 0 || $rc == 4 ]] || fail "exit $rc"
"$FYKE_BROKER" restart 3>&-
begin third.log
await "never ready after the outage" ready # the second may have committed its alert already
await_alerts 3
kill -TERM "$pid"
end
[[ $rc == 0 ]] || fail "the third run ended with $rc"
[[ $(alerts "$alerts" | wc -l) == 3 ]] || fail "3 alerts expected: $(alerts "$alerts")"

for log in first second third; do
  python3 - "$work/$log.log" <<'END' || fail "no JSON: $(cat "$work/$log.log")"
import json
import sys
for line in open(sys.argv[1]):
    assert {"time", "level", "component", "message"} <= set(json.loads(line)), line
END
done
grep -q '"message":"ready"' "$work/first.log" || fail "no line says ready"
echo "a life with two outages: three alerts, each once"
