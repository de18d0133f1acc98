"""Photos: pages of them, one by one, and their pictures."""

import io

from PIL import Image


async def test_pages_follow_one_another_newest_first_without_gap_or_repetition(gateway) -> None:
    names, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await gateway.client.get("/api/photos", params=query)).json()
        assert len(page["items"]) <= 3
        names += [photo["name"] for photo in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert (len(names), pages) == (8, 3)
    assert (names[0], names[-1]) == ("beach.jpg", "empty.jpg")
    assert len(set(names)) == len(names)


async def test_a_photo_says_where_its_pictures_are_and_what_it_has(gateway) -> None:
    photo = (await gateway.get(f"/api/photos/{gateway.ids['beach.jpg']}")).json()
    base = f"/api/photos/{gateway.ids['beach.jpg']}"
    assert (photo["name"], photo["width"], photo["height"]) == ("beach.jpg", 8, 6)
    assert photo["taken_at"].startswith("2023-11-14T")
    assert (photo["thumbnail"], photo["preview"], photo["original"]) == (
        f"{base}/thumbnail", f"{base}/preview", f"{base}/original",
    )  # fmt: skip
    assert photo["badges"] == {"depth": False, "splat": False, "depth-video": False, "motion": False, "points": False}
    assert (photo["job"], photo["assets"], photo["external_url"]) == (None, [], None)


async def test_small_pictures_are_shown_and_not_sent_twice(gateway) -> None:
    for picture in ("thumbnail", "preview"):
        path = f"/api/photos/{gateway.ids['hut.png']}/{picture}"
        answer = await gateway.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(answer.content)).size == (8, 6)
        assert answer.headers["x-content-type-options"] == "nosniff"
        for known in (answer.headers["etag"], f'"other", W/{answer.headers["etag"]}', "*"):
            again = await gateway.get(path, **{"if-none-match": known})
            assert (again.status_code, again.content) == (304, b"")


async def test_the_original_is_the_file_as_it_is(gateway, photos) -> None:
    answer = await gateway.get(f"/api/photos/{gateway.ids['hut.png']}/original")
    assert answer.content == (photos / "hut.png").read_bytes()
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"].startswith("sandbox")


async def test_the_original_comes_in_parts_under_its_name(gateway, photos) -> None:
    url, data = f"/api/photos/{gateway.ids['Ünder way.jpg']}/original", (photos / "Ünder way.jpg").read_bytes()
    head = await gateway.client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(data)))
    assert head.headers["content-disposition"] == "inline; filename*=UTF-8''%C3%9Cnder%20way.jpg"
    assert (await gateway.get(f"{url}?download=1")).headers["content-disposition"].startswith("attachment;")
    for header, start, end in [("bytes=3-9", 3, 9), ("Bytes=5-", 5, len(data) - 1), ("bytes=-4", -4, len(data) - 1)]:
        answer = await gateway.get(url, range=header)
        start %= len(data)
        assert (answer.status_code, answer.content) == (206, data[start : end + 1]), header
        assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(data)}"
    for header in ("bytes=+1-2", "bytes=1-+2", "bytes= 1-2", "bytes=1-2,4-5", "bytes=٣-٤".encode(), "lines=1-2"):
        answer = await gateway.client.get(url, headers={"range": header})
        assert (answer.status_code, answer.content) == (200, data), header
    beyond = await gateway.get(url, range=f"bytes={len(data)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    etag = head.headers["etag"]
    for condition, status in ((etag, 206), ('"other"', 200), (f"W/{etag}", 200)):
        answer = await gateway.get(url, **{"range": "bytes=0-3", "if-range": condition})
        assert (answer.status_code, answer.content) == (status, data[:4] if status == 206 else data), condition


async def test_small_pictures_answer_to_head_under_their_name(gateway) -> None:
    for picture in ("thumbnail", "preview"):
        path = f"/api/photos/{gateway.ids['hut.png']}/{picture}"
        head, whole = await gateway.client.head(path), await gateway.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert whole.headers["content-disposition"] == "inline; filename*=UTF-8''hut.jpg"


async def test_an_unknown_photo_is_not_found(gateway) -> None:
    for photo_id in ("0" * 24, "..%2F..%2Fetc", "Ü", "a" * 5000):
        for rest in ("", "/thumbnail", "/preview", "/original", "/assets", "/assets/splat-x/splat.spz"):
            answer = await gateway.get(f"/api/photos/{photo_id}{rest}")
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (photo_id, rest)


async def test_a_picture_of_what_is_no_picture_is_refused_in_words(gateway) -> None:
    answer = await gateway.get(f"/api/photos/{gateway.ids['empty.jpg']}/thumbnail")
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_image")
    assert "empty.jpg" in answer.json()["detail"]


async def test_a_page_that_cannot_be_is_refused(gateway) -> None:
    for query in ("limit=0", "limit=501", "limit=many", "cursor=nonsense", f"cursor={'x' * 600}"):
        answer = await gateway.get(f"/api/photos?{query}")
        assert answer.status_code == 422, query
        assert answer.json()["code"] in ("invalid_request", "invalid_cursor")
