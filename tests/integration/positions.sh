#!/usr/bin/env bash
# Where reading starts and goes on: --start, a pinned first start, partitions that were added,
# transactions (aborted records, markers at the end, one that is still open).
source "$(dirname "$0")/common.sh"
logins=logins-$id alerts=alerts-$id
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"
event() { echo "{\"user\":\"$1\",\"at\":$2,\"result\":\"$3\",\"country\":\"$4\"}"; }
read_once() { # read_once STATE [options]: records read
  local state=$1
  shift
  "$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$alerts" --app "$id-$state" --once -q \
    --state "$work/$state" --stats "$work/stats.json" "${broker[@]}" "$@" 2>"$work/run.log" ||
    fail "the run ended with $?"
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["records"])' "$work/stats.json"
}
expect() { [[ $2 == "$3" ]] || fail "$1: $2 instead of $3"; }

"$ktool" create "$logins" 1
expect "an empty topic" "$(read_once a)" 0
event u 1000 failure NL | "$ktool" -p 0 -k user -t at produce "$logins"
event u 2000 failure NL | "$ktool" -p 0 -k user -t at produce "$logins"
event u 3000 failure NL | "$ktool" -p 0 -k user -t at produce "$logins" --txn "$id" --abort
expect "aborted records at the end" "$(read_once a)" 2
expect "nothing new" "$(read_once a)" 0
expect "latest" "$(read_once b --start latest)" 0
expect "a time" "$(read_once c --start 1970-01-01T00:00:02Z)" 1
expect "a time after all" "$(read_once d --start 2100-01-01T00:00:00Z)" 0
event u 4000 success BR | "$ktool" -p 0 -k user -t at produce "$logins" --txn "$id"
expect "latest is where it was at the first start" "$(read_once b --start latest)" 1
expect "so is a time" "$(read_once d --start 2100-01-01T00:00:00Z)" 1
expect "after a transaction" "$(read_once a)" 1
"$ktool" trim "$logins" 0 6
expect "markers alone were removed behind the position" "$(read_once a)" 0
grep -q . "$work/run.log" && fail "something was said"
echo "first starts are pinned; transactions leave no trace"
