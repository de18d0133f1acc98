"""Originals, renditions, and what is made splats of."""

import io

import pytest
from immichvr_catalog import PHOTO
from immichvr_common.sources import Source
from immichvr_gateway.library import ImmichLimits, LibraryUnavailable, NotReady, PhotoNotFound, PhotoTooLarge, Span
from PIL import Image
from reading import bytes_of
from starlette.responses import Response, StreamingResponse

RAW = b"II*\x00 not really a RAW file"


def _size(data):
    return Image.open(io.BytesIO(data)).size


def _colour(data):
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    return picture.getpixel((picture.width // 2, picture.height // 2))


async def test_an_original_comes_as_it_was_uploaded(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(), "sea.jpg")
    content = await library.original(as_ada, Source.photo(asset.id))
    assert (content.media_type, content.size, content.name) == ("image/jpeg", len(asset.original), "sea.jpg")
    assert content.etag and content.etag.endswith('"')
    assert await bytes_of(content) == asset.original


async def test_a_part_of_an_original_is_a_part_of_what_immich_sends(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(), "sea.jpg")
    content = await library.original(as_ada, Source.photo(asset.id), Span(100, 50))
    assert (content.part, content.size) == ((100, len(asset.original)), 50)
    assert await bytes_of(content) == asset.original[100:150]


async def test_thumbnail_and_preview_are_small_pictures_of_it(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(3000, 2000), "sea.heic", original=b"heic")
    thumbnail, preview = (
        await library.thumbnail(as_ada, Source.photo(asset.id)),
        await library.preview(as_ada, Source.photo(asset.id)),
    )
    assert (thumbnail.media_type, thumbnail.name) == ("image/webp", "sea.webp")
    assert (preview.media_type, preview.name) == ("image/jpeg", "sea.jpeg")
    assert _size(await bytes_of(thumbnail)) == (375, 250)
    assert _size(await bytes_of(preview)) == (1440, 960)


async def test_the_source_of_a_decodable_photo_is_its_original(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(), "sea.heic", original=b"heic as it came")
    content = await library.source(as_ada, Source.photo(asset.id))
    assert (content.note, content.media_type) == ("", "image/heic")
    assert content.source_version == (await library.item(as_ada, Source.photo(asset.id))).source_version
    assert await bytes_of(content) == b"heic as it came"


async def test_of_a_raw_photo_the_full_size_picture_is_used(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(3000, 2000), "sea.dng", original=RAW)
    asset.renditions["fullsize"] = ("image/jpeg", picture(3000, 2000))
    content = await library.source(as_ada, Source.photo(asset.id))
    assert "sea.dng" in content.note and "full-size" in content.note
    assert content.name == "sea.jpeg"
    assert _size(await bytes_of(content)) == (3000, 2000)


async def test_of_a_raw_photo_without_one_the_preview_is_used(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(3000, 2000), "sea.dng", original=RAW)
    content = await library.source(as_ada, Source.photo(asset.id))
    assert "preview" in content.note
    assert _size(await bytes_of(content)) == (1440, 960)


async def test_a_format_that_browsers_show_and_we_do_not_decode_comes_as_preview(
    immich_stub, library, ada, as_ada, picture
):
    # Immich redirects its full-size picture to the original, which is the format that is not decoded
    asset = immich_stub.add_photo(ada, picture(3000, 2000), "sea.svg", original=b"<svg/>")
    content = await library.source(as_ada, Source.photo(asset.id))
    assert content.media_type == "image/jpeg"
    assert _size(await bytes_of(content)) == (1440, 960)


@pytest.mark.parametrize(("name", "size"), [("sea.jpg", (1440, 960)), ("sea.heic", (3000, 2000))])
async def test_of_a_photo_that_cannot_be_decoded_the_largest_picture_of_immich_is_used(
    immich_stub, library, ada, as_ada, picture, name, size
):
    # Of a JPEG the full-size picture would be the damaged file itself.
    asset = immich_stub.add_photo(ada, picture(3000, 2000), name, original=b"BM is no JPEG")
    asset.renditions["fullsize"] = ("image/jpeg", picture(3000, 2000))
    content = await library.rendition(as_ada, asset.id, small=False)
    assert name in content.note and "could not be decoded" in content.note
    assert _size(await bytes_of(content)) == size
    small = await library.rendition(as_ada, asset.id, small=True)
    assert "preview" in small.note
    assert _size(await bytes_of(small)) == (1440, 960)


async def test_a_drawing_that_may_carry_scripts_is_only_downloaded(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(), "sea.svg", original=b"<svg><script/></svg>")
    async with await library.original(as_ada, Source.photo(asset.id)) as content:
        assert content.media_type == "application/octet-stream"


async def test_an_edited_photo_is_seen_as_edited(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture(colour="red"))
    asset.edit(picture(200, 300, colour="lime"))
    source = await library.source(as_ada, Source.photo(asset.id))
    assert "edited" in source.note
    assert _size(await bytes_of(source)) == (200, 300)
    for call in (library.thumbnail, library.preview):
        assert _colour(await bytes_of(await call(as_ada, Source.photo(asset.id))))[1] > 200
    assert _colour(await bytes_of(await library.original(as_ada, Source.photo(asset.id))))[0] > 200


async def test_an_edited_photo_whose_picture_is_not_ready_is_to_be_asked_for_again(
    immich_stub, library, ada, as_ada, picture
):
    asset = immich_stub.add_photo(ada, picture())
    asset.edit(picture())
    del asset.edited["original"]
    with pytest.raises(NotReady) as caught:
        await library.source(as_ada, Source.photo(asset.id))
    assert caught.value.retriable and caught.value.retry_after_s


async def test_a_thumbnail_not_made_yet_is_to_be_asked_for_again(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    made, asset.renditions = asset.renditions, {}
    with pytest.raises(NotReady) as caught:
        await library.thumbnail(as_ada, Source.photo(asset.id))
    assert caught.value.retry_after_s == 5
    asset.renditions = made
    assert _size(await bytes_of(await library.thumbnail(as_ada, Source.photo(asset.id))))


async def test_a_file_declared_too_large_is_not_begun(immich_stub, open_library, ada, as_ada, picture):
    library = open_library(limits=ImmichLimits(max_file_bytes=10_000))
    asset = immich_stub.add_photo(ada, picture(), original=bytes(10_001))
    with pytest.raises(PhotoTooLarge, match="10000 bytes"):
        await library.original(as_ada, Source.photo(asset.id))


async def test_a_file_that_grows_too_large_is_stopped(immich_stub, open_library, ada, as_ada, picture):
    library = open_library(limits=ImmichLimits(max_file_bytes=1_000_000))
    asset = immich_stub.add_photo(ada, picture())

    async def much(_):
        async def zeros():
            for _ in range(30):
                yield bytes(100_000)

        return StreamingResponse(zeros(), media_type="image/jpeg")

    immich_stub.instead["original"] = much
    content = await library.original(as_ada, Source.photo(asset.id))
    received = 0
    with pytest.raises(PhotoTooLarge):
        async with content:
            async for chunk in content.chunks:
                received += len(chunk)
    assert received <= 1_000_000


async def test_a_file_cut_short_is_no_whole_file(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())

    async def cut(_):
        async def half():
            yield asset.original[: len(asset.original) // 2]

        return StreamingResponse(half(), headers={"content-length": str(len(asset.original))}, media_type="image/jpeg")

    immich_stub.instead["original"] = cut
    with pytest.raises(LibraryUnavailable):
        await bytes_of(await library.original(as_ada, Source.photo(asset.id)))


async def test_a_compressed_answer_is_not_unpacked(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())

    async def compressed(_):
        return Response(b"\x1f\x8b", headers={"content-encoding": "gzip"}, media_type="image/jpeg")

    immich_stub.instead["original"] = compressed
    with pytest.raises(LibraryUnavailable, match="compressed"):
        await library.original(as_ada, Source.photo(asset.id))


async def test_a_photo_deleted_between_listing_and_opening_is_not_found(immich_stub, library, ada, as_ada, picture):
    asset = immich_stub.add_photo(ada, picture())
    await library.items(PHOTO, as_ada, None, 10)
    del immich_stub.assets[asset.id]
    for call in (library.original, library.thumbnail, library.source):
        with pytest.raises(PhotoNotFound):
            await call(as_ada, Source.photo(asset.id))
