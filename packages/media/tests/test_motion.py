"""Films inside photos, and what ties a live photo to its own."""

import io
import struct

import pytest
from immichvr_media import Clip, read_photo_header
from immichvr_media.motion import apple_content_id, told_clip

FILM = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4
CAMERA = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
    'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" {}>{}</rdf:Description></rdf:RDF></x:xmpmeta>'
)


def header(data: bytes):
    return read_photo_header(io.BytesIO(data), len(data))


def photo(files, attributes="", elements="") -> bytes:
    return files.with_xmp(files.save(files.photo(size=(96, 64)), "JPEG"), XMP.format(attributes, elements).encode())


def directory(*items: str) -> str:
    listed = "".join(f'<rdf:li rdf:parseType="Resource"><Container:Item {item}/></rdf:li>' for item in items)
    return f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory>"


def test_the_film_of_a_motion_photo_is_found_before_what_follows_it(files):
    still = photo(
        files,
        'GCamera:MotionPhoto="1"',
        directory(
            'Item:Mime="image/jpeg" Item:Semantic="Primary" Item:Padding="0"',
            f'Item:Mime="video/mp4" Item:Semantic="MotionPhoto" Item:Length="{len(FILM)}"',
            'Item:Mime="image/jpeg" Item:Semantic="GainMap" Item:Length="7"',
        ),
    )
    data = still + FILM + b"gainmap"
    assert header(data).clip == Clip(len(still), len(FILM))


def test_the_film_of_a_micro_video_is_found(files):
    still = photo(files, f'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="{len(FILM)}"')
    assert header(still + FILM).clip == Clip(len(still), len(FILM))


def test_the_film_of_a_samsung_photo_is_found(files):
    still = files.save(files.photo(size=(96, 64)), "JPEG")
    name = b"MotionPhoto_Data"
    block = b"\0\0" + struct.pack("<HI", 0x0A30, len(name)) + name + FILM
    entry = b"\0\0" + struct.pack("<HII", 0x0A30, len(block), len(block))
    sef = b"SEFH" + struct.pack("<II", 107, 1) + entry
    data = still + block + sef + struct.pack("<I", len(sef)) + b"SEFT"
    assert header(data).clip == Clip(len(still) + 8 + len(name), len(FILM))


@pytest.mark.parametrize(
    "attributes",
    [
        'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="999999999"',
        'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="-5"',
        'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="12"',
        'GCamera:MicroVideo="0" GCamera:MicroVideoOffset="1032"',
        'GCamera:MotionPhoto="1"',
    ],
)
def test_a_film_that_is_not_where_it_is_said_to_be_is_none(files, attributes):
    assert header(photo(files, attributes) + b"x" * 2000).clip is None


@pytest.mark.parametrize("tail", [b"SEFT", b"\xff\xff\xff\xffSEFT", struct.pack("<I", 24) + b"SEFT"])
def test_a_damaged_trailer_is_none(files, tail):
    assert header(files.save(files.photo(size=(96, 64)), "JPEG") + b"SEFH" + b"\xff" * 60 + tail).clip is None


def test_a_photo_without_words_of_a_film_has_none():
    assert told_clip([]) is None


@pytest.mark.parametrize("order", ["big", "little"])
def test_the_content_identifier_of_a_live_photo(order):
    own = b"3F2504E0-4F89-11D3-9A0C-0305E82C3301\0"
    mark, byte = (b"MM", ">") if order == "big" else (b"II", "<")
    entries = struct.pack(f"{byte}HHII", 0x01, 9, 1, 14) + struct.pack(f"{byte}HHII", 0x11, 2, len(own), 16 + 24 + 4)
    note = b"Apple iOS\0\0\1" + mark + struct.pack(f"{byte}H", 2) + entries + b"\0" * 4 + own
    assert apple_content_id(note) == "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
    for end in range(len(note) - 1):
        apple_content_id(note[:end])


@pytest.mark.parametrize("note", [None, b"", b"Nikon", b"Apple iOS\0\0\1MM\xff\xff", "Apple iOS"])
def test_what_is_no_note_of_apples_has_none(note):
    assert apple_content_id(note) is None
