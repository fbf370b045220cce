# until COMMAND…: waits until it succeeds, 90 s at most.
until_true() {
  for _ in {1..1800}; do
    "$@" && return 0
    sleep 0.05
  done
  echo "waited in vain for: $*"
  return 1
}

# catches PID: it has installed its handlers, SIGUSR1's among them.
catches() {
  local mask
  mask=$(awk '$1 == "SigCgt:" { print $2 }' "/proc/$1/status")
  ((0x${mask:-0} & 0x200))
}
