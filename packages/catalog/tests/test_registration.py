"""Rows of other distributions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from immichvr_catalog import ASSETS, KINDS, SERVICES, CatalogError, UnknownName, assets_of, kinds_of, workers
from immichvr_catalog.testing import distribution

OURS = tuple(SERVICES)
TOY = """
from immichvr_catalog import AssetKind, JobKind, Service

def rows():
    yield Service("toy-maker", children=3)
    yield AssetKind("toy", root="toys", title="Toy")
    yield JobKind("toy", "toy-maker", "Playing", takes=("video",), makes=("toy",))

ROWS = tuple(rows())
"""


@pytest.mark.parametrize("rows", ["toy_rows:rows", "toy_rows:ROWS"])
def test_rows_of_another_distribution_are_there_as_ours_are(tmp_path: Path, rows: str) -> None:
    with distribution(tmp_path / "toys", "toys", {"toy_rows": TOY}, rows):
        assert (*OURS, "toy-maker") == tuple(SERVICES)
        assert [service.name for service in workers()][-1] == "toy-maker"
        assert [kind.name for kind in kinds_of("toy-maker")] == ["toy"]
        assert assets_of("toy-maker") == {"toy"}
        assert KINDS["toy"].root == ASSETS["toy"].root == "toys"
    assert tuple(SERVICES) == OURS
    assert "toy" not in KINDS


def test_processes_that_are_started_meanwhile_find_them_too(tmp_path: Path) -> None:
    code = "import immichvr_catalog; print(immichvr_catalog.SERVICES['toy-maker'].children)"
    with distribution(tmp_path / "toys", "toys", {"toy_rows": TOY}, "toy_rows:ROWS"):
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "3\n"
    assert str(tmp_path) not in os.environ.get("PYTHONPATH", "")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("ROWS = 1 / 0", "toys .* registers no rows: ZeroDivisionError"),
        ("ROWS = None", "toys .* registers no rows: TypeError"),
        ("ROWS = ('toy',)", "toys .* registers 'toy', which is no row of any table"),
        ("ROWS = (Service('ai'),)", "toys .* registers the service 'ai', which there is already"),
        ("ROWS = (JobKind('splat', 'ai', ''),)", "toys .* registers the kind of job 'splat', which there is already"),
        ("ROWS = (Service('Toy'),)", "'Toy' is no name for a service"),
        ("ROWS = (AssetKind('toy', root='splats', title=''),)", "would lie under one root"),
        ("ROWS = (JobKind('toy', 'nobody', ''),)", "'toy' go to 'nobody', which is no service that takes jobs"),
        ("ROWS = (JobKind('toy', 'gateway', ''),)", "'toy' go to 'gateway', which is no service that takes jobs"),
        ("ROWS = (JobKind('toy', 'converter', '', takes=('model',)),)", "'converter', which runs no models"),
        (
            "ROWS = (JobKind('toy', 'ai', '', takes=('dream',)),)",
            "'toy' take 'dream'; there are: depth, depth-video, model",
        ),
        (
            "ROWS = (JobKind('toy', 'ai', '', makes=('dream',)),)",
            "'toy' make 'dream'; there are: depth, splat, depth-video",
        ),
        ("ROWS = (JobKind('toy', 'ai', '', follow_ups=('dream',)),)", "'dream' cannot follow 'toy'"),
    ],
)
def test_a_row_that_cannot_be_is_named_whatever_is_asked_for(tmp_path: Path, rows: str, says: str) -> None:
    text = f"from immichvr_catalog import AssetKind, JobKind, Service\n{rows}"
    with distribution(tmp_path / "toys", "toys", {"toy_rows": text}, "toy_rows:ROWS"):
        for _ in range(2):
            with pytest.raises(CatalogError, match=says):
                SERVICES["ai"]
    assert SERVICES["ai"].children == 2


def test_an_entry_point_to_nothing_is_named(tmp_path: Path) -> None:
    with (
        distribution(tmp_path / "toys", "toys", {}, "no_such_module:ROWS"),
        pytest.raises(CatalogError, match=r"toys .*no_such_module:ROWS.* registers no rows"),
    ):
        len(KINDS)


def test_who_registers_rows_may_look_at_ours(tmp_path: Path) -> None:
    text = """
from immichvr_catalog import KINDS, JobKind

def rows():
    return [JobKind(f"slow-{name}", kind.service, kind.title) for name, kind in KINDS.items()]
"""
    ours = tuple(KINDS)
    with distribution(tmp_path / "slow", "slow", {"slow_rows": text}, "slow_rows:rows"):
        assert tuple(KINDS) == (*ours, *(f"slow-{name}" for name in ours))


def test_a_name_that_is_in_no_row_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownName, match=r"^there is no kind of job 'dream'; there are: depth, splat,") as found:
        KINDS["dream"]
    assert isinstance(found.value, KeyError)
    assert KINDS.get("dream") is None
