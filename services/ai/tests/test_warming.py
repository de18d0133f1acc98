"""After all its steps ahead a child compiles nothing more, and loads no kernel, for what photos and frames need."""

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
import immichvr_splats
from PIL import Image
from numba.core.registry import CPUDispatcher
from immichvr_ai.jobs import perform
from immichvr_ai.live.models import BuiltIn
from immichvr_ai.live.pipeline import FramePipeline
from immichvr_ai.live.protocol import Frame, Hello
from immichvr_ai.render import renderers
from immichvr_ai.warming import steps
from immichvr_common.tasks import Task


def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("immichvr_")]
    kernels = {k for module in modules for k in vars(module).values() if isinstance(k, CPUDispatcher)}
    return {f"{k.py_func.__module__}.{k.__name__}{signature}" for k in kernels for signature in k.signatures}


for _ in steps():
    pass
before = compiled()
folder = Path(sys.argv[1])
picture = Image.effect_noise((200, 150), 90).convert("RGB")
picture.save(folder / "source.jpg")
perform(Task("splat", {"model": "lift-heuristic"}, {"source": folder / "source.jpg"}, folder), lambda *_: None)
frame = Frame(type="frame", seq=1, t=0.0, jpeg=(folder / "source.jpg").read_bytes())
for format in ("spark16", "fp16", "fp32", "spz"):
    hello = Hello(type="hello", version=1, format=format, max_gaussians=500, process_res=128)
    pipeline = FramePipeline(hello, BuiltIn("heuristic", "", ""))
    pipeline.pack(frame, "gaussians", pipeline.infer(pipeline.decode(frame), "gaussians"))
[spz] = folder.glob("*.spz")
cloud = immichvr_splats.read(spz).cloud
renderers.MOST_ON_CPU = 50
renderers.open_renderer(cloud, on_gpu=False)
immichvr_splats.Reduction(cloud, immichvr_splats.Camera(200, 200, 100, 75, 200, 150)).to(50)
sys.exit("\\n".join(sorted(compiled() - before)) or 0)
"""


def test_neither_a_photo_nor_a_live_frame_waits_for_a_kernel(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
