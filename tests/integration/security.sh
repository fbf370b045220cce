#!/usr/bin/env bash
# Logins and access rules on a real broker: the mission rule over every way to log in; every refusal
# is one line that says who needs what, at once, with exit code 4; what is revoked while running too.
brokers=(1 --secure alice noread describer nowrite nodelivery notxn nogroup nolog nocreate nocheck
         logreader noproducer revoked)
source "$(dirname "$0")/own_brokers.sh"
long=${FYKE_LONG:-}
certificates=$FYKE_TEST_CERTIFICATES
ktool="$ktool -b $FYKE_TEST_ADMIN"
logins=logins
$ktool create "$logins" 1
sed "s/@TOPIC@/$logins/" "$here/mission.rules" >"$work/mission.rules"

minute=0
attack() { # attack USER
  local t=$((minute * 60000)) i
  minute=$((minute + 10))
  {
    for i in 0 1 2; do
      echo "{\"user\":\"$1\",\"at\":$((t + i * 1000)),\"result\":\"failure\",\"country\":\"NL\"}"
    done
    echo "{\"user\":\"$1\",\"at\":$((t + 9000)),\"result\":\"success\",\"country\":\"BR\"}"
    echo "{\"user\":\"clock\",\"at\":$((t + 60000)),\"result\":\"success\",\"country\":\"NL\"}"
  } | $ktool -k user produce "$logins"
}

# What docs/kafka.md says that an application needs; each of the others lacks something.
rights() { # rights USER [WITHOUT]
  grep -vE "${2:-^$}" <<RIGHTS | sed "s/^/allow $1 /"
read topic $logins
write topic alerts*
read group fraud*
write transactionalid fraud*
read topic fraud*
write topic fraud*
describeconfigs topic fraud*
create topic fraud*
RIGHTS
}
{
  rights alice
  rights revoked
  rights noread "topic $logins"
  rights describer "topic $logins"
  rights nowrite alerts
  rights nodelivery alerts
  rights noproducer write
  rights nogroup group
  rights notxn transactionalid
  rights nolog "topic fraud"
  rights nocreate create
  rights nocheck describeconfigs
  rights logreader "write topic fraud"
  echo "allow describer describe topic $logins"
  echo "allow nodelivery describe topic alerts*"
  echo "allow noproducer describe topic alerts*"
} | "$cluster" admin

sasl=("bootstrap.servers=$FYKE_TEST_SASL" security.protocol=sasl_ssl
      "ssl.ca.location=$certificates/ca.pem")
tls=("bootstrap.servers=$FYKE_TEST_TLS" security.protocol=ssl
     "ssl.ca.location=$certificates/ca.pem")
scram() { # scram USER [PASSWORD [BITS]]
  login=("${sasl[@]}" "sasl.mechanism=SCRAM-SHA-${3:-512}" "sasl.username=$1"
         "sasl.password=${2:-$1-secret}")
}
plain() {
  login=("${sasl[@]}" sasl.mechanism=PLAIN "sasl.username=$1" "sasl.password=${2:-$1-secret}")
}
certificate() {
  login=("${tls[@]}" "ssl.certificate.location=$certificates/$1.pem"
         "ssl.key.location=$certificates/$1.key")
}

run=0
fyke_run() { # fyke_run ALERTS OPTION…, with `login`; the last process of the shell that it runs in
  local out=$1
  shift
  exec "$fyke" run -r "$work/mission.rules" -i kafka -o "kafka:$out" --app "fraud-$run" \
    --state "$work/state-$run" "${login[@]/#/-X}" "$@" 2>"$work/run.log"
}

works() { # works NAME, with `login`: the alert of what has been written so far
  local rc=0
  $ktool create "alerts-$1" 1
  run=$((run + 1))
  (fyke_run "alerts-$1" --once) || rc=$?
  [[ $rc == 0 ]] || fail "$1: the run ended with $rc"
  [[ $($ktool consume "alerts-$1" | grep -c '"key":"bob"') == 1 ]] || fail "$1: no alert about bob"
  grep -q 'kafka:' "$work/run.log" && fail "$1: something was said"
  echo "$1: works"
}

said() { # said NAME TEXT: exactly one line about Kafka, and it has this text
  [[ $(grep -c 'kafka:' "$work/run.log") == 1 ]] || fail "$1: one line expected"
  grep -qF -- "$2" "$work/run.log" || fail "$1: no \"$2\""
  echo "$1: $(grep 'kafka:' "$work/run.log" | cut -c 1-200)"
}

refused() { # refused NAME TEXT [OPTION…], with `login`
  local rc=0 from=$EPOCHREALTIME
  run=$((run + 1))
  (fyke_run alerts --once "${@:3}") || rc=$?
  [[ $rc == 4 ]] || fail "$1: exit code 4 expected, not $rc"
  said "$1" "$2"
  # Far below the ten seconds that a broker is waited for.
  (((${EPOCHREALTIME/./} - ${from/./}) / 1000 < 5000)) || fail "$1: said too late"
}

$ktool create alerts 1
attack bob

# ---- logins ----
scram_works=yes
scram alice
if [[ ${FYKE_KAFKA_VERSION:-3.9.2} == 4.* ]] && ! (fyke_run alerts --once); then
  scram_works=no
  said "SCRAM on Kafka 4" "cannot log in with SCRAM to Kafka 4.0 or newer, even with the right password"
else
  works scram
  [[ -z $long ]] || { scram alice alice-secret 256 && works scram-256; }
fi
plain alice && works plain
certificate alice && works certificate

scram alice wrong && refused "SCRAM, wrong password" "refuses the login of user alice with SCRAM-SHA-512"
plain alice wrong && refused "PLAIN, wrong password" "refuses the login of user alice with PLAIN"
plain nobody && refused "no such user" "refuses the login of user nobody with PLAIN"
plain alice && login+=("ssl.ca.location=$certificates/stranger-ca.pem")
refused "unknown CA" "is not trusted: it does not come from the CA in ssl.ca.location"
login=("${tls[@]}") && refused "no certificate" "demands a client certificate"
certificate expired && refused "expired certificate" "refuses the client certificate"
certificate stranger && refused "certificate of a stranger" "refuses the client certificate"

# ---- rights ----
plain noread
refused "Read on the input" "topic $logins: not allowed: user noread needs the right Read on this topic"
plain describer
refused "Describe alone" "not allowed: user describer needs the right Read on this topic"
grep -qE "(positions of |reading )$logins" "$work/run.log" || fail "the topic is not named"
plain nowrite
refused "Write on the output" "topic alerts: not allowed: user nowrite needs the right Write on this topic"
plain nodelivery
refused "Describe alone on the output" "topic alerts: not allowed: user nodelivery needs the right Write on this topic"
certificate noread
refused "Read, by certificate" "topic $logins: not allowed: user of the client certificate needs the right Read on this topic"
plain notxn
refused "Write on the transactional id" "not allowed: user notxn needs the right Write on the transactional id fraud-$((run + 1)).solo"
plain nogroup
refused "Read on the group" "not allowed: user nogroup needs the right Read on the group fraud-$((run + 1))"
plain nolog
refused "Read on the changelog" "topic fraud-$((run + 1)).changelog: not allowed: user nolog needs the right Read on this topic"
plain nocreate
refused "Create on the changelog" "the changelog topic fraud-$((run + 1)).changelog cannot be made: not allowed: user nocreate needs the right Create on this topic"
plain logreader
refused "Write on the changelog" "topic fraud-$((run + 1)).changelog: not allowed: user logreader needs the right Write on this topic"

plain nocheck
run=$((run + 1))
(fyke_run alerts --once) || fail "a run that may not see its changelog's settings ended with $?"
said "DescribeConfigs on the changelog" "not allowed: user nocheck needs the right DescribeConfigs on this topic"
run=$((run - 1)) # the same application again
refused "Delete on the changelog" "fraud-$((run + 1)).changelog cannot be removed: not allowed: user nocheck needs the right Delete on this topic" --reset-state

# At least once: fewer rights.
plain noproducer
refused "Write on no topic" ": not allowed: user noproducer needs the right Write on this topic" --delivery at-least-once
plain nogroup
run=$((run + 1))
(fyke_run alerts --once --delivery at-least-once) || fail "a run without its group ended with $?"
said "Read on the group, at least once" "not allowed: user nogroup needs the right Read on the group fraud-$run"

# ---- while running ----
await_line() { # await_line COUNT TEXT
  local deadline=$((SECONDS + 20))
  until [[ $(grep -cF -- "$2" "$work/run.log") -ge $1 ]]; do
    ((SECONDS < deadline)) || fail "no line \"$2\""
    kill -0 "${running[0]}" 2>/dev/null || fail "the run has ended"
    sleep 0.1
  done
}
await_alerts() { # await_alerts TOPIC: one per attack so far
  $ktool -n $((minute / 10)) --timeout-ms 20000 consume "$1" >"$work/alerts" ||
    fail "$((minute / 10)) alerts expected"
}
start() { # start TOPIC
  run=$((run + 1))
  $ktool create "$1" 1
  fyke_run "$1" --commit-every 100ms &
  running=($!)
}

if [[ $scram_works == yes ]]; then
  scram revoked && start alerts-login
  await_alerts alerts-login
  echo "forget revoked SCRAM-SHA-512" | "$cluster" admin
  "$cluster" drop
  await_line 1 "kafka: input: 127.0.0.1:${FYKE_TEST_SASL#*:} refuses the login of user revoked"
  attack ann
  sleep 1
  echo "password revoked SCRAM-SHA-512 revoked-secret" | "$cluster" admin
  await_alerts alerts-login
  await_line 1 "input: the broker answers again"
  [[ $(grep -c 'input: .*refuses' "$work/run.log") == 1 ]] || fail "said more than once"
  [[ $(grep -c 'alerts: .*refuses' "$work/run.log") -le 1 ]] || fail "said more than once"
  grep -q 'no broker answers' "$work/run.log" && fail "said twice"
  kill -TERM "${running[0]}"
  wait "${running[0]}" || fail "the run ended with $?"
  running=()
  echo "a password that was revoked and given back: said, and nothing lost"
fi

plain revoked && start alerts-right
await_alerts alerts-right
echo "forbid revoked read topic $logins" | "$cluster" admin
attack eve
rc=0
wait "${running[0]}" || rc=$?
running=()
[[ $rc == 4 ]] || fail "a run whose right was taken away ended with $rc"
said "a right taken away" "not allowed: user revoked needs the right Read on this topic"
