"""The service as a process."""

import subprocess
import sys

CHECK = """
import sys
from immichvr_video_depth.service import register
from immichvr_video_depth.settings import VideoDepthSettings
VideoDepthSettings()
print(sorted({"av", "cv2", "numba", "torch", "transformers"} & set(sys.modules)))
"""


def test_what_waits_for_jobs_has_loaded_nothing_that_only_a_job_needs() -> None:
    told = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
