"""What becomes of a photo that Immich tells of, once and no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_gateway.automation import making
from immichvr_gateway.automation.making import NotNow
from immichvr_gateway.automation.rules import Rule, Why
from immichvr_gateway.http.problems import Problem
from immichvr_gateway.jobs.routing import BATCH
from immichvr_gateway.library import PhotoNotFound


async def test_a_new_photo_is_made_once_behind_what_people_wait_for_however_often_immich_tells_of_it(
    workshop, picture
) -> None:
    await workshop.set_up(Rule(model="lift-heuristic"))
    photo = workshop.upload(picture())
    assert (await workshop.consider(photo)).wanted
    for _ in range(10):
        assert (await workshop.consider(photo)).why is Why.MADE_BEFORE
    workshop.again()
    photo.favourite, photo.updated_at = True, datetime.now(UTC)
    assert (await workshop.consider(photo)).why is Why.MADE_BEFORE
    assert workshop.asked.jobs == [("splat", photo.id, "lift-heuristic", BATCH)]


async def test_another_file_in_its_place_is_new_work_and_an_edited_picture_where_a_rule_says_so(
    workshop, picture
) -> None:
    await workshop.set_up(Rule())
    photo = workshop.upload(picture())
    await workshop.consider(photo)
    photo.edit(picture((20, 30)))
    assert (await workshop.consider(photo)).why is Why.MADE_BEFORE
    await workshop.set_up(Rule(remake_edited=True, existing=True))
    assert (await workshop.consider(photo)).wanted
    assert (await workshop.consider(photo)).why is Why.MADE_BEFORE
    await workshop.set_up(Rule(existing=True))
    photo.replace(picture())
    assert (await workshop.consider(photo)).wanted
    assert workshop.asked.photos == [photo.id] * 3


async def test_of_what_others_own_or_what_is_not_shown_nothing_is_made(workshop, picture) -> None:
    await workshop.set_up(Rule(existing=True))
    ben = workshop.stub.users[1]
    workshop.stub.users[0].partners.append(ben)
    theirs = workshop.upload(picture(), owner=ben.id)
    assert (await workshop.consider(theirs)).why is Why.NOT_YOURS
    for visibility, trashed in (("hidden", False), ("timeline", True)):
        photo = workshop.upload(picture())
        photo.visibility, photo.trashed = visibility, trashed
        assert (await workshop.consider(photo)).why is Why.NOT_SHOWN
    locked = workshop.upload(picture())
    locked.visibility = "locked"
    with pytest.raises(PhotoNotFound):
        await workshop.consider(locked)
    assert not workshop.asked.jobs


async def test_a_clip_that_we_put_into_immich_is_no_work_even_once_it_is_in_the_timeline(
    workshop, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As where a kind of job takes videos.
    monkeypatch.setattr(making, "sources_of", lambda kind: ["photo", "video"])
    await workshop.set_up(Rule(media="video", existing=True))
    clip, film, pointed_at = (workshop.upload(picture(), "motion.mp4") for _ in range(3))
    for one in (clip, film, pointed_at):
        one.type, one.duration_ms = "VIDEO", 2000
    clip.notes["immichvr.v1"] = {"photo": "a-photo"}
    pointed_at.notes["immichvr.v1"] = {"is": "pointer", "state": "done"}
    assert (await workshop.consider(clip)).why is Why.MADE_HERE
    assert (await workshop.consider(film)).wanted and (await workshop.consider(pointed_at)).wanted
    assert workshop.asked.photos == [film.id, pointed_at.id]


async def test_only_a_photo_whose_file_speaks_of_depth_is_made_where_a_rule_wants_depth(workshop, picture) -> None:
    await workshop.set_up(Rule(only_with_depth=True))
    flat = workshop.upload(picture())
    deep = workshop.upload(picture())
    deep.original += b'<x xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/"/>'
    assert (await workshop.consider(flat)).why is Why.NO_DEPTH
    assert (await workshop.consider(deep)).wanted
    workshop.stub.calls.clear()
    await workshop.consider(flat)
    assert not [call for call in workshop.stub.calls if call.endswith("/original")], "it was looked at once"


async def test_albums_people_and_tags_are_asked_of_immich_itself(workshop, picture) -> None:
    person = "00000000-0000-4000-8000-000000000001"
    album = workshop.stub.add_album(workshop.stub.users[0], "Trips").id
    await workshop.set_up(
        Rule(of="albums", albums=[album]), Rule(of="people", people=[person]), Rule(of="tag", tag="Make 3D")
    )
    plain, in_album, with_person, tagged = (workshop.upload(picture()) for _ in range(4))
    in_album.albums, with_person.people = [album], [person]
    tagged.uploaded_at -= timedelta(days=900)
    workshop.stub.add_tag(tagged, "Make 3D")
    assert (await workshop.consider(plain)).why is Why.NOT_CHOSEN
    for one in (in_album, with_person, tagged):
        assert (await workshop.consider(one)).wanted
    assert workshop.asked.photos == [in_album.id, with_person.id, tagged.id]


@pytest.mark.parametrize(("code", "is_tried_again"), [("licence_required", True), ("not_flat", False)])
async def test_what_stands_in_the_way_for_now_is_told_from_what_can_never_be(
    workshop, picture, code: str, is_tried_again: bool
) -> None:
    await workshop.set_up(Rule())
    photo = workshop.upload(picture())
    workshop.asked.problem = Problem(403, code, "no")
    if is_tried_again:
        with pytest.raises(NotNow, match="no"):
            await workshop.consider(photo)
    else:
        assert (await workshop.consider(photo)).why is Why.CANNOT_BE_MADE
    workshop.asked.problem = None
    assert (await workshop.consider(photo)).wanted is is_tried_again


async def test_what_was_made_before_a_restart_is_asked_of_the_bus_once(workshop, picture, monkeypatch) -> None:
    await workshop.set_up(Rule())
    same, edited = workshop.upload(picture()), workshop.upload(picture())
    for photo in (same, edited):
        await workshop.consider(photo)
    edited.edit(picture((20, 30)))
    workshop.again()
    read, made = [], workshop.records.made

    async def count(user: str, asset_id: str):
        read.append(asset_id)
        return await made(user, asset_id)

    monkeypatch.setattr(workshop.records, "made", count)
    for photo in (same, edited) * 3:
        assert (await workshop.consider(photo)).why is Why.MADE_BEFORE
    assert read == [same.id, edited.id]
    await workshop.set_up(Rule(remake_edited=True, existing=True))
    assert (await workshop.consider(edited)).wanted, "only a rule that does not mind edits took it for made"
