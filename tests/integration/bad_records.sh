#!/usr/bin/env bash
# Records that are no events: each is counted by its reason, the good ones around them still count.
source "$(dirname "$0")/common.sh"
logins=logins-$id alerts=alerts-$id
"$ktool" create "$logins" 1
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"
hex() { python3 -c 'import sys; sys.stdout.write(sys.argv[1].encode().hex())' "$1"; }
good() { hex "{\"user\":\"bob\",\"at\":$1,\"result\":\"$2\",\"country\":\"$3\"}"; echo; }
{
  good 1000 failure NL
  hex '{"user":"bob","at":2000,"resu'; echo               # truncated
  printf 'ff00fe\n'                                        # no UTF-8
  good 61000 failure NL
  hex '{"at":3000,"result":"failure","country":"NL"}'; echo  # no key field
  hex '{"user":"bob","result":"failure","country":"NL"}'; echo # no time
  hex '{"user":"bob","at":1e300,"result":"failure","country":"NL"}'; echo # absurd time
  hex '{"user":7,"at":4000,"result":"failure","country":"NL"}'; echo # wrong type
  python3 -c 'print(("[" * 100000).encode().hex())'        # deep nesting
  good 121000 failure NL
  good 310000 success BR
} | "$ktool" --hex produce "$logins"
echo 'bob|' | "$ktool" -K '|' -Z produce "$logins"         # null payload
echo '{"user":"clock","at":9000000,"result":"success","country":"NL"}' | "$ktool" produce "$logins"

"$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$alerts" --app "$id" --once \
  --state "$work/state" --stats "$work/stats.json" "${broker[@]}" 2>"$work/run.log" ||
  fail "the run ended with $?"
[[ $(alerts "$alerts" | wc -l) == 1 ]] || fail "the good records must still give one alert"
python3 - "$work/stats.json" <<'END' || fail "the counts are wrong: $(cat "$work/stats.json")"
import json, sys
s = json.load(open(sys.argv[1]))
bad = sum(s["invalid"].values()) if isinstance(s["invalid"], dict) else s["invalid"]
assert bad == 7, s["invalid"]
assert s["tombstones"] == 1, s
END
echo "7 refused by reason, one tombstone, one alert"
