"""What services tell in words of what they made, without a code, has its German in the viewer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from immichvr_scenes.completion.options import Stage

ROOT = Path(__file__).parents[2]
GERMAN = ROOT / "services/gateway/web/src/texts/toldInGerman.ts"
SAYING = {"Loss": 1, "Dropped": 2, "ModelUnavailable": 2, "DownloadError": 1, "NotEnoughMemory": 1, "_on_cpu": 1}
"""Which argument of these is words for people."""
REPORTS = ("report", "reporter", "told_by")
LISTS = ("notes", "_notes")
"""What words are appended to."""
ELSEWHERE = ("immichvr_scenes/errors", "immichvr_gateway", "/testing/")
"""Whose words do not reach the viewer like that."""
UNSAID = ("{}: {}", "{} {}", "{} {}{}: ignored", "{} has changed since: Immich calls {}; set it up again")
"""Put together of what is told elsewhere, or found by the rest of what it says."""


def _words(node: ast.expr) -> str | None:
    match node:
        case ast.Constant(value=str(words)):
            return words
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
    return None


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def _said(call: ast.Call) -> Iterator[ast.expr]:
    name = _name(call.func)
    if name in SAYING:
        yield from call.args[SAYING[name] : SAYING[name] + 1]
    if name == "append" and isinstance(call.func, ast.Attribute) and _name(call.func.value) in LISTS:
        yield from call.args
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "reason")


def _told_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    assigned: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and (words := _words(node.value)) is not None:
            for target in node.targets:
                assigned.setdefault(_name(target), []).append(words)
    for node in ast.walk(tree):
        for said in _said(node) if isinstance(node, ast.Call) else ():
            words = _words(said)
            yield from assigned.get(_name(said), ()) if words is None else [words]


def _why_it_waits() -> Iterator[str]:
    """Why nothing more of a batch is begun."""
    batches = ROOT / "services/gateway/src/immichvr_gateway/batches"
    for name, function in (("governor", "reason_to_wait"), ("runner", "_begin_some")):
        tree = ast.parse((batches / f"{name}.py").read_text())
        constants = {
            _name(node.targets[0]): words
            for node in tree.body
            if isinstance(node, ast.Assign) and (words := _words(node.value)) is not None
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
                returned = (one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value)
                yield from filter(None, (_words(one) or constants.get(_name(one)) for one in returned))


def _told() -> list[tuple[str, str]]:
    files = sorted(path for place in ("packages", "services") for path in (ROOT / place).glob("*/src/**/*.py"))
    wanted = (path for path in files if not any(one in path.as_posix() for one in ELSEWHERE))
    said = {(words, path.name) for path in wanted for words in _told_in(path) if " " in words}
    return sorted(said | {(words, "batches") for words in _why_it_waits()})


def _stages() -> set[str]:
    """What workers tell of how far they are: the second word of each report."""
    found = set()
    for path in (path for place in ("packages", "services") for path in (ROOT / place).glob("*/src/**/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _name(node.func).lstrip("_") in REPORTS and len(node.args) > 2:
                found.add(_words(node.args[1]) or "")
    return found - {""}


def _german() -> list[str]:
    found = re.findall(r"""^  (?:'([^']*)'|"([^"]*)"):""", GERMAN.read_text(), re.M)
    return [one or other for one, other in found]


def _fits(form: str, words: str) -> bool:
    return re.fullmatch(".+?".join(map(re.escape, form.split("{}"))), words, re.S) is not None


def test_there_is_a_lot_to_be_told() -> None:
    told = [words for words, _ in _told()]
    assert len(told) > 90
    assert "it is blurred" in told and "{} saw each frame by itself" in told
    assert {"a signal said not now", "the library does not answer: {}"} <= set(told)
    assert any(words.startswith("it waits for you to allow work") for words in told)


@pytest.mark.parametrize(("words", "file"), _told())
def test_whatever_services_tell_has_its_german(words: str, file: str) -> None:
    assert words in UNSAID or any(_fits(form, words) for form in _german()), f"{file}: put it into {GERMAN.name}"


def test_nothing_is_kept_that_nobody_tells() -> None:
    sources = (path.read_text() for place in ("packages", "services") for path in (ROOT / place).glob("*/src/**/*.py"))
    # Texts that run over several lines of a source are put together.
    said = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources)).replace('\\"', '"')
    told = re.sub(r"\{[^{}]*\}", "{}", said)
    composed = {
        "spherical harmonics of degree {}: {} holds degree {}",
        "spherical harmonics of degree {}: degree {} was asked for",
    }
    assert [form for form in _german() if form not in composed and form.strip("{} ") not in told] == []


def test_every_stage_that_a_worker_tells_has_its_german() -> None:
    told = {*_stages(), *get_args(Stage)}
    assert {"decoded", "training", "painting", "stereo", "inferred"} <= told
    here = [(ROOT / "services/gateway/web/src/texts" / name).read_text() for name in ("de.ts", "catalogueInGerman.ts")]
    known = {
        key
        for text in here
        for listed in re.findall(r"stages: \{(.*?)\n +\}", text, re.S)
        for key in re.findall(r"^ +(\w+):", listed, re.M)
    }
    assert told - known == set()
