"""After compiling ahead nothing is left to compile, or to load from the cache, when the first clip is made."""

import subprocess
import sys

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
from immichvr_depth import DepthMap
from immichvr_video_depth.motion.ahead import compile_ahead
from immichvr_video_depth.motion.camera import PATHS, Travel
from immichvr_video_depth.motion.clip import make_clip
from numba.core.registry import CPUDispatcher


def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("immichvr_")]
    kernels = {k for module in modules for k in vars(module).values() if isinstance(k, CPUDispatcher)}
    return {f"{k.py_func.__module__}.{k.__name__}{signature}" for k in kernels for signature in k.signatures}


compile_ahead()
before = compiled()
photo = np.random.default_rng(0).integers(0, 255, (60, 90, 3), np.uint8)
depth = DepthMap(np.where(photo[..., 0] > 60, np.float32(2), np.float32(6)), False, "heuristic", "1")
for path in PATHS:
    make_clip(photo, depth, 80.0, Travel(path, 0.2), Path(sys.argv[1], "clip.mp4"), lambda _: None)
sys.exit("\\n".join(compiled() - before) or 0)
"""


def test_no_clip_compiles_anything_after_compiling_ahead(tmp_path) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=170)
    assert (done.returncode, done.stderr) == (0, "")
