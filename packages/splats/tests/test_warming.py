"""After `warm()` nothing is left to compile when the first request comes."""

import subprocess
import sys

from immichvr_splats import write

SCRIPT = """
import sys
from numba.core import event
from immichvr_splats import decimate, light, read, to_bytes, warm
warm()
with event.install_recorder("numba:compile") as recorder:
    for path in sys.argv[1:]:
        cloud = read(path).cloud
        for key in ("ply", "splat", "spz"):
            read(to_bytes(cloud, key), key)
        to_bytes(cloud, "spz", order="morton")
        decimate(cloud, 5)
sys.exit(len(recorder.buffer))
"""


def test_no_conversion_compiles_anything_after_warming(tmp_path, make_cloud, camera):
    write(make_cloud(20, degree=3), tmp_path / "inria.ply")
    write(make_cloud(20, camera=camera), tmp_path / "sharp.ply")
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *files], check=False, timeout=120)
    assert done.returncode == 0
