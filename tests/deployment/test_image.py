"""The Dockerfile read and carried out, as far as a machine without an engine can."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from immichvr_catalog import SERVICES

from .conftest import ROOT

BUILD = ROOT / "tools/image/build.py"
READ = runpy.run_path(str(ROOT / "tools/image/dockerfile.py"))
TEXT = (ROOT / "Dockerfile").read_text("utf-8")
NOT_HERE = "not here: "


def stages(text: str = TEXT, **arguments: str) -> list[Any]:
    found: list[Any] = READ["stages"](text, arguments)
    return found


def words_of(stage: Any, word: str) -> list[str]:
    return [one.rest for one in stage.instructions if one.word == word]


@pytest.mark.skipif(shutil.which("hadolint") is None and not Path(sys.prefix, "bin/hadolint").exists(),
                    reason="hadolint's wheel is for Linux on x86-64")  # fmt: skip
def test_hadolint_has_nothing_to_say() -> None:
    program = shutil.which("hadolint") or str(Path(sys.prefix, "bin/hadolint"))
    linted = subprocess.run([program, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_an_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    last = stages(SERVICE="ai")[-1]
    assert words_of(last, "USER") == ["10001"]
    assert words_of(last, "HEALTHCHECK") != []
    assert not any("apt-get" in one or "uv pip" in one for one in words_of(last, "RUN"))
    assert "uninstall --yes pip" in words_of(last, "RUN")[0]


def test_bases_and_processors_are_of_ones_choice() -> None:
    digest = "python:3.11-slim-bookworm@sha256:" + "0" * 64
    read = stages(SERVICE="ai", PYTHON_IMAGE=digest, TORCH_BACKEND="cu130", CUDA_ARCHITECTURES="9.0")
    assert [stage.base for stage in read if stage.name != "web"] == [digest] * 3
    build = next(stage for stage in read if stage.name == "build")
    assert (build.arguments["TORCH_BACKEND"], build.arguments["CUDA_ARCHITECTURES"]) == ("cu130", "9.0")
    with pytest.raises(ValueError, match="there is no ARG PYTHON_IMAGEE"):
        stages(PYTHON_IMAGEE=digest)


def test_everything_of_others_in_an_image_is_held_to_hashes_but_for_builds_of_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    licences, hashes, workspace = map(importlib.import_module, ("licences", "hashes", "workspace"))
    held = re.findall(
        r"^([\w.-]+)==([^\s;]+).*\\\n    --hash=sha256:", (ROOT / workspace.HASHES).read_text(), re.MULTILINE
    )
    unbound = {
        line.partition("==")[0] for each in workspace.distributions(ROOT) for path in each.unbound
        for line in path.read_text("utf-8").splitlines() if "--hash=" in line
    }  # fmt: skip
    installed = {
        (workspace.normal(one.metadata["Name"]), one.version)
        for service in SERVICES for one in licences.installed_for(service)
    }  # fmt: skip
    free = {f"{name}=={version}" for name, version in installed - {*held} if name not in unbound}
    assert [one for one in sorted(free) if not hashes.OF_TORCH.match(one)] == [], "python tools/hashes.py"
    constraints = {line.partition(";")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert [name for name, version in held if f"{name}=={version}" not in constraints] == []


@pytest.mark.parametrize("service", [*SERVICES])
def test_every_step_of_every_service_s_image_is_one_that_is_carried_out(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ran: list[tuple[str, dict[str, str]]] = []

    class Noting:
        def __init__(self, *_: object) -> None: ...

        def run(self, words: list[str], variables: dict[str, str], **_: object) -> None:
            ran.append((words[-1], variables))

    monkeypatch.syspath_prepend(str(BUILD.parent))
    spec = importlib.util.spec_from_file_location("image_build", BUILD)
    assert spec is not None and spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    monkeypatch.setattr(build, "Sandbox", Noting)
    monkeypatch.setattr(build.Build, "_copy", lambda *_: None)
    read = stages(SERVICE=service)
    done = [step for step, _ in build.Build(read, tmp_path, 1).steps()]
    assert len(done) == sum(len(stage.instructions) for stage in read)
    wanted = [words for stage in read for words in words_of(stage, "RUN")]
    assert [words for words, _ in ran if words in wanted] == wanted
    assert next(variables for words, variables in ran if words == wanted[0])["SERVICE"] == service
    assert (ROOT / SERVICES[service].folder / "pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [("FROM a\nRUNN b", "line 2: RUNN is no instruction"), ("FROM a\nRUN b \\", "line 2: the file ends"),
     ("FROM a b c", "line 1: FROM a b c is not read")],
)  # fmt: skip
def test_what_is_not_understood_is_named(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        stages(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("$A-b", "1-b"), ("${A}b", "1b"), ("${B:-c}", "c"), ("${A:-c}", "1"), ("${A:+--a=x}", "--a=x"), ("${B:+c}", "")],
)
def test_variables_are_put_in_as_a_builder_does(text: str, value: str) -> None:
    assert READ["substituted"](text, {"A": "1"}) == value


def test_kernels_are_compiled_for_cuda_where_gsplat_is_needed(tmp_path: Path) -> None:
    log = tmp_path / "said"
    for name in ("apt-get", "uv"):
        (tmp_path / name).write_text(f'#!/bin/sh\necho "$(basename "$0") $*" >>{log}\n', "utf-8")
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "VIRTUAL_ENV": str(tmp_path)}

    def said(backend: str, *for_cuda: str) -> str:
        log.write_text("", "utf-8")
        (tmp_path / "cuda.txt").write_text("\n".join(for_cuda), "utf-8")
        script = ["sh", str(ROOT / "tools/image/kernels.sh"), backend, "8.0;12.0"]
        subprocess.run(script, cwd=tmp_path, env=environment, check=True)
        return log.read_text("utf-8")

    assert said("cpu", "gsplat==1.5.3") == ""
    assert said("cu130") == ""
    assert "nvidia" not in said("cu130", "another==1")
    compiled = said("cu130", "gsplat==1.5.3")
    assert compiled.startswith("uv pip install --no-cache --torch-backend=cu130 -c constraints.txt -r cuda.txt\n")
    assert "nvidia-cuda-nvcc==13.0.*" in compiled


def test_what_code_imports_is_found_wherever_it_stands() -> None:
    used = runpy.run_path(str(ROOT / "tools/image/used.py"))
    code = "import torch\ndef late():\n    from a.b import C\n    import d as e\n    return e.F, torch.nn, other.G\n"
    found = set(used["imported"](ast.parse(code)))
    assert found == {("torch", ""), ("d", ""), ("a.b", "C"), ("d", "F"), ("torch", "nn")}


def built(service: str, *more: str, timeout_s: float) -> str:
    # pip knows where wheels lie; uv has to be told.
    links = {"UV_FIND_LINKS": os.environ["PIP_FIND_LINKS"]} if "PIP_FIND_LINKS" in os.environ else {}
    done = subprocess.run(
        [sys.executable, str(BUILD), service, *more],
        capture_output=True, text=True, timeout=timeout_s, check=False, env=os.environ | links,
    )  # fmt: skip
    if NOT_HERE in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


# In short, that every step of these images is one that is carried out is held above, and that the gateway starts on a
# read-only root by tests/e2e/test_chart.py.
@pytest.mark.long
@pytest.mark.timeout(900)
def test_the_gateways_image_is_made_and_its_service_starts_on_a_read_only_root() -> None:
    settings = ["IMMICHVR_GATEWAY_PHOTOS=/scratch", "IMMICHVR_GATEWAY_ACCESS_TOKEN=shown by whoever asks"]
    assert "gateway is well" in built("gateway", "--start", *settings, timeout_s=880)


# In short, the same, and that kernels are kept where the cache directory is by test_process.py of services/converter.
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_the_converters_image_brings_its_kernels_compiled() -> None:
    said = built("converter", "--start", "IMMICHVR_CONVERTER_RPC__HOST=127.0.0.1", timeout_s=1180)
    assert "converter is well" in said
    assert " MB  /opt/numba" in said


# In short, that every step of it is one that is carried out is held above; its size, by nothing.
@pytest.mark.long
@pytest.mark.timeout(2400)
def test_the_image_of_ai_is_made_without_cuda_and_stays_small() -> None:
    more = ["--timeout", "1500", "--argument", "TORCH_BACKEND="]
    said = built("ai", *more, "--start", "IMMICHVR_AI_RPC__HOST=127.0.0.1", timeout_s=2380)
    assert "ai is well" in said
    assert "nvidia" not in said
    size = int(said.partition(" MB beyond the base")[0].rpartition("\n")[2])
    assert size <= 1200, said


# In short, the same.
@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("service", ["video-depth", "inpaint"])
def test_the_other_images_with_torch_start_without_cuda(service: str) -> None:
    listening = f"{SERVICES[service].env_prefix}RPC__HOST=127.0.0.1"
    said = built(service, "--timeout", "1000", "--argument", "TORCH_BACKEND=", "--start", listening, timeout_s=1180)
    assert f"{service} is well" in said
    assert "nvidia" not in said
