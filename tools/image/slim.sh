#!/bin/sh
# Takes out of an image's environment what is of no use without a compiler or a test runner:
#   slim.sh /opt/venv
# Headers, torch's own test programs, folders of tests, and symbols for debuggers in the largest libraries.
set -eu
cd "$1"/lib/python3*/site-packages
find . -type d -name tests -not -path './immichvr*' -prune -exec rm -rf {} +
if [ -d torch ]; then
  rm -rf torch/include torch/test
  # torch looks for this one program at its start.
  find torch/bin -type f ! -name torch_shm_manager -delete
fi
# Of those alone that no tool for wheels has edited: what patchelf has moved about, strip may break.
for library in torch/lib/libtorch_cpu.so llvmlite/binding/libllvmlite.so zstandard/*.so; do
  [ ! -e "$library" ] || strip --strip-unneeded "$library"
done
