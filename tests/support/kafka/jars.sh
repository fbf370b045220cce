# Sourced by broker and cluster, which say where skipped() notes the reason: the broker's jars, its
# virtual machine and its processes.
#
# FYKE_KAFKA_VERSION   3.9.2 (default) or 4.3.1
# FYKE_TEST_CACHE      where the jars are kept
# FYKE_KTOOL           the client built beside this file
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${FYKE_KAFKA_VERSION:-3.9.2}
cache=${FYKE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/fyke-test}/kafka-$version
# Start-up is all CPU: a small heap, one collector thread and the first compiler stage halve it.
jvm=(-Xms128m "-Xmx${heap:-384m}" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xss512k)
classes=(-Dlog4j.configuration="file:$here/log4j.properties"
         -Dlog4j2.configurationFile="file:$here/log4j2.properties" -cp "$cache/*")

skip() {
  skipped "$*"
  echo "SKIPPED: $*"
  exit 77
}

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

ktool() {
  local tool=${FYKE_KTOOL:-}
  if [[ -z $tool ]]; then
    tool=$(find "$here/../../../build" -name ktool -type f -perm -u+x 2>/dev/null | sort | head -n 1)
  fi
  [[ -x $tool ]] || fail "no ktool; build it and set FYKE_KTOOL"
  "$tool" "$@"
}

# A pid alone may belong to someone else by now; the kernel's start time tells. Nothing for a process
# that has ended and that nobody has asked about yet.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  awk '$1 != "Z" { print $20 }' <<<"$stat"
}

# note_process FILE PID
note_process() { echo "$2 $(start_time "$2")" >"$1"; }

# The process noted in FILE, if it still runs.
process_of() {
  local pid started
  [[ -f $1 ]] || return 1
  read -r pid started <"$1" && [[ -n $started ]] || return 1
  [[ $(start_time "$pid") == "$started" ]] || return 1
  echo "$pid"
}

# end_process FILE [KILL]: ends the process noted there and waits until it is gone.
end_process() {
  local pid signal=${2:-TERM} deadline=$((SECONDS + 10))
  pid=$(process_of "$1") || return 0
  kill -"$signal" "$pid" 2>/dev/null || true
  kill -CONT "$pid" 2>/dev/null || true # one that is stopped would not end
  while process_of "$1" >/dev/null; do
    if ((SECONDS >= deadline)); then
      kill -KILL "$pid" 2>/dev/null || true
      deadline=$((SECONDS + 10))
    fi
    sleep 0.05
  done
}

need_java() { command -v java >/dev/null || skip "no java"; }

fetch() {
  [[ $version == 3.9.2 || $version == 4.3.1 ]] || fail "FYKE_KAFKA_VERSION is 3.9.2 or 4.3.1"
  [[ -f $cache/complete ]] && return
  command -v mvn >/dev/null || skip "no mvn, and no broker jars in $cache"
  mkdir -p "$(dirname "$cache")"
  local staging
  staging=$(mktemp -d "$cache.XXXXXX")
  if ! timeout 360 mvn -q -B \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -f "$here/pom.xml" -P "kafka-$version" -DoutputDirectory="$staging" -DincludeScope=runtime \
    >"$staging/log" 2>&1; then
    tail -n 5 "$staging/log" >&2
    rm -rf "$staging"
    skip "the broker's jars could not be downloaded"
  fi
  touch "$staging/complete"
  # Two runs may fetch at once; the one that comes second finds the work done.
  if ! mv -T "$staging" "$cache" 2>/dev/null; then
    rm -rf "$staging"
    [[ -f $cache/complete ]] || fail "cannot write $cache"
  fi
}

# format_storage PROPERTIES LOG [OPTION…]
format_storage() {
  local properties=$1 log=$2
  shift 2
  java "${jvm[@]}" "${classes[@]}" kafka.tools.StorageTool format -t 9bFsBtDmSQaLBkbCdxtJ4A \
    -c "$properties" "$@" >"$log" 2>&1 || { cat "$log" >&2; fail "storage format"; }
}

# launch_broker PROPERTIES LOG PIDFILE
launch_broker() {
  java "${jvm[@]}" "${classes[@]}" kafka.Kafka "$1" </dev/null >>"$2" 2>&1 &
  local pid=$!
  disown "$pid"
  note_process "$3" "$pid"
}
