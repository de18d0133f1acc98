"""Stars, tags, words, places and cameras, wherever they are written."""

import io
import struct

import pytest
from immichvr_media import About, read_photo_header, read_sidecar
from immichvr_media.about import about_in_exif, about_in_iptc, position_in_iso6709
from PIL import ExifTags, Image

XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" '
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:lr="http://ns.adobe.com/lightroom/1.0/" {}>{}'
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def about(data: bytes) -> About:
    return read_photo_header(io.BytesIO(data), len(data)).about


def bag(name: str, *words: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{word}</rdf:li>' for word in words)}</rdf:Bag></{name}>"


def with_xmp(files, attributes="", elements="", kind="JPEG") -> bytes:
    return files.with_xmp(files.save(files.photo(size=(96, 64)), kind), XMP.format(attributes, elements).encode())


def test_exif_tells_camera_place_stars_and_words(files):
    exif = Image.Exif()
    exif.update({ExifTags.Base.Make: "NIKON CORPORATION", ExifTags.Base.Model: "NIKON D750", 0x4746: 4})
    exif.update(
        {ExifTags.Base.ImageDescription: "The harbour\n at dawn\0", 0x9C9E: "boats;sea/north".encode("utf-16-le")}
    )
    exif.get_ifd(ExifTags.IFD.Exif)[0xA434] = "AF-S 24-120mm"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 0.0)})
    told = about(files.save(files.photo(size=(96, 64)), "JPEG", exif=exif.tobytes()))
    assert (told.camera, told.lens, told.rating) == ("NIKON D750", "AF-S 24-120mm", 4)
    assert (told.description, told.tags) == ("The harbour at dawn", ("boats", "sea/north"))
    assert (told.latitude, told.longitude) == (-33.858333, 151.2)


def test_xmp_tells_the_same_and_tags_within_tags(files):
    told = about(
        with_xmp(
            files,
            'xmp:Rating="5" exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17,40W" photoshop:City="Paris" '
            'photoshop:Country="France" tiff:Make="Apple" tiff:Model="iPhone 15"',
            bag("lr:hierarchicalSubject", "trips|2024|Paris") + bag("dc:subject", "trips", "2024", "Paris", "tower"),
        )
    )
    assert (told.rating, told.tags) == (5, ("trips/2024/Paris", "tower"))
    assert (told.latitude, told.longitude) == (48.858333, -2.294444)
    assert (told.city, told.state, told.country, told.camera) == ("Paris", None, "France", "Apple iPhone 15")


def test_iptc_tells_keywords_and_cities_in_either_encoding(files):
    def record(number: int, value: bytes) -> bytes:
        return struct.pack(">BBBH", 0x1C, 2, number, len(value)) + value

    iim = record(25, "Brücke".encode()) + record(25, b"Fluss") + record(90, "Zürich".encode("latin-1"))
    block = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iim)) + iim + b"\0" * (len(iim) % 2)
    plain = files.save(files.photo(size=(96, 64)), "JPEG")
    told = about(plain[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + plain[2:])
    assert (told.tags, told.city) == (("Brücke", "Fluss"), "Zürich")
    assert about_in_iptc({(2, 90): b"Bern", (2, 25): 7}).city == "Bern"


@pytest.mark.parametrize("stars", ["-1", "0", "6", "many", "nan", ""])
def test_what_is_no_number_of_stars_is_none(files, stars):
    assert about(with_xmp(files, f'xmp:Rating="{stars}"')).rating is None


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [("0,0N", "0,0E"), ("91,0N", "2,0E"), ("48,0N", "181,0E"), ("48", "2"), ("north", "2,0E"), ("48,0N", "")],
)
def test_what_is_no_place_on_earth_is_none(files, latitude, longitude):
    told = about(with_xmp(files, f'exif:GPSLatitude="{latitude}" exif:GPSLongitude="{longitude}"'))
    assert (told.latitude, told.longitude) == (None, None)


@pytest.mark.parametrize("position", [(1.0,) * 4, (), ("x", "y", "z"), (float("nan"), 0.0, 0.0), 5, None, b"1"])
def test_an_odd_position_in_exif_costs_only_itself(position):
    told = about_in_exif({ExifTags.Base.Model: "X100"}, {}, {1: "N", 2: position, 3: "E", 4: (2.0, 0.0, 0.0)})
    assert (told.camera, told.latitude, told.longitude) == ("X100", None, None)


def test_a_photo_has_at_most_so_many_tags_of_such_a_length(files):
    told = about(with_xmp(files, elements=bag("dc:subject", *(f"{number} {'x' * 300}" for number in range(100)))))
    assert len(told.tags) == 64 and max(map(len, told.tags)) == 120


def test_a_sidecar_is_read_alone_and_counts_before_the_photo(files):
    packet = XMP.format('xmp:Rating="3" exif:DateTimeOriginal="2019-05-06T07:08:09+02:00"', bag("dc:subject", "new"))
    told = read_sidecar(io.BytesIO(packet.encode()))
    assert told.taken is not None and told.taken.isoformat() == "2019-05-06T07:08:09+02:00"
    whole = told.about.over(About(rating=1, tags=("old",), city="Bern", latitude=1.0, longitude=2.0))
    assert (whole.rating, whole.tags, whole.city, whole.latitude) == (3, ("new",), "Bern", 1.0)
    assert About(latitude=0.0, longitude=9.0).over(About(latitude=5.0, longitude=5.0)).longitude == 9.0


@pytest.mark.parametrize("packet", [b"", b"<", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"Rating" * 2_000_000])
def test_a_sidecar_that_makes_no_sense_says_nothing(packet):
    told = read_sidecar(io.BytesIO(packet))
    assert (told.taken, told.about) == (None, About())


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("+48.8577+002.2950+035.0/", (48.8577, 2.295)),
        ("-33.85-151.2/", (-33.85, -151.2)),
        ("+00.0000+000.0000/", (None, None)),
        ("somewhere", (None, None)),
    ],
)
def test_positions_of_videos(text, position):
    assert position_in_iso6709(text) == position
