"""What rules come to, for every kind of photo that they may meet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from immichvr_gateway.automation.facts import AssetFacts
from immichvr_gateway.automation.rules import Rule, Rules, Why, decide, named
from pydantic import ValidationError

SINCE = datetime(2026, 6, 1, tzinfo=UTC)
ALBUM, PERSON, OTHER = (f"00000000-0000-4000-8000-00000000000{digit}" for digit in "123")
PHOTO = AssetFacts(
    id="p", owner="ann", kind="photo", visibility="timeline", trashed=False, checksum="c",
    uploaded_at=SINCE + timedelta(days=1), updated_at=SINCE + timedelta(days=1), name="IMG_1234.jpg",
    media_type="image/jpeg", camera="Pixel 9", width=4000, height=3000,
    tags=frozenset(), albums=frozenset(), people=frozenset(),
)  # fmt: skip
OLD = {"uploaded_at": SINCE - timedelta(days=400)}

CASES = [
    # rule, facts that differ, why
    ({}, {}, Why.MATCHES),
    ({}, {"owner": "bob"}, Why.NOT_YOURS),
    ({}, {"trashed": True}, Why.NOT_SHOWN),
    ({}, {"visibility": "locked"}, Why.NOT_SHOWN),
    ({}, {"visibility": "hidden"}, Why.NOT_SHOWN),
    ({}, {"visibility": "archive"}, Why.MATCHES),
    ({}, {"kind": "video"}, Why.WRONG_KIND),
    ({}, {"kind": None}, Why.WRONG_KIND),
    ({}, {"made_here": True}, Why.MADE_HERE),
    ({}, OLD, Why.BEFORE_THE_RULE),
    ({"existing": True}, OLD, Why.MATCHES),
    ({"of": "favourites"}, {}, Why.NOT_CHOSEN),
    ({"of": "favourites"}, {"favourite": True}, Why.MATCHES),
    ({"of": "favourites"}, {"favourite": True, **OLD}, Why.BEFORE_THE_RULE),
    ({"of": "albums", "albums": [ALBUM]}, {"albums": frozenset({ALBUM, OTHER})}, Why.MATCHES),
    ({"of": "albums", "albums": [ALBUM]}, {"albums": frozenset({OTHER})}, Why.NOT_CHOSEN),
    ({"of": "albums", "albums": [ALBUM]}, {"albums": None}, Why.NOT_CHOSEN),
    ({"of": "people", "people": [PERSON]}, {"people": frozenset({PERSON})}, Why.MATCHES),
    ({"of": "people", "people": [PERSON]}, {"people": frozenset({OTHER})}, Why.NOT_CHOSEN),
    ({"of": "tag"}, {"tags": frozenset({"Make 3D"})}, Why.MATCHES),
    ({"of": "tag"}, {"tags": frozenset({"Make 3D"}), **OLD}, Why.MATCHES),
    ({"of": "tag"}, {"tags": frozenset({"make 3d too"})}, Why.NOT_CHOSEN),
    ({"of": "tag", "tag": "3d/do"}, {"tags": frozenset({"3d/do"})}, Why.MATCHES),
    ({"only_with_depth": True}, {}, Why.DEPTH_UNKNOWN),
    ({"only_with_depth": True}, {"carries_depth": True}, Why.MATCHES),
    ({"only_with_depth": True}, {"carries_depth": False}, Why.NO_DEPTH),
    ({}, {"name": "Screenshot_20260601-101010.png"}, Why.SKIPPED),
    ({}, {"name": "Bildschirmfoto 2026-06-01 um 10.10.10.png"}, Why.SKIPPED),
    ({"skip": []}, {"name": "Screenshot_20260601-101010.png"}, Why.MATCHES),
    ({}, {"name": "Scan_0042.jpg"}, Why.SKIPPED),
    ({}, {"name": "Rechnung.jpg"}, Why.SKIPPED),
    ({}, {"name": "scandinavia.jpg"}, Why.MATCHES),
    ({}, {"name": "doctor.jpg"}, Why.MATCHES),
    ({}, {"camera": "CanoScan LiDE 300"}, Why.SKIPPED),
    ({}, {"projection": "EQUIRECTANGULAR"}, Why.SKIPPED),
    ({}, {"width": 12000, "height": 3000}, Why.SKIPPED),
    ({}, {"width": 3000, "height": 12000}, Why.SKIPPED),
    ({}, {"width": None, "height": None}, Why.MATCHES),
    ({}, {"duplicate": True}, Why.SKIPPED),
    ({"skip": ["screenshots"]}, {"duplicate": True, "name": "scan.jpg"}, Why.MATCHES),
]


@pytest.mark.parametrize(("rule", "facts", "why"), CASES)
def test_a_rule_comes_to_this(rule: dict[str, object], facts: dict[str, object], why: Why) -> None:
    decision = decide(replace(PHOTO, **facts), Rules(rules=[Rule(**rule)], since=SINCE), "ann")  # type: ignore[arg-type]
    assert decision.why is why
    assert decision.words and decision.wanted == (why is Why.MATCHES)


@pytest.mark.parametrize(
    ("duration_s", "why"), [(3.0, Why.MATCHES), (10.0, Why.TOO_LONG), (600.0, Why.TOO_LONG), (None, Why.TOO_LONG)]
)
def test_only_videos_that_are_known_to_be_short_are_taken(duration_s: float | None, why: Why) -> None:
    rule = Rule(media="video", shorter_than_s=10)
    video = replace(PHOTO, kind="video", duration_s=duration_s, name="clip.mp4")
    assert decide(video, Rules(rules=[rule], since=SINCE), "ann").why is why


def test_the_first_rule_that_wants_a_photo_decides_what_is_made() -> None:
    rules = Rules(
        rules=[Rule(of="favourites", model="lift-da2-small"), Rule(quality="light"), Rule(kind="depth")], since=SINCE
    )
    plain, loved = decide(PHOTO, rules, "ann"), decide(replace(PHOTO, favourite=True), rules, "ann")
    assert plain.rule is not None and loved.rule is not None
    assert (plain.rule.quality, loved.rule.model) == ("light", "lift-da2-small")


def test_where_none_wants_it_the_reason_is_that_of_the_rule_that_came_closest() -> None:
    rules = Rules(rules=[Rule(of="favourites"), Rule()], since=SINCE)
    assert decide(replace(PHOTO, duplicate=True), rules, "ann").why is Why.SKIPPED
    assert decide(PHOTO, Rules(rules=[], since=SINCE), "ann").why is Why.NO_RULE


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"of": "albums"}, "albums is empty"),
        ({"of": "people"}, "people is empty"),
        ({"of": "albums", "albums": ["../../users/me"]}, "pattern"),
        ({"shorter_than_s": 0}, "greater than 0"),
        ({"skip": ["cats"]}, "screenshots"),
    ],
)
def test_a_rule_that_can_never_hold_is_refused_in_words(rule: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Rule(**rule)  # type: ignore[arg-type]


def test_a_photo_s_content_stays_the_same_when_it_is_edited_and_its_version_does_not() -> None:
    edited = replace(PHOTO, edit="400x300")
    assert (edited.content, edited.version != PHOTO.version) == (PHOTO.content, True)
    other = replace(PHOTO, checksum="d")
    assert other.content != PHOTO.content


def test_what_rules_name_is_listed_once_each_and_whether_old_photos_count() -> None:
    both = Rule(of="albums", albums=[ALBUM, OTHER])
    rules = [Rule(of="albums", albums=[ALBUM], existing=True), both, Rule(of="tag"), Rule()]
    expected = {("albums", ALBUM): True, ("albums", OTHER): False, ("tag", "Make 3D"): True}
    assert named(Rules(rules=rules, since=SINCE)) == expected
