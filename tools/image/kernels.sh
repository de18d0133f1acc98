#!/bin/sh
# Installs what a service needs where there is CUDA, with gsplat's kernels compiled, into the environment of an image:
#   kernels.sh cu130 "8.0;8.6"
# Run in the folder of cuda.txt. No GPU is needed for it.
#
# From its source, since the wheel of the package index holds none: there they are compiled at the first use, by a
# compiler that an image has not. Kept by TORCH_EXTENSIONS_DIR they would not do: gsplat looks for the compiler first.
set -eu
backend="$1" architectures="$2"
case "$backend" in cu*) ;; *) exit 0 ;; esac
[ -s cuda.txt ] || exit 0
uv pip install --no-cache --torch-backend="$backend" -c constraints.txt -r cuda.txt
grep -q '^gsplat' cuda.txt || exit 0

cuda="${backend#cu}"
cuda="${cuda%?}.${cuda#"${cuda%?}"}" # cu130 is CUDA 13.0
apt-get update
apt-get install --yes --no-install-recommends g++ ninja-build
# Each of the same release: what the compiler asks for by itself is the newest, which does not fit it.
uv pip install --no-cache setuptools wheel numpy "nvidia-cuda-nvcc==$cuda.*" "nvidia-cuda-cccl==$cuda.*" \
  "nvidia-cuda-crt==$cuda.*" "nvidia-nvvm==$cuda.*" "nvidia-cuda-runtime==$cuda.*"
CUDA_HOME="$(echo "$VIRTUAL_ENV"/lib/python3*/site-packages/nvidia/cu*)"
export CUDA_HOME TORCH_CUDA_ARCH_LIST="$architectures" MAX_JOBS=4 PATH="$CUDA_HOME/bin:$PATH"
uv pip install --no-cache --no-deps --no-build-isolation --no-binary gsplat --reinstall-package gsplat \
  -c constraints.txt gsplat
# torch itself needs the runtime and setuptools.
uv pip uninstall nvidia-cuda-nvcc nvidia-cuda-cccl nvidia-cuda-crt nvidia-nvvm wheel
