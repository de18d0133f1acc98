"""The networks on this machine's GPU: SHARP against upstream's own, Depth Anything 3, lifting, videos, codecs.

python bench/src/immichvr_bench/gpu.py --json gpu.json     (nothing of ours needs to be installed)
python bench/src/immichvr_bench/gpu.py --tiny --device cpu  (everything small, to see that it runs)

Weights are random: times do not depend on them. What is not installed becomes a row that says so.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_SOURCES = (
    "bench", "services/ai", "packages/splats", "packages/media", "packages/depth", "packages/inference",
    "packages/catalog", "packages/networks", "packages/video", "services/video-depth",
)  # fmt: skip
_SECTIONS = {
    "sharp": ("immichvr_bench.gpu_sharp", "measure"),
    "da3": ("immichvr_bench.gpu_depth", "measure_networks"),
    "lifting": ("immichvr_bench.gpu_depth", "measure_lifting"),
    "video": ("immichvr_bench.gpu_video", "measure"),
    "codecs": ("immichvr_bench.gpu_codecs", "measure"),
}


def main() -> int:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="a torch device")
    parser.add_argument("--tiny", action="store_true", help="tiny networks and pictures")
    parser.add_argument("--only", choices=tuple(_SECTIONS), action="append", help="one section; may be repeated")
    parser.add_argument("--minutes", type=float, default=7.0, help="after these, what is left is left out")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    _find_sources()

    import torch

    from immichvr_bench.gpu_absent import stand_in
    from immichvr_bench.gpu_report import Bench, as_json, machine

    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("torch sees no CUDA device here; --tiny --device cpu shows that everything runs", file=sys.stderr)
        return 1
    if device.type == "cpu" and not options.tiny:
        print("a network of this size takes minutes for a photo on a CPU; add --tiny", file=sys.stderr)
        return 1
    stand_in()
    if options.tiny:
        torch.set_num_threads(1)  # threads cost such small networks more than they bring
    start = time.monotonic()
    bench = Bench(device, options.tiny, start + 60 * options.minutes)
    print(", ".join(f"{name} {value}" for name, value in machine(device).items()))
    print("| part | what | result |\n|---|---|---|")
    for name in options.only or _SECTIONS:
        module, function = _SECTIONS[name]
        try:
            measure = getattr(importlib.import_module(module), function)
        except ImportError as error:
            with bench.row(name, "all of it"):
                raise error
        else:
            measure(bench)
    seconds = time.monotonic() - start
    print(f"{seconds:.0f} s in all")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(as_json(bench, seconds), indent=1) + "\n", encoding="utf-8")
    return 0


def _find_sources() -> None:
    """Our packages from their sources, where they are not installed."""
    sys.path.extend(str(_ROOT / part / "src") for part in _SOURCES)


if __name__ == "__main__":
    sys.exit(main())
