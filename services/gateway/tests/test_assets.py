"""Which of two assets of one name is the newer one."""

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_common.sources import Source
from immichvr_gateway.assets.index import AssetEntry, AssetIndex

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def an_entry(recipe: str, hours: int = 0, **more: object) -> AssetEntry:
    return AssetEntry(
        source=Source.photo("p"), kind="depth", model_key="heuristic", recipe=recipe,
        manifest_key=f"depth/p_heuristic/{recipe}", made_at=NOW + timedelta(hours=hours), **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "entry", "is_taken"),
    [
        pytest.param(an_entry("a", seq=4), an_entry("b", -1, seq=9), True, id="told later, by a clock put back"),
        pytest.param(an_entry("a", seq=9), an_entry("b", 1, seq=4), False, id="told before, and read again"),
        pytest.param(an_entry("a", seq=9), an_entry("a", seq=9), True, id="told again"),
        pytest.param(an_entry("a", 1), an_entry("b", seq=9), True, id="written down before places were"),
        pytest.param(an_entry("a", seq=9), an_entry("b", 1), False, id="found in storage, told of something else"),
        pytest.param(an_entry("a"), an_entry("b", 1), True, id="both found: the clock is all there is"),
        pytest.param(an_entry("a", 1), an_entry("b"), False, id="both found, the other way round"),
        pytest.param(
            an_entry("a", 1, job_id="j", run=1), an_entry("a", job_id="j", run=2), True, id="a later run of one job"
        ),
        pytest.param(
            an_entry("a", job_id="j", run=2), an_entry("a", 1, job_id="j", run=1), False, id="an earlier run of one job"
        ),
    ],
)
def test_what_takes_the_place_of_what(known: AssetEntry, entry: AssetEntry, is_taken: bool) -> None:
    index = AssetIndex()
    index.put(known)
    assert index.put(entry) is is_taken
    assert index.of(Source.photo("p")) == [entry if is_taken else known]


def test_in_another_stream_places_are_counted_anew() -> None:
    index = AssetIndex()
    index.put(an_entry("a", seq=500))
    index.forget_places()
    assert index.put(an_entry("b", -1, seq=1))
