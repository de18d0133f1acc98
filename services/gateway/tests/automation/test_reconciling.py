"""What Immich never told of is found all the same, at few requests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from immichvr_gateway.automation import reconciling
from immichvr_gateway.automation.records import Cursor
from immichvr_gateway.automation.rules import Rule, Rules
from immichvr_gateway.http.problems import Problem
from starlette.responses import Response


async def test_what_was_missed_is_found_once_and_while_nothing_happens_a_look_is_two_requests(
    workshop, picture
) -> None:
    await workshop.set_up(Rule())
    user = workshop.ada.user_id
    assert (await workshop.reconciler.look(user)).requests == 2, "whether the key is good, and what was changed"
    photo = workshop.upload(picture())
    assert (await workshop.reconciler.look(user)).made == [photo.id]
    for _ in range(2):
        workshop.stub.calls.clear()
        found = await workshop.reconciler.look(user)
        assert (found.made, found.requests) == ([], 2)
        assert [call for call in workshop.stub.calls if "/api/search" in call] == workshop.stub.calls
        workshop.again()
    kept = await workshop.records.integration(user)
    assert (kept.missed, kept.trouble) == (1, "") and kept.last_look is not None


async def test_what_is_in_an_album_or_tagged_is_found_though_the_photo_itself_was_not_changed(
    workshop, picture
) -> None:
    album = workshop.stub.add_album(workshop.stub.users[0], "Trips").id
    old = workshop.upload(picture())
    old.uploaded_at = old.updated_at = datetime(2020, 1, 1, tzinfo=UTC)
    await workshop.set_up(Rule(of="tag"), Rule(of="albums", albums=[album]))
    user = workshop.ada.user_id
    assert (await workshop.reconciler.look(user)).made == []
    workshop.stub.add_tag(old, "Make 3D")
    new = workshop.upload(picture())
    new.updated_at = old.updated_at
    assert (await workshop.reconciler.look(user)).made == [old.id]
    new.albums = [album]
    assert (await workshop.reconciler.look(user)).made == [new.id]
    assert (await workshop.reconciler.look(user)).requests == 4, "the key, the tag, the album, what was changed"


async def test_a_long_list_is_gone_through_in_bounded_looks_that_go_on_where_the_last_was_cut_short(
    workshop, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = reconciling.owned.search

    async def few_a_page(client, who, wanted, page=1, size=1000):
        return await search(client, who, wanted, page, 2)

    monkeypatch.setattr(reconciling.owned, "search", few_a_page)
    first = workshop.upload(picture())
    photos = [first, *(workshop.stub.add_copy(first) for _ in range(12))]
    await workshop.set_up(Rule(existing=True))
    user = workshop.ada.user_id
    await workshop.records.put_cursor(user, Cursor(after=datetime(1970, 1, 2, tzinfo=UTC)))
    found = await workshop.reconciler.look(user)
    assert len(found.made) == 10 and found.requests == 6
    workshop.again()
    found = await workshop.reconciler.look(user)
    assert len(found.made) == 3
    assert sorted(workshop.asked.photos) == sorted(photo.id for photo in photos)


async def test_nothing_is_passed_over_while_something_stands_in_the_way(workshop, picture) -> None:
    await workshop.set_up(Rule())
    user, photo = workshop.ada.user_id, workshop.upload(picture())
    workshop.asked.problem = Problem(429, "too_many_jobs", "2000 jobs are waiting already")
    assert (await workshop.reconciler.look(user)).made == []
    assert (await workshop.records.integration(user)).trouble == "2000 jobs are waiting already"
    workshop.asked.problem = None

    async def fails(_):
        return Response(status_code=502)

    workshop.stub.instead["/api/search"] = fails
    assert (await workshop.reconciler.look(user)).made == []
    assert "502" in (await workshop.records.integration(user)).trouble
    workshop.stub.instead.clear()
    # A later photo must not carry the cursor beyond the first.
    later = workshop.upload(picture())
    later.updated_at += timedelta(minutes=30)
    assert sorted((await workshop.reconciler.look(user)).made) == sorted([photo.id, later.id])
    assert (await workshop.records.integration(user)).trouble == ""


async def test_whose_key_was_revoked_is_not_worked_for_and_nothing_is_lost_until_it_is_back(workshop, picture) -> None:
    await workshop.set_up(Rule())
    photo = workshop.upload(picture())
    workshop.keys.refused = "paused: Immich does not accept this sign-in"
    assert (await workshop.reconciler.look(workshop.ada.user_id)).requests == 0
    assert not workshop.asked.jobs
    workshop.keys.refused = ""
    assert (await workshop.reconciler.look(workshop.ada.user_id)).made == [photo.id]


async def test_rules_of_another_release_make_nothing_and_those_beside_them_hold(workshop, picture) -> None:
    await workshop.set_up(Rule(quality="light"))
    user = workshop.ada.user_id
    kv = workshop.bus.kv("state")
    strange = b'{"of": "moonlight", "kind": "splat"}'
    kept = (await kv.get(f"rules.{user}")).value
    await kv.put(f"rules.{user}", kept.replace(b'"rules":[', b'"rules":[' + strange + b","))
    rules = await workshop.records.rules(user)
    assert [rule.quality for rule in rules.rules] == ["light"]
    await kv.put(f"rules.{user}", b"not JSON")
    assert await workshop.records.rules(user) is None


async def test_rules_that_come_during_a_look_have_all_looked_through_once_more(
    workshop, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = workshop.upload(picture())
    old.uploaded_at = old.updated_at = datetime(2020, 1, 1, tzinfo=UTC)
    await workshop.set_up(Rule())
    user, search = workshop.ada.user_id, reconciling.owned.search

    async def overtaken(*asked):
        monkeypatch.setattr(reconciling.owned, "search", search)
        answer = await search(*asked)
        since = (await workshop.records.rules(user)).since
        await workshop.records.put_rules(user, Rules(rules=[Rule(existing=True)], since=since))
        await workshop.records.put_cursor(user, Cursor(after=datetime(1970, 1, 1, tzinfo=UTC)))
        return answer

    monkeypatch.setattr(reconciling.owned, "search", overtaken)
    assert (await workshop.reconciler.look(user)).made == []
    assert (await workshop.records.integration(user)).trouble == "", "being overtaken is none"
    assert (await workshop.reconciler.look(user)).made == [old.id]


async def test_a_look_does_not_bring_back_what_was_switched_off_meanwhile(
    workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workshop.set_up(Rule())
    user, search = workshop.ada.user_id, reconciling.owned.search

    async def switched_off(*asked):
        await workshop.records.forget(user, undone=False)
        return await search(*asked)

    monkeypatch.setattr(reconciling.owned, "search", switched_off)
    await workshop.reconciler.look(user)
    assert await workshop.records.cursor(user) is None and await workshop.records.integration(user) is None


async def test_of_a_list_that_is_too_long_the_newest_are_seen(
    workshop, picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = reconciling.owned.search

    async def two_a_page(client, who, wanted, page=1, size=1000):
        return await search(client, who, wanted, page, 2)

    monkeypatch.setattr(reconciling.owned, "search", two_a_page)
    monkeypatch.setattr(reconciling, "_PAGES", 1)
    album = workshop.stub.add_album(workshop.stub.users[0], "Trips").id
    first = workshop.upload(picture())
    photos = [first, *(workshop.stub.add_copy(first) for _ in range(4))]
    for photo in photos:
        photo.albums, photo.updated_at = [album], datetime(2020, 1, 1, tzinfo=UTC)
    await workshop.set_up(Rule(of="albums", albums=[album], existing=True))
    newest = sorted(photos, key=lambda photo: photo.taken_at)[-2:]
    assert sorted((await workshop.reconciler.look(workshop.ada.user_id)).made) == sorted(one.id for one in newest)
