# Sourced by the Kafka tests: names of their own, a work directory, helpers.
# $1 of every test: the fyke binary. FYKE_KTOOL, FYKE_TEST_BOOTSTRAP: tests/support/kafka.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
fyke=$1
ktool=$FYKE_KTOOL
broker=(-X "bootstrap.servers=$FYKE_TEST_BOOTSTRAP")
id=$(basename "$0" .sh)-$$
work=$(mktemp -d)
running=()
exec 3>&2 # what is said must not depend on who silences the shell's "Killed"

cleanup() {
  local pid
  for pid in "${running[@]:-}"; do
    [[ -z $pid ]] || kill -9 "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT

fail() {
  printf 'FAILED: %s\n' "$*" >&3
  tail -n 20 "$work"/*.log >&3 2>/dev/null || true
  exit 1
}

# Lines of a file, 0 when it is not there.
count() { [[ -f $1 ]] && wc -l <"$1" || echo 0; }

# Alerts on a topic so far, as envelopes.
alerts() { "$ktool" --committed consume "$1"; }

# The match ids on a topic, sorted, repeats once; to compare with those of a file of alerts.
topic_ids() { alerts "$1" | python3 "$here/match_ids.py" --kcat; }
file_ids() { python3 "$here/match_ids.py" <"$1"; }

# The same ids in both files, or the differences and the end.
same_ids() {
  [[ -s $1 ]] || fail "the reference has no alert"
  diff "$1" "$2" >"$work/diff" || fail "alerts differ (<: lost, >: invented): $(head -n 20 "$work/diff")"
}

# Generated traffic on topics of this test with 3 partitions each: rules in $work/rules, the topics
# in `topics`. The last record of every partition lies a day behind all others, so that whatever can
# be decided is decided, live as in a file.
load_traffic() {
  local file topic p
  declare -A key=([auth.logins]=user [payments]=card [accounts]=user [orders]=order_id
                  [heartbeats]=host)
  declare -A time=([auth.logins]=@timestamp)
  declare -A more=([auth.logins]=',"result":"success"' [accounts]=',"action":"none"'
                   [payments]=',"user":"clock","amount":1,"currency":"EUR","status":"approved"'
                   [orders]=',"kind":"paid"')
  "$fyke" gen fraud --seed "$2" --events "$1" --out "$work/traffic" 2>"$work/gen.log"
  cp -r "$here/../../examples/fraud/rules" "$work/rules"
  local clock
  clock=$(date -u -d "$(cat "$work"/traffic/*.jsonl | grep -o '"2[0-9-]*T[0-9:.]*Z"' | tr -d '"' |
    sort | tail -n 1) + 1 day" +%Y-%m-%dT%H:%M:%SZ)
  # Many small alerts, so that every commit has some.
  cat >"$work/rules/often.rules" <<'END'
language 1
import "events.rules"

rule often {
  severity info
  for each card within 2 hours
  when Payment as first where amount < 20
  then Payment as second where amount > first.amount
  emit alert { amount = second.amount }
}
END
  topics=()
  for file in "$work"/traffic/*.jsonl; do
    topic=$(basename "$file" .jsonl)
    [[ $topic != labels ]] || continue
    sed -i "s/\"$topic\"/\"$topic-$id\"/" "$work/rules/events.rules"
    "$ktool" create "$topic-$id" 3
    "$ktool" -k "${key[$topic]}" produce "$topic-$id" <"$file"
    for p in 0 1 2; do
      echo "{\"${time[$topic]:-at}\":\"$clock\",\"${key[$topic]}\":\"clock-$p\"${more[$topic]:-}}" |
        "$ktool" -p $p -k "${key[$topic]}" produce "$topic-$id"
    done
    topics+=("$topic-$id")
  done
  "$ktool" create "alerts-$id" 1
}

# reference FILE [options]: the alerts of a file run over what the topics hold.
reference() {
  local topic to=$1
  shift
  for topic in "${topics[@]}"; do
    "$ktool" --committed consume "$topic"
  done >"$work/input.kcat"
  "$fyke" run -r "$work/rules" -i "$work/input.kcat" --input-format kcat -o "$to" -q "$@" \
    2>"$work/reference.log" || fail "the reference run ended with $?"
}
