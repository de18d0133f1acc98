"""Originals, thumbnails and previews of a folder, and what must not be reached through it."""

import asyncio
import io
import os
import subprocess

import pytest
from immichvr_catalog import PHOTO, VIDEO
from immichvr_common.sources import Source
from immichvr_gateway.library import LibraryUnavailable, PhotoNotFound, PhotoTooLarge, PhotoUnreadable
from immichvr_media import DecodeLimits
from immichvr_video.testing.clips import Clip, make_clip
from PIL import Image


async def _bytes(content):
    async with content:
        return b"".join([chunk async for chunk in content.chunks])


async def _only(library, who):
    [photo] = (await library.items(PHOTO, who, None, 10)).items
    return photo


async def test_original_and_source_are_the_file(library, me, put):
    data = put("photo.jpg").read_bytes()
    photo = await _only(library, me)
    for call in (library.original, library.source):
        content = await call(me, photo.source)
        assert (content.name, content.media_type, content.size) == ("photo.jpg", "image/jpeg", len(data))
        assert (content.source_version, content.note) == (photo.source_version, "")
        assert await _bytes(content) == data


async def test_a_large_original_comes_in_pieces(library, me, root):
    data = os.urandom(3_500_000)
    (root / "large.jpg").write_bytes(data)
    photo = await _only(library, me)
    async with await library.original(me, photo.source) as content:
        chunks = [chunk async for chunk in content.chunks]
    assert len(chunks) > 1
    assert b"".join(chunks) == data


async def test_thumbnail_and_preview_are_upright_pictures_that_browsers_show(library, me, put):
    put("photo.tif", (4000, 3000), format="TIFF", orientation=6)
    photo = await _only(library, me)
    for call, size in ((library.thumbnail, (384, 512)), (library.preview, (1536, 2048))):
        content = await call(me, photo.source)
        assert (content.media_type, content.name) == ("image/jpeg", "photo.jpg")
        picture = Image.open(io.BytesIO(await _bytes(content)))
        assert (picture.format, picture.size) == ("JPEG", size)


async def test_a_thumbnail_is_made_once_and_made_anew_when_the_photo_changes(open_library, me, put, tmp_path):
    library = open_library()
    put("photo.jpg", colour="red", modified=1_500_000_000)
    photo = await _only(library, me)
    first = await library.thumbnail(me, photo.source)
    [made] = (tmp_path / "cache").rglob("*.jpg")
    written = made.stat().st_mtime_ns
    assert (await open_library().thumbnail(me, photo.source)).etag == first.etag
    assert made.stat().st_mtime_ns == written
    put("photo.jpg", colour="blue", modified=1_500_000_001)
    second = await library.thumbnail(me, photo.source)
    assert second.etag != first.etag
    assert Image.open(io.BytesIO(await _bytes(second))).getpixel((5, 5))[2] > 200
    assert len(list((tmp_path / "cache").rglob("*.jpg"))) == 1


async def test_thumbnails_of_photos_that_are_gone_are_removed(open_library, me, put, tmp_path):
    library = open_library(threads=1)  # so that what is asked for next comes after the removal
    gone = put("gone.jpg")
    put("kept.jpg")
    for photo in (await library.items(PHOTO, me, None, 10)).items:
        await library.thumbnail(me, photo.source)
    gone.unlink()
    photo = await _only(library, me)
    await library.preview(me, photo.source)
    assert {made.name.partition("-")[0] for made in (tmp_path / "cache").rglob("*.jpg")} == {photo.id}


async def test_closing_gives_up_what_is_queued(open_library, me, put):
    for number in range(20):
        put(f"{number}.jpg", (1000, 1000))
    library = open_library(threads=1)
    photos = (await library.items(PHOTO, me, None, 50)).items
    waiting = [asyncio.create_task(library.thumbnail(me, photo.source)) for photo in photos]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    await library.close()
    done = await asyncio.gather(*waiting, return_exceptions=True)
    assert any(isinstance(outcome, BaseException) for outcome in done)
    await library.close()


async def test_many_who_ask_for_one_thumbnail_at_once_wait_for_the_same_work(library, me, put, monkeypatch):
    from immichvr_gateway.library.folder import renditions

    put("photo.jpg", (640, 480))
    photo = await _only(library, me)
    made = []
    real = renditions.preview_jpeg
    monkeypatch.setattr(renditions, "preview_jpeg", lambda *a, **k: (made.append(1), real(*a, **k))[1])
    contents = await asyncio.gather(*(library.thumbnail(me, photo.source) for _ in range(20)))
    assert len({await _bytes(content) for content in contents}) == 1
    assert len(made) == 1


async def test_somebody_who_leaves_does_not_spoil_the_thumbnail_for_others(library, me, put):
    put("photo.jpg", (2000, 1500))
    photo = await _only(library, me)
    leaving = asyncio.create_task(library.thumbnail(me, photo.source))
    staying = asyncio.create_task(library.thumbnail(me, photo.source))
    await asyncio.sleep(0)
    leaving.cancel()
    assert (await staying).size
    with pytest.raises(asyncio.CancelledError):
        await leaving


@pytest.mark.parametrize("data", [b"", b"not a picture at all", b"\xff\xd8\xff\xe0 cut", b"\x89PNG\r\n\x1a\n"])
async def test_a_broken_photo_is_listed_and_says_why_it_cannot_be_shown(library, me, root, data):
    (root / "broken.jpg").write_bytes(data)
    photo = await _only(library, me)
    assert (photo.name, photo.width, photo.height, photo.size) == ("broken.jpg", None, None, len(data))
    for call in (library.thumbnail, library.preview, library.thumbnail):
        with pytest.raises(PhotoUnreadable, match=r"broken\.jpg cannot be shown") as caught:
            await call(me, photo.source)
        assert caught.value.code == "invalid_image"
    assert await _bytes(await library.source(me, Source.photo(photo.id))) == data


async def test_a_broken_photo_that_is_repaired_is_shown(library, me, root, put):
    (root / "photo.jpg").write_bytes(b"not yet")
    photo = await _only(library, me)
    with pytest.raises(PhotoUnreadable):
        await library.thumbnail(me, photo.source)
    put("photo.jpg")
    assert (await library.thumbnail(me, photo.source)).size


async def test_a_photo_with_too_many_pixels_is_refused_by_name(open_library, me, put):
    put("huge.png", (2000, 2000), format="PNG")
    library = open_library(decode=DecodeLimits(max_pixels=1_000_000))
    photo = await _only(library, me)
    with pytest.raises(PhotoUnreadable, match=r"huge\.png") as caught:
        await library.thumbnail(me, photo.source)
    assert caught.value.code == "image_too_large"


async def test_a_file_above_the_limit_is_no_source(open_library, me, root):
    (root / "huge.jpg").write_bytes(bytes(2_000_000))
    library = open_library(decode=DecodeLimits(max_bytes=1_000_000))
    photo = await _only(library, me)
    for call in (library.source, library.thumbnail):
        with pytest.raises(PhotoTooLarge, match="1000000 bytes"):
            await call(me, photo.source)
    assert len(await _bytes(await library.original(me, photo.source))) == 2_000_000


async def test_a_file_removed_between_listing_and_opening_is_not_found(open_library, me, put):
    path = put("photo.jpg")
    library = open_library(rescan_s=3600)
    photo = await _only(library, me)
    path.unlink()
    for call in (
        library.item,
        library.original,
        library.source,
        library.thumbnail,
        library.preview,
    ):
        with pytest.raises(PhotoNotFound):
            await call(me, photo.source)


async def test_a_file_cut_while_it_is_read_is_no_whole_file(library, me, root):
    path = root / "photo.jpg"
    path.write_bytes(bytes(3_000_000))
    photo = await _only(library, me)
    content = await library.original(me, photo.source)
    await anext(content.chunks)
    os.truncate(path, 1_500_000)
    with pytest.raises(LibraryUnavailable):
        await _bytes(content)


@pytest.mark.parametrize(
    "photo_id", ["../secret.jpg", "/etc/passwd", "..%2Fsecret.jpg", "", ".", "photo.jpg", "0" * 24]
)
async def test_a_path_is_no_id(library, me, put, tmp_path, photo_id):
    put("photo.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    for call in (library.item, library.original, library.thumbnail):
        with pytest.raises(PhotoNotFound):
            await call(me, Source.photo(photo_id))


async def test_no_link_leads_out_of_the_folder(library, me, root, put, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(outside / "secret.jpg")
    (root / "relative.jpg").symlink_to("../outside/secret.jpg")
    (root / "directory").symlink_to(outside, target_is_directory=True)
    (root / "above").symlink_to("..", target_is_directory=True)
    (root / "circle.jpg").symlink_to("circle.jpg")
    (root / "nowhere.jpg").symlink_to("nowhere")
    (root / "sibling").symlink_to(tmp_path / "photos-of-another", target_is_directory=True)
    put("inside.jpg")
    assert [photo.name for photo in (await library.items(PHOTO, me, None, 50)).items] == ["inside.jpg"]


async def test_a_link_to_a_photo_inside_is_a_photo(library, me, root, put):
    data = put("albums/../.store/abc.jpg").read_bytes()
    (root / "linked.jpg").symlink_to(".store/abc.jpg")
    photo = await _only(library, me)
    assert photo.name == "linked.jpg"
    assert await _bytes(await library.original(me, photo.source)) == data


@pytest.mark.parametrize("what", ["file", "directory"])
async def test_a_link_put_in_place_after_the_listing_is_not_followed(open_library, me, root, put, tmp_path, what):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "photo.jpg").write_bytes(b"secret")
    path = put("album/photo.jpg")
    library = open_library(rescan_s=3600)
    photo = await _only(library, me)
    if what == "file":
        path.unlink()
        path.symlink_to(outside / "photo.jpg")
    else:
        path.parent.rename(root / "elsewhere")
        path.parent.symlink_to(outside, target_is_directory=True)
    for call in (library.item, library.original, library.thumbnail):
        with pytest.raises(PhotoNotFound):
            await call(me, photo.source)


async def test_a_pipe_in_the_place_of_a_photo_holds_nobody_up(open_library, me, put):
    path = put("photo.jpg")
    library = open_library(rescan_s=3600)
    photo = await _only(library, me)
    path.unlink()
    os.mkfifo(path)
    for call in (library.item, library.original, library.thumbnail):
        with pytest.raises(PhotoNotFound):
            await asyncio.wait_for(call(me, photo.source), 5)


async def test_a_cache_that_cannot_be_written_is_a_problem_in_words(open_library, me, put, tmp_path):
    put("photo.jpg")
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    library = open_library(cache=blocked / "cache")
    photo = await _only(library, me)
    with pytest.raises(LibraryUnavailable, match="cache of thumbnails"):
        await library.thumbnail(me, photo.source)
    [problem] = await library.check()
    assert "cache of thumbnails" in problem


async def test_the_person_in_front_of_a_folder_needs_no_credential(library):
    assert await library.sign_in() == await library.identity_of_service()
    assert (await library.sign_in()).credential.kind == "none"


async def test_a_video_s_thumbnail_is_a_frame_of_it_made_once_where_no_secret_of_ours_is_known(
    open_library, me, root, tmp_path, monkeypatch
):
    library = open_library()
    make_clip(root / "clip.mp4", Clip(frames=8, width=640, height=96, fps=8))
    (root / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(4000))
    videos = {video.name: video for video in (await library.items(VIDEO, me, None, 10)).items}
    monkeypatch.setenv("IMMICHVR_GATEWAY_SESSION_KEY", "a secret")
    environments = []
    real = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda *args, env, **more: environments.append(env) or real(*args, env=env, **more)
    )
    for _ in range(2):
        content = await library.thumbnail(me, videos["clip.mp4"].source)
        assert (content.media_type, content.name) == ("image/jpeg", "clip.jpg")
        picture = Image.open(io.BytesIO(await _bytes(content)))
        assert (picture.format, picture.size) == ("JPEG", (512, 77))
        red, green, blue = picture.getpixel((2, 70))
        assert abs(red - 40) < 20 and abs(green - 90) < 20 and abs(blue - 60) < 20
    with pytest.raises(PhotoUnreadable, match=r"broken\.mp4 cannot be shown") as refused:
        await library.thumbnail(me, videos["broken.mp4"].source)
    assert refused.value.code == "invalid_video"
    assert len(environments) == 2 and not any("a secret" in env.values() for env in environments)
