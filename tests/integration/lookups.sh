#!/usr/bin/env bash
# A lookup from a compacted topic: newest record per key, deletions, aborted records, the same content
# after a restart, new content after a restart and after a refresh.
source "$(dirname "$0")/common.sh"
logins=logins-$id home=home-$id alerts=alerts-$id
"$ktool" create "$logins" 1
"$ktool" create "$home" 2 cleanup.policy=compact
"$ktool" create "$alerts" 1
rules() { # rules REFRESH
  cat >"$work/home.rules" <<EOF
language 1
event Login from topic "$logins" { user : string key  at : timestamp in ms event time  country : string }
lookup home : string to set of string from topic "$home" $1
rule away { for each user  when Login as l where country not in home[user]
  emit alert { home = home[l.user] } }
EOF
}
login() { echo "{\"user\":\"$1\",\"at\":$2,\"country\":\"$3\"}" | "$ktool" -k user produce "$logins"; }
set_home() { printf '%s\n' "$@" | "$ktool" -K = -Z produce "$home"; }
run() { # background=1: in place of the shell that was forked for it, so that signals reach it
  ${background:+exec} "$fyke" run -r "$work/home.rules" -i kafka -o "kafka:$alerts" --app "$id" --state "$work/state" \
    --commit-every 100ms --stats "$work/stats.json" "${broker[@]}" "$@" 2>>"$work/run.log"
}
got() { # users and homes of the alerts, in order
  "$ktool" --committed --payload consume "$alerts" | python3 -c '
import json, sys
for line in sys.stdin:
    a = json.loads(line)
    print(a["key"]["user"], a["detected"][17:19], ",".join(a["emit"]["home"]))'
}
generation() { python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["tables"][0]["generation"])' "$work/stats.json"; }
expect() { [[ $(got) == "$1" ]] || fail "alerts: $(got)"; }

set_home 'ann=["NL"]' 'bob=["NL"]' 'eve=["NL"]' 'bob=["DE","BE"]' 'eve='
printf 'ann=["XX"]\n' | "$ktool" -K = produce "$home" --txn "$id" --abort
login ann 1000 DE
login bob 2000 DE
login bob 3000 NL
login eve 4000 BR
rules ""
run --once -q || fail "the first run ended with $?"
first=$'ann 01 NL\nbob 03 DE,BE'
expect "$first"
before=$(generation)

login ann 5000 BR
run --once -q || fail "the second run ended with $?"
expect "$first"$'\nann 05 NL'
[[ $(generation) == "$before" ]] || fail "the generation changed without a record"
[[ ! -s $work/run.log ]] || fail "something was said"

set_home 'ann=["BR"]' 'nobody=x'
login ann 6000 BR
login ann 7000 NL
run --once -q || fail "the third run ended with $?"
second=$first$'\nann 05 NL\nann 07 BR'
expect "$second"
[[ $(generation) != "$before" ]] || fail "the generation stayed though a record came"
grep -q '`home` has changed since the last checkpoint: 2 entries now' "$work/run.log" ||
  fail "the change was not said"
grep -q '1 record cannot be used' "$work/run.log" || fail "the bad record was not said"

# Live: the content changes while events come.
rules "refresh every 1s"
background=1 run -q &
running+=($!)
pid=$!
login ann 8000 NL
third=$second$'\nann 08 BR'
for _ in $(seq 300); do [[ $(got) == "$third" ]] && break; sleep 0.1; done
expect "$third"
set_home 'ann=["NL","FR"]' 'bob='
refreshed() {
  kill -USR1 $pid
  sleep 0.2
  grep -q '"table_refreshes":[1-9]' "$work/stats.json" 2>/dev/null
}
for _ in $(seq 300); do refreshed && break; done
sleep 2 # the other partition's record, should a refresh have fallen between the two
login ann 9000 FR
login bob 10000 NL
login ann 11000 BR
for _ in $(seq 300); do [[ $(got) == "$third"$'\nann 11 NL,FR' ]] && break; sleep 0.1; done
expect "$third"$'\nann 11 NL,FR'
kill -TERM $pid
wait $pid || fail "the live run ended with $?"
python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))
# Two partitions, two records: a refresh may fall between them.
assert s["table_refreshes"] in (1, 2) and s["table_failures"] == 0, s' "$work/stats.json" ||
  fail "refreshes"
sort <("$ktool" --committed --payload consume "$alerts" | grep -o '"ruleset":"[0-9a-f]*"') | uniq -c |
  wc -l | grep -qx 4 || fail "alerts of four contents have four fingerprints"
echo "a lookup follows its topic, over restarts and while it runs"
