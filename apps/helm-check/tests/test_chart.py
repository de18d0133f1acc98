"""The chart in every way of rendering it."""

from __future__ import annotations

import pytest
from immichvr_helm_check.checking import check
from immichvr_helm_check.matrix import CHART
from immichvr_helm_check.rendering import render

from .conftest import ROOT, WAYS


@pytest.mark.parametrize("name", WAYS)
def test_nothing_is_wrong_with_the_chart_as_it_is_rendered_for(name: str) -> None:
    assert check(WAYS[name], ROOT) == []


def test_a_release_is_rendered_the_same_again() -> None:
    way = WAYS["secrets of one's own"]
    assert render(ROOT / CHART, way.values) == render(ROOT / CHART, way.values)
