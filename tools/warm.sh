#!/bin/sh
# Compiles the services' kernels into numba's cache, ahead of their first jobs. Safe to run again.
set -eu
cd "$(dirname "$0")/.."

for module in $(.venv/bin/python tools/workspace.py warming); do
  .venv/bin/python -m "$module"
done
