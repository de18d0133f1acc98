"""Videos, live photos, and the clips that were made here."""

import pytest
from immichvr_catalog import VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import (
    NoSuchRange,
    PhotoNotFound,
    Selection,
    Span,
)
from reading import bytes_of, names_of

NOTE = {"immichvr.v1": {"model": "da2-small"}}
POINTER = {"immichvr.v1": {"is": "pointer", "model": "da2-small", "link": "https://3d.example/photos/1"}}
EVERYTHING = Selection()


async def test_a_live_photo_is_one_item_that_plays_its_clip(
    immich_stub, library, ada, ben, me, as_ben, picture, clip_of
):
    photo = immich_stub.add_photo(ada, picture(), "IMG_1.heic")
    clip = clip_of(photo)
    assert await names_of(library.browsing, me, EVERYTHING) == ["IMG_1.heic"]
    item = await library.item(me, Source.photo(photo.id))
    assert item.live
    whole = await library.playback(me, item.source)
    assert (whole.media_type, whole.name) == ("video/mp4", "IMG_1.mp4")
    assert await bytes_of(whole) == clip.original
    part = await library.playback(me, item.source, Span(4, 6))
    assert (await bytes_of(part), part.part) == (b"moving", (4, 15))
    with pytest.raises(PhotoNotFound):
        await library.playback(as_ben, item.source)
    photo.shared_with.append(ben)
    assert await bytes_of(
        await library.playback(await library.sign_in(email=ben.email, password=ben.password), item.source)
    )
    with pytest.raises(PhotoNotFound):
        await library.item(me, Source(VIDEO, clip.id))


async def test_the_film_of_a_live_photo_is_a_video_by_the_photos_id_to_whoever_sees_the_photo(
    immich_stub, library, ada, ben, me, as_ben, picture, clip_of
):
    photo = immich_stub.add_photo(ada, picture(), "IMG_1.heic")
    clip = clip_of(photo)
    video = Source(VIDEO, photo.id)
    assert await library.visible(me, [video], singly=9) == {video}
    film, still = await library.item(me, video, fresh=True), await library.item(me, Source.photo(photo.id))
    assert (film.source, film.live, still.source) == (video, False, Source.photo(photo.id))
    assert film.source_version != still.source_version
    assert library.recall(me, video)
    for give in (library.original, library.source, library.playback):
        content = await give(me, video)
        assert content.source_version == film.source_version
        assert (content.name, content.media_type) == (film.name, film.media_type) == ("IMG_1.mp4", "video/mp4")
        assert await bytes_of(content) == clip.original
    clip_of(photo, name="IMG_1.mov")
    film = await library.item(me, video, fresh=True)
    assert (film.name, film.media_type) == ("IMG_1.mov", "video/quicktime")
    await (await library.thumbnail(me, video)).close()
    assert not await library.is_gone(me, video, (await library.trace(me, video)).mark)
    with pytest.raises(PhotoNotFound):
        await library.item(as_ben, video)
    assert await library.visible(as_ben, [video], singly=9) == set()
    assert not library.recall(as_ben, video)
    photo.live_video = None
    with pytest.raises(PhotoNotFound):
        await library.item(me, video, fresh=True)


async def test_a_photo_that_does_not_move_plays_nothing(immich_stub, library, ada, me, picture):
    photo = immich_stub.add_photo(ada, picture())
    assert not (await library.item(me, Source.photo(photo.id))).live
    with pytest.raises(PhotoNotFound):
        await library.playback(me, Source.photo(photo.id))


async def test_a_clip_made_here_is_no_live_video_no_frame_source_and_no_item(
    immich_stub, library, ada, me, picture, clip_of
):
    photo = immich_stub.add_photo(ada, picture())
    clip = clip_of(photo, name="photo.immichvr.mp4", notes=NOTE)
    with pytest.raises(PhotoNotFound):
        await library.playback(me, Source.photo(photo.id))
    for call in (library.item, library.original, library.source, library.playback):
        with pytest.raises(PhotoNotFound):
            await call(me, Source(VIDEO, photo.id))
    assert not (await library.item(me, Source.photo(photo.id))).live
    assert not (await library.browsing.month(me, EVERYTHING, "2024-05", None, 10)).items[0].live
    clip.visibility = "timeline"  # as it becomes when it is taken from its photo
    assert await names_of(library.browsing, me, EVERYTHING) == ["photo.jpg"]
    clip.name = "renamed.mp4"
    video = Source(VIDEO, clip.id)
    for call in (library.item, library.original, library.source, library.playback):
        with pytest.raises(PhotoNotFound):
            await call(me, video)
    with pytest.raises(PhotoNotFound):
        await library.item(me, video, fresh=True)


async def test_a_video_that_something_was_made_of_stays_one(immich_stub, library, ada, me, picture):
    film = immich_stub.add_photo(ada, picture(), "film.mp4", original=b"a film")
    film.type, film.notes = "VIDEO", POINTER
    assert (await library.item(me, Source(VIDEO, film.id))).name == "film.mp4"
    assert await bytes_of(await library.playback(me, Source(VIDEO, film.id))) == b"a film"


async def test_a_video_is_played_as_immich_made_it_for_browsers_and_given_as_it_was_uploaded(
    immich_stub, library, ada, me, picture
):
    film = immich_stub.add_photo(ada, picture(), "film.mp4", original=b"as uploaded, in HEVC")
    film.type, film.transcoded = "VIDEO", ("video/mp4", bytes(range(256)))
    video = Source(VIDEO, film.id)
    assert await bytes_of(await library.original(me, video)) == film.original
    for span, expected in (
        (None, film.transcoded[1]), (Span(10, 5), bytes(range(10, 15))), (Span(250), bytes(range(250, 256))),
        (Span(-6), bytes(range(250, 256))), (Span(250, 1000), bytes(range(250, 256))),
    ):  # fmt: skip
        content = await library.playback(me, video, span)
        assert content.etag and content.media_type == "video/mp4"
        assert await bytes_of(content) == expected
        assert content.part is None if span is None else content.part[1] == 256
    for span in (Span(256), Span(999, 1), Span(0, 0)):
        with pytest.raises(NoSuchRange) as caught:
            await library.playback(me, video, span)
        assert caught.value.size == 256
    for call in (library.thumbnail, library.preview):
        await (await call(me, video)).close()
