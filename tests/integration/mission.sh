#!/usr/bin/env bash
# The mission rule end to end: produced to a topic, evaluated, alerts read back from another topic.
source "$(dirname "$0")/common.sh"

logins=logins-$id alerts=alerts-$id
"$ktool" create "$logins" 3
"$ktool" create "$alerts" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"

# bob is attacked; eve fails from the country she then logs in from; dan fails too slowly. The last
# events move every partition's clock on.
cat >"$work/events.jsonl" <<'END'
{"user":"bob","at":1000,"result":"failure","country":"NL"}
{"user":"eve","at":1000,"result":"failure","country":"DE"}
{"user":"dan","at":1000,"result":"failure","country":"DE"}
{"user":"bob","at":61000,"result":"failure","country":"NL"}
{"user":"eve","at":61000,"result":"failure","country":"DE"}
{"user":"bob","at":121000,"result":"failure","country":"NL"}
{"user":"eve","at":121000,"result":"failure","country":"DE"}
{"user":"dan","at":251000,"result":"failure","country":"DE"}
{"user":"dan","at":301001,"result":"failure","country":"DE"}
{"user":"bob","at":310000,"result":"success","country":"BR"}
{"user":"eve","at":310000,"result":"success","country":"DE"}
{"user":"dan","at":310000,"result":"success","country":"BR"}
END
"$ktool" -k user produce "$logins" <"$work/events.jsonl"
for p in 0 1 2; do
  echo '{"user":"clock","at":9000000,"result":"success","country":"NL"}' |
    "$ktool" -p $p -k user produce "$logins"
done

# A guess from the topic fits, and sees what the messages are keyed by.
"$fyke" infer "${broker[@]}" "kafka:$logins" >"$work/guess.rules" || fail "no guess"
"$fyke" check "$work/guess.rules" >/dev/null || fail "the guess does not pass: $(cat "$work/guess.rules")"
grep -q 'user *: string key ' "$work/guess.rules" || fail "the key is not seen: $(cat "$work/guess.rules")"

"$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$alerts" --app "$id" --once \
  --state "$work/state" "${broker[@]}" 2>"$work/run.log" || fail "the run ended with $?"

alerts "$alerts" >"$work/alerts.jsonl"
[[ $(count "$work/alerts.jsonl") == 1 ]] || fail "one alert expected: $(cat "$work/alerts.jsonl")"
python3 - "$work/alerts.jsonl" <<'END' || fail "the alert is not the one expected"
import json, sys
envelope = json.loads(open(sys.argv[1]).read())
alert = envelope["payload"]
alert = json.loads(alert) if isinstance(alert, str) else alert
assert envelope["key"] == "bob", envelope["key"]
assert alert["rule"] == "mission" and alert["key"] == {"user": "bob"}, alert
assert alert["emit"] == {"failures": 3, "from": "BR"}, alert["emit"]
assert alert["detected"] == "1970-01-01T00:05:10.000Z", alert["detected"]
assert [e["step"] for e in alert["evidence"]] == ["fail", "fail", "fail", "ok"], alert["evidence"]
assert envelope["ts"] == 310000, envelope["ts"]
END
echo "one alert, with its evidence"
