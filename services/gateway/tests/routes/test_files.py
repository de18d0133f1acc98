"""Files of assets over HTTP: whole, in ranges, unchanged, to be saved."""

import pytest


@pytest.fixture
async def file(gateway, workers, live) -> tuple[str, bytes]:
    """A file's address and its bytes."""
    await gateway.make(live, "beach.jpg", "splat")
    url = f"/api/photos/{gateway.ids['beach.jpg']}/assets/splat-lift-heuristic/splat.spz"
    return url, (await gateway.get(url)).content


async def test_a_file_comes_whole_with_what_caches_and_browsers_need(gateway, file) -> None:
    url, data = file
    answer = await gateway.get(url)
    assert (answer.status_code, data[:13]) == (200, b"splat.spz of ")
    assert answer.headers["content-length"] == str(len(data))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    name = "beach_lift-heuristic.spz"
    assert answer.headers["content-disposition"] == f"inline; filename*=UTF-8''{name}"
    saved = await gateway.get(f"{url}?download=1")
    assert saved.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    head = await gateway.client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))
    assert head.headers["etag"] == answer.headers["etag"]


async def test_ranges_give_their_part_and_say_which(gateway, file) -> None:
    url, data = file
    size = len(data)
    for header, start, end in [
        ("bytes=0-0", 0, 0),
        ("bytes=3-9", 3, 9),
        ("bytes=5-", 5, size - 1),
        ("bytes=-4", size - 4, size - 1),
        (f"bytes=2-{size + 1000}", 2, size - 1),
        (f"bytes=-{size + 1000}", 0, size - 1),
    ]:
        answer = await gateway.get(url, range=header)
        assert (answer.status_code, answer.content) == (206, data[start : end + 1]), header
        assert answer.headers["content-range"] == f"bytes {start}-{end}/{size}"
        assert answer.headers["content-length"] == str(end - start + 1)


async def test_ranges_beyond_the_end_are_refused_and_nonsense_is_ignored(gateway, file) -> None:
    url, data = file
    for header in (f"bytes={len(data)}-", "bytes=-0", f"bytes={10**17}-"):
        answer = await gateway.get(url, range=header)
        assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable"), header
        assert answer.headers["content-range"] == f"bytes */{len(data)}"
    for header in ("bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=a-b", f"bytes=0-{'9' * 5000}"):
        answer = await gateway.get(url, range=header)
        assert (answer.status_code, answer.content) == (200, data), header


async def test_what_is_known_already_is_not_sent_again(gateway, file) -> None:
    url, data = file
    etag = (await gateway.get(url)).headers["etag"]
    for known in (etag, f'"other", {etag}', f"W/{etag}", "*"):
        answer = await gateway.get(url, **{"if-none-match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag), known
    assert (await gateway.get(url, **{"if-none-match": '"other"'})).content == data


async def test_a_range_of_another_version_gives_the_whole_file(gateway, file) -> None:
    url, data = file
    etag = (await gateway.get(url)).headers["etag"]
    same = await gateway.get(url, **{"range": "bytes=0-3", "if-range": etag})
    assert (same.status_code, same.content) == (206, data[:4])
    other = await gateway.get(url, **{"range": "bytes=0-3", "if-range": '"other"'})
    assert (other.status_code, other.content) == (200, data)


async def test_what_is_not_there_is_not_found(gateway, file) -> None:
    url, _ = file
    for path, hint in [
        (url.replace("splat.spz", "splat.sog"), "splat.spz"),
        (url.replace("splat.spz", "manifest.json"), "splat.spz"),
        (url.replace("splat.spz", "..%2Fmanifest.json"), ""),
        (url.replace("lift-heuristic", "lift-magic"), "splat-lift-magic"),
    ]:
        answer = await gateway.get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert hint in answer.json()["detail"]


async def test_a_file_whose_object_is_gone_is_said_to_be_lost_rather_than_cut_short(gateway, file, storage) -> None:
    url, _ = file
    for key in await storage.list_keys("splats/"):
        if key.endswith("splat.spz"):
            await storage.delete(key)
    answer = await gateway.get(url)
    assert (answer.status_code, answer.json()["code"]) == (410, "lost_object")
    assert "splat.spz" in answer.json()["detail"] and "anew" in answer.json()["detail"]
