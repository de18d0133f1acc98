#!/bin/sh
# Makes .venv with every package and service in it. Safe to run again.
set -eu
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
command -v "$python" >/dev/null || { echo "setup: Python 3.11 or newer is needed and '$python' was not found." >&2; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "setup: Python 3.11 or newer is needed; '$python' is $("$python" -V 2>&1)." >&2; exit 1; }
[ -x .venv/bin/python ] || "$python" -m venv .venv || { echo "setup: the venv module is missing; on Debian or Ubuntu: apt install python3-venv." >&2; exit 1; }
.venv/bin/python -c 'import uv' 2>/dev/null || .venv/bin/python -m pip install -q uv==0.13.8

# torch is the one heavy dependency. A wheel in pip's find-links folder is used where one is configured;
# otherwise TORCH_BACKEND (cpu, cu130, auto) picks the build, and without it a machine with no NVIDIA driver gets cpu.
links="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)}}"
backend="${TORCH_BACKEND:-}"
if [ -z "$backend" ] && [ -z "$links" ] && [ "$(uname -s)" = Linux ]; then
  backend=auto
fi

set -- -c constraints.txt --group dev
for part in packages/proto packages/common packages/media packages/models packages/splats \
            services/ai services/converter services/gateway packages/local bench; do
  set -- "$@" -e "$part"
done
VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install -q "$@" \
  ${links:+--find-links "$links"} ${backend:+--torch-backend="$backend"}
