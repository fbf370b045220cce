# Sourced in place of common.sh by tests with brokers of their own (tests/support/kafka/cluster).
# Set `brokers` before: the arguments of "cluster start".
# FYKE_LONG=1: the test runs once per broker version and takes its long form.
set -euo pipefail
cluster=$FYKE_CLUSTER
if [[ ${FYKE_LONG:-} == 1 && -z ${FYKE_KAFKA_VERSION:-} ]]; then
  for FYKE_KAFKA_VERSION in 3.9.2 4.3.1; do
    echo "Kafka $FYKE_KAFKA_VERSION"
    FYKE_KAFKA_VERSION=$FYKE_KAFKA_VERSION "$0" "$@"
  done
  exit
fi
FYKE_CLUSTER_DIR=$(mktemp -d)
export FYKE_CLUSTER_DIR FYKE_CLUSTER_OWNER=$$
trap '"$cluster" stop; rm -rf "$FYKE_CLUSTER_DIR"' EXIT
"$cluster" start "${brokers[@]}"
eval "$("$cluster" env)"
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
trap 'cleanup; "$cluster" stop; rm -rf "$FYKE_CLUSTER_DIR"' EXIT
