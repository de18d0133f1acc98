"""What services tell in words of what they made, without a code, has its German in the viewer."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

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


def _told_in(tree: ast.Module) -> Iterator[str]:
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


@cache
def _all_told() -> tuple[dict[str, str], set[str]]:
    """Where each word that services tell stands, and what workers tell of how far they are."""
    told: dict[str, str] = {}
    stages: set[str] = set()
    for path in (path for place in ("packages", "services") for path in (ROOT / place).glob("*/src/**/*.py")):
        tree = ast.parse(path.read_text())
        stages.update(_stages_in(tree))
        if not any(one in path.as_posix() for one in ELSEWHERE):
            told |= {words: path.name for words in _told_in(tree) if " " in words}
    return told | dict.fromkeys(_why_it_waits(), "batches"), stages


def _stages_in(tree: ast.Module) -> Iterator[str]:
    """The second word of each report."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func).lstrip("_") in REPORTS and len(node.args) > 2:
            yield from filter(None, [_words(node.args[1])])


@cache
def _german() -> list[str]:
    found = re.findall(r"""^  (?:'([^']*)'|"([^"]*)"):""", GERMAN.read_text(), re.M)
    return [one or other for one, other in found]


def _fits(form: str, words: str) -> bool:
    return re.fullmatch(".+?".join(map(re.escape, form.split("{}"))), words, re.S) is not None


def test_there_is_a_lot_to_be_told() -> None:
    told, _ = _all_told()
    assert len(told) > 90
    assert "it is blurred" in told and "{} saw each frame by itself" in told
    assert {"a signal said not now", "the library does not answer: {}"} <= set(told)
    assert any(words.startswith("it waits for you to allow work") for words in told)


def test_whatever_services_tell_has_its_german() -> None:
    told, _ = _all_told()
    missing = [
        f"{file}: {words}"
        for words, file in told.items()
        if words not in UNSAID and not any(_fits(form, words) for form in _german())
    ]
    assert missing == [], f"put it into {GERMAN.name}"


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
    told = {*_all_told()[1], *get_args(Stage)}
    assert {"decoded", "training", "painting", "stereo", "inferred"} <= told
    here = [(ROOT / "services/gateway/web/src/texts" / name).read_text() for name in ("de.ts", "catalogueInGerman.ts")]
    known = {
        key
        for text in here
        for listed in re.findall(r"stages: \{(.*?)\n +\}", text, re.S)
        for key in re.findall(r"^ +(\w+):", listed, re.M)
    }
    assert told - known == set()
