"""After `warm()` nothing is left to compile, or to load from the cache, when the first request comes."""

import subprocess
import sys

from immichvr_splats import write

SCRIPT = """
import sys
from numba.core.registry import CPUDispatcher
from immichvr_splats import FORMATS, Camera, convert, light, lod, read, to_bytes, warm


def compiled():
    modules = [module for name, module in sys.modules.items() if name.startswith("immichvr_splats")]
    kernels = {k for module in modules for k in vars(module).values() if isinstance(k, CPUDispatcher)}
    return {f"{k.py_func.__module__}.{k.__name__}{signature}" for k in kernels for signature in k.signatures}


warm()
before = compiled()
for path in sys.argv[1:]:
    cloud = read(path).cloud
    for key, row in FORMATS.items():
        if row.can_write and row.can_read:
            read(to_bytes(cloud, key), key)
            convert(path, None, to=key)
    for level in (0, 1, 2):
        read(to_bytes(cloud, "ksplat", level=level), "ksplat")
    for version in (2, 3, 4):
        read(to_bytes(cloud, "spz", order="morton", frame="rub", version=version), "spz", frame="rub")
    lod(cloud, 5)
    light(cloud, camera=Camera(60, 60, 40, 30, 80, 60))
sys.exit("\\n".join(compiled() - before) or 0)
"""


def test_no_conversion_compiles_anything_after_warming(tmp_path, make_cloud, camera):
    write(make_cloud(2100, degree=3), tmp_path / "inria.ply")
    write(make_cloud(20, camera=camera), tmp_path / "sharp.ply")
    files = [str(path) for path in sorted(tmp_path.iterdir())]
    done = subprocess.run([sys.executable, "-c", SCRIPT, *files], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
