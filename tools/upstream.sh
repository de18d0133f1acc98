#!/bin/sh
# Makes .venv/upstream, an environment over .venv that has upstream's own SHARP too, and what Depth Anything 3 needs to
# make Gaussians its own way. Safe to run again.
#
# SHARP_SOURCE=~/ml-sharp   a checkout, instead of GitHub
set -eu
cd "$(dirname "$0")/.."

revision=1eaa046834b81852261262b41b0919f5c1efdd2e
source="${SHARP_SOURCE:-git+https://github.com/apple/ml-sharp@$revision}"
upstream=.venv/upstream

[ -x "$upstream/bin/python" ] || .venv/bin/python -m venv "$upstream"
sites='import sysconfig; print(sysconfig.get_paths()["purelib"])'
echo "import site; site.addsitedir('$(.venv/bin/python -c "$sites")')" >"$("$upstream/bin/python" -c "$sites")/base.pth"

# Without dependencies: they would bring another torch. What its network and its files need is named here; the rest
# is for rendering. Of torchvision, the release that belongs to torch.
torch="$(.venv/bin/python -c 'import torch; print(torch.__version__.split("+")[0])')"
case "$torch" in
  2.13.*) torchvision=0.28.0 ;;
  *) echo "torch $torch: which torchvision belongs to it is not written down here." >&2; exit 1 ;;
esac
.venv/bin/python -c 'import uv' 2>/dev/null || .venv/bin/python -m pip install -q uv==0.13.8
.venv/bin/uv pip install -q --python "$upstream/bin/python" --no-deps \
  "sharp @ $source" timm==1.0.20 "torchvision==$torchvision" plyfile==1.1.5 click==8.5.1 \
  matplotlib==3.11.2 contourpy cycler fonttools kiwisolver pyparsing python-dateutil six \
  evo==1.38.1 natsort==8.4.0 colorama==0.4.6 e3nn==0.6.0 opt-einsum==3.4.0 opt-einsum-fx==0.1.4
