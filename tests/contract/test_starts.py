"""What a process has loaded when it begins to wait: nothing that only others need, or only other kinds of jobs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from immichvr_catalog import SERVICES

WORK = {"av", "cv2", "numba", "numpy", "PIL", "pycolmap", "scipy", "torch", "transformers"}
"""Libraries that compute: each takes memory of every process that imports it, and time of its start."""
THUMBNAILS = {"numpy", "PIL"}
"""Of these, what the gateway makes the previews of a folder's photos with."""
UNUSED = {"aiohttp", "requests", "rich", "websocket"}
"""What other libraries import where it is installed, for what no service does."""

AS_A_SERVICE = """
import runpy, sys
from immichvr_common.imports import service_imports

with service_imports():
    from immichvr_common import early, service

async def end(*given):
    pass

early.Child, service.serve = (lambda *given, **more: None), end
if sys.argv[1] == "immichvr_gateway":
    with service_imports():
        from immichvr_gateway import running
    running.run = lambda: None
runpy.run_module(sys.argv[1], run_name="__main__")
print(*sys.modules)
"""
"""The service up to where it begins to serve, without its first child."""
FOR_ITS_MODELS = """
import importlib, sys
importlib.import_module(f"{sys.argv[1]}.jobs")
print(*sys.modules)
"""


def loaded_by(code: str, module: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True, check=True)
    assert f"{module}.settings" in ran.stdout.split()
    return set(ran.stdout.split())


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES.keys())
def test_what_waits_for_work_has_loaded_nothing_that_only_the_work_needs(service) -> None:
    loaded = loaded_by(AS_A_SERVICE, service.module)
    assert loaded & WORK <= (set() if service.takes_jobs else THUMBNAILS)
    assert not loaded & UNUSED


@pytest.mark.parametrize(
    "service", [service for service in SERVICES.values() if service.runs_models], ids=lambda one: one.name
)
def test_a_child_that_only_fetches_a_model_has_loaded_nothing_that_computes(service) -> None:
    assert not loaded_by(FOR_ITS_MODELS, service.module) & WORK
