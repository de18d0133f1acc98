"""One Dockerfile makes the image of any service; no Docker engine is needed to see that it is whole."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .conftest import ROOT, add

SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))


def lay_out(root: Path, service: str, target: Path) -> Path:
    command = [sys.executable, "tools/workspace.py", "--root", str(root), "image", service, str(target)]
    subprocess.run(command, cwd=root, check=True)
    return target


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Where what a service's image is made of lies; laid out once, to be read alone."""
    folder = tmp_path_factory.mktemp("made")
    return cache(lambda service: lay_out(ROOT, service, folder / service))


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_an_image_holds_what_its_service_depends_on_and_nothing_else(copy: Path, tmp_path: Path) -> None:
    add(copy, "packages/toy", "numpy>=2")
    add(copy, "packages/other")
    add(copy, "services/toy-train", "immichvr-toy>=0.1", "immichvr_proto", "numpy>=2", "torch==2.13.*")
    made = lay_out(copy, "toy-train", tmp_path / "made")
    assert lines(made / "own/own.txt") == ["./packages/toy", "./packages/proto", "./services/toy-train"]
    foreign = lines(made / "foreign/requirements.txt")
    assert {"numpy>=2", "torch==2.13.*"} <= set(foreign)
    assert not any(line.startswith("immichvr") for line in foreign)
    assert {path.name for path in Path(made, "own/packages").iterdir()} == {"proto", "toy"}


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_installed_of_ours_lies_there_with_its_code(service: str, laid_out: Callable[[str], Path]) -> None:
    made = laid_out(service)
    folders = [made / "own" / line.split("[")[0] for line in lines(made / "own/own.txt")]
    assert folders[-1] == made / "own/services" / service
    for folder in folders:
        assert Path(folder, "pyproject.toml").is_file()
        assert Path(folder, "README.md").is_file()
        assert not Path(folder, "tests").exists()
        assert list(Path(folder, "src").iterdir())
    assert Path(made, "own/services", service, "src", "immichvr_" + service.replace("-", "_"), "__main__.py").is_file()


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_imported_of_ours_lies_there(service: str, laid_out: Callable[[str], Path]) -> None:
    own = laid_out(service) / "own"
    there = {path.name for path in own.glob("*/*/src/*")}
    assert {"immichvr", "immichvr_" + service.replace("-", "_")} <= there
    imported = {name for path in own.rglob("*.py") for name in _imported(path)}
    assert {name for name in imported if name.split("_")[0] == "immichvr"} <= there


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_imported_of_others_is_asked_for_or_comes_with_it(
    service: str, laid_out: Callable[[str], Path]
) -> None:
    made = laid_out(service)
    unbound = [line.split("=")[0] for line in lines(made / "foreign/unbound.txt") if line[:1].isalpha()]
    known = {path.name for path in made.glob("own/*/*/src/*")} | sys.stdlib_module_names
    known |= brought_by(lines(made / "foreign/requirements.txt"))
    known |= {module for name in unbound for module in modules_here()[canonicalize_name(name)]}
    code = [path for path in made.glob("own/*/*/src/**/*.py") if "testing" not in path.parts]
    assert {name for path in code for name in _needed(path)} <= known


@cache
def modules_here() -> dict[str, set[str]]:
    """The modules of every distribution that is installed here."""
    found: dict[str, set[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            found.setdefault(canonicalize_name(owner), set()).add(module)
    return found


def brought_by(requirements: list[str]) -> set[str]:
    """The modules of these distributions and of all that they need, as they are installed here."""
    found: set[tuple[str, str]] = set()
    left = [(Requirement(line), "") for line in requirements]
    while left:
        one, extra = left.pop()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        for wanted in ("", *one.extras):
            key = (canonicalize_name(one.name), wanted)
            if key not in found and key[0] in modules_here():
                found.add(key)
                left += [(Requirement(line), wanted) for line in distribution(one.name).requires or ()]
    return {module for name, _ in found for module in modules_here().get(name, ())}


def test_the_viewer_is_in_the_gateway_s_image(laid_out: Callable[[str], Path]) -> None:
    web = laid_out("gateway") / "web"
    assert Path(web, "package-lock.json").is_file()
    assert Path(web, "src").is_dir()
    assert not Path(web, "node_modules").exists()


def test_what_draws_scenes_on_a_gpu_is_in_the_images_for_cuda_of_what_trains_them(
    laid_out: Callable[[str], Path],
) -> None:
    for service, wanted in (("inpaint", ["gsplat==1.5.3"]), ("ai", [])):
        foreign = laid_out(service) / "foreign"
        assert lines(foreign / "cuda.txt") == wanted
        assert not any("gsplat" in line for line in lines(foreign / "requirements.txt"))


def test_what_is_installed_without_dependencies_has_its_hash(laid_out: Callable[[str], Path]) -> None:
    unbound = laid_out("ai") / "foreign/unbound.txt"
    assert re.search(r"^depth-anything-3==\S+ --hash=sha256:", unbound.read_text("utf-8"), re.MULTILINE)


def test_a_service_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    command = [sys.executable, "tools/workspace.py", "image", "paint", str(tmp_path / "made")]
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "services/paint has no pyproject.toml; the services are ai, " in failed.stderr


def test_what_the_dockerfile_copies_is_there(laid_out: Callable[[str], Path]) -> None:
    made = laid_out("gateway")
    stages: list[str] = []
    for instruction in _instructions():
        if found := re.match(r"FROM \S+ AS (\S+)", instruction):
            stages.append(found[1])
        if not instruction.startswith("COPY"):
            continue
        *words, _ = instruction.split()[1:]
        options, sources = [word for word in words if word[:2] == "--"], [word for word in words if word[:2] != "--"]
        if "--from=sources" in options:
            assert all(Path(made, source.removeprefix("/sources/")).exists() for source in sources)
        elif options:
            assert options[0].removeprefix("--from=") in stages
        else:
            assert all(Path(ROOT, source).exists() for source in sources)
    assert stages == ["sources", "web", "build"]


def test_every_command_of_the_dockerfile_is_one_that_a_shell_reads() -> None:
    commands = [line.removeprefix("RUN ") for line in _instructions() if line.startswith("RUN ")]
    assert len(commands) > 4
    for command in commands:
        subprocess.run(["sh", "-n", "-c", command], check=True)


def test_an_image_starts_its_service_for_other_machines_unless_told_otherwise(tmp_path: Path) -> None:
    stub = tmp_path / "python"
    stub.write_text('#!/bin/sh\necho "$@"\nenv\n', "utf-8")
    stub.chmod(0o755)
    own = {"IMMICHVR_VIDEO_DEPTH_RPC__HOST": "127.0.0.1", "SERVICE": "video-depth"}
    environment = {**own, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    started = subprocess.run(
        ["sh", "tools/image/start.sh"], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert started[0] == "-m immichvr_video_depth"
    assert "IMMICHVR_VIDEO_DEPTH_LOG_JSON=true" in started
    assert "IMMICHVR_VIDEO_DEPTH_METRICS__HOST=0.0.0.0" in started
    assert "IMMICHVR_VIDEO_DEPTH_RPC__HOST=127.0.0.1" in started


def _instructions() -> list[str]:
    text = Path(ROOT, "Dockerfile").read_text("utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def _imported(path: Path) -> frozenset[str]:
    return _names_of(path.read_text("utf-8"), is_deep=True)


def _needed(path: Path) -> frozenset[str]:
    """What is imported as the module is: neither late, nor for types alone, nor where it happens to be there."""
    return _names_of(path.read_text("utf-8"), is_deep=False)


@cache
def _names_of(code: str, is_deep: bool) -> frozenset[str]:
    """Kept by the code itself, most of which lies in several images."""
    tree = ast.parse(code)
    return frozenset(_names(ast.walk(tree) if is_deep else tree.body))


def _names(nodes: Iterable[ast.AST]) -> set[str]:
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
