#!/bin/sh
# Starts the service of an image, $SERVICE; with the word `health`, asks the one that runs whether it is well.
# Where nobody has set it otherwise it listens on every address of the container; a setting that the service has not
# is passed over.
#
# A worker's gRPC then starts only with a caller: IMMICHVR_<SERVICE>_RPC__CALLERS__<NAME>__TOKEN_FILE and
# …__CALLS, see docs/security.md; RPC__HOST=127.0.0.1 needs none.
set -eu
snake="$(printf %s "$SERVICE" | tr - _)"
prefix="IMMICHVR_$(printf %s "$snake" | tr a-z A-Z)_"

default() {
  eval "export $prefix$1=\"\${$prefix$1-$2}\""
}

default LOG_JSON true
default HOST 0.0.0.0
default PORT 2284
default WEB /opt/web
default RPC__HOST 0.0.0.0
default RPC__PORT 50051
default METRICS__HOST 0.0.0.0
default METRICS__PORT 9090

if [ "${1:-}" = health ]; then
  exec python /opt/health.py "$prefix"
fi
# numba takes no cache directory that it cannot write to.
[ ! -d /opt/numba ] || cp -R /opt/numba /tmp/
exec python -m "immichvr_$snake"
