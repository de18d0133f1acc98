"""The service as a process."""

import subprocess
import sys

CHECK = """
import sys
from immichvr_inpaint.service import register
from immichvr_inpaint.settings import InpaintSettings
InpaintSettings()
print(sorted({"av", "cv2", "numba", "pycolmap", "torch", "transformers"} & set(sys.modules)))
"""


def test_what_waits_for_jobs_has_loaded_nothing_that_only_a_job_needs() -> None:
    told = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
