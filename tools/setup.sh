#!/bin/sh
# Makes .venv with every package and service in it. Safe to run again.
#
# PYTHON=python3.12     another interpreter
# TORCH_BACKEND=cpu     the build of torch: cpu, cu130, …, auto, or `default` for the package index's own
# INSTALLER=pip         pip instead of uv (slower; needs nothing but PyPI)
set -eu
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
if ! command -v "$python" >/dev/null; then
  echo "Python 3.11 or newer is needed and '$python' was not found: see https://www.python.org/downloads, or install your distribution's python3 and python3-venv packages." >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python 3.11 or newer is needed; '$python' is $("$python" -V 2>&1). PYTHON=/path/to/python3.11 make setup takes another one." >&2
  exit 1
fi
# Without Debian's python3-venv an environment is made that has no pip: it is not taken for a whole one.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  rm -rf .venv
  if ! "$python" -m venv .venv; then
    rm -rf .venv
    echo "The venv module of '$python' is missing: on Debian or Ubuntu, apt install python3-venv." >&2
    exit 1
  fi
fi

# shellcheck disable=SC2046 # a list of words on purpose
set -- -c constraints.txt $(.venv/bin/python tools/workspace.py editable)

# torch is the one heavy dependency. A wheel in pip's find-links folder is used where one is configured;
# otherwise the build is the one that fits the machine.
links="${UV_FIND_LINKS:-${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null || true)}}"
backend="${TORCH_BACKEND:-}"
if [ -z "$backend" ] && [ -z "$links" ] && [ "$(uname -s)" = Linux ]; then
  backend=auto
fi
[ "$backend" != default ] || backend=

quiet=-q
[ ! -t 2 ] || quiet= # in a terminal the installers show how far they are

if [ "${INSTALLER:-uv}" = pip ]; then
  index=
  if [ "$backend" = auto ]; then
    command -v nvidia-smi >/dev/null && backend= || backend=cpu
  fi
  [ -z "$backend" ] || index="https://download.pytorch.org/whl/$backend"
  .venv/bin/python -m pip install -q --upgrade 'pip>=25.1'
  .venv/bin/python -m pip install $quiet "$@" --group dev ${index:+--extra-index-url "$index"}
else
  .venv/bin/python -c 'import uv' 2>/dev/null || .venv/bin/python -m pip install -q uv==0.13.8
  VIRTUAL_ENV="$PWD/.venv" .venv/bin/uv pip install $quiet "$@" --group dev \
    ${links:+--find-links "$links"} ${backend:+--torch-backend="$backend"}
fi
# Always by pip, which can be told to pass over its metadata's claim that Python ends with 3.13.0.
for file in $(.venv/bin/python tools/workspace.py unbound); do
  .venv/bin/python -m pip install -q --no-deps --require-hashes --ignore-requires-python -r "$file"
done
