"""What is remembered of Immich's word on photos, and for how long."""

from immichvr_catalog import PHOTO
from immichvr_gateway.library.immich.answers import Asset
from immichvr_gateway.library.immich.decisions import Decisions
from immichvr_gateway.library.photos import Credential
from pydantic import SecretStr

WHO = Credential("api_key", SecretStr("k"))


class Clock:
    """Time as the test says."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def _asset(number: int) -> Asset:
    return Asset(
        id=_id(number), ownerId="o", type="IMAGE", visibility="timeline",
        isTrashed=False, isEdited=False, checksum="c", originalFileName="a.jpg",
    )  # fmt: skip


def _assets_kept(decisions: Decisions, count: int) -> int:
    told = [decisions.last(WHO, _asset(number).id) for number in range(count)]
    return sum(one is not None and one.asset is not None for one in told)


def test_of_what_is_believed_no_more_the_asset_goes_and_that_it_was_shown_stays() -> None:
    clock = Clock()
    decisions = Decisions(60, 30, 50_000, clock)
    for number in range(100):
        decisions.keep(WHO, _asset(number), clock())
    clock.now = 61
    decisions.keep(WHO, _asset(100), clock())
    assert _assets_kept(decisions, 101) == 1
    last = decisions.last(WHO, _asset(5).id)
    assert last is not None and last.kind == PHOTO


def test_what_was_shown_anew_is_kept_as_long_as_it_is_believed() -> None:
    clock = Clock()
    decisions = Decisions(60, 30, 50_000, clock)
    decisions.keep(WHO, _asset(0), clock())
    clock.now = 40
    decisions.keep(WHO, _asset(0), clock())
    clock.now = 80
    decisions.keep(WHO, _asset(1), clock())
    shown = decisions.recall(WHO, _asset(0).id)
    assert shown is not None and shown.asset == _asset(0)


def test_no_more_are_kept_than_there_may_be() -> None:
    decisions = Decisions(60, 30, 10, Clock())
    for number in range(50):
        decisions.keep(WHO, _asset(number), 0)
    assert _assets_kept(decisions, 50) == 10
    assert decisions.recall(WHO, _asset(49).id) is not None


def test_what_is_believed_no_more_does_not_pile_up_until_the_bound_of_what_is_believed() -> None:
    clock = Clock()
    decisions = Decisions(60, 30, 50_000, clock)
    for number in range(12_000):
        decisions.keep_glimpse(WHO, _id(number), PHOTO, clock())
    assert all(decisions.recall(WHO, _id(number)) is not None for number in range(12_000))
    clock.now = 61
    decisions.keep_glimpse(WHO, _id(12_000), PHOTO, clock())
    remembered = [decisions.last(WHO, _id(number)) is not None for number in range(12_001)]
    assert sum(remembered) == 10_000 and all(remembered[2_001:])


def test_of_more_than_ten_thousand_at_once_it_is_known_that_they_were_shown_and_no_more() -> None:
    decisions = Decisions(60, 30, 50_000, Clock())
    for number in range(10_100):
        decisions.keep(WHO, _asset(number), 0)
    assert _assets_kept(decisions, 10_100) == 10_000
    first = decisions.recall(WHO, _id(0))
    assert first is not None and first.only_glimpsed and first.kind == PHOTO
