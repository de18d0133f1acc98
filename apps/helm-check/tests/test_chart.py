"""The chart in every way of rendering it."""

from __future__ import annotations

import pytest
from immichvr_helm_check import arrows, validity
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


def test_where_nobody_says_where_servers_are_a_node_s_credentials_are_still_out_of_reach() -> None:
    external = {"s3": {"embedded": {"enabled": False}, "external": {"endpoint": "https://s3.example"}}}
    reached = [one for one in arrows.check(render(ROOT / CHART, external)) if " reaches " in one]
    assert any(f"converter-cpu reaches {arrows.INTERNET} at 443" in one for one in reached)
    assert not [one for one in reached if arrows.NODE in one]


def test_where_the_proxy_alone_may_reach_the_gateway_helm_test_does_too() -> None:
    proxy = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress"}}}]
    missed = arrows.check(render(ROOT / CHART, {"networkPolicy": {"gatewayFrom": proxy}}))
    kept_out = {sentence.partition(" does not reach Deployment/immichvr-gateway at 2284")[0] for sentence in missed}
    assert arrows.STRANGER in kept_out
    assert kept_out.isdisjoint({arrows.PROXY, "Pod/immichvr-test-ready"})


def test_names_fit_with_the_longest_that_a_release_can_have() -> None:
    values = WAYS["GPUs by resource"].values
    for way in ("KEDA shows a certificate", "models fetched ahead", "watched"):
        values = {**values, **WAYS[way].values}
    assert validity.check(render(ROOT / CHART, values, name="a" * 53)) == []
