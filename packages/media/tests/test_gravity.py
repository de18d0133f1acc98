import math
import struct

import pytest
from immichvr_media.facts import photo_facts
from immichvr_media.gravity import gravity_in
from immichvr_media.limits import DecodeLimits
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

UPRIGHT, TOP_LEFT = 6, 1
"""EXIF's orientation of a phone held upright, and with its top to the left."""


def note_of(right: float, top: float, out: float) -> bytes:
    felt = b"".join(struct.pack(">ii", round(part * 10_000), 10_000) for part in (right, top, out))
    entry = struct.pack(">HHII", 0x08, 10, 3, 14 + 2 + 12 + 4)
    return b"Apple iOS\0\0\1MM" + struct.pack(">H", 1) + entry + b"\0" * 4 + felt


def told_by(note: bytes | None, lens: str | None, orientation: int) -> tuple[float, float, float] | None:
    exif = {ExifTags.Base.MakerNote: note, ExifTags.Base.LensModel: lens}
    return gravity_in({tag: value for tag, value in exif.items() if value is not None}, orientation, [])


def pitch_of(gravity: tuple[float, float, float]) -> float:
    """How far the camera looks up, in degrees."""
    return math.degrees(math.atan2(-gravity[2], gravity[1]))


@pytest.mark.parametrize(
    ("felt", "orientation"),
    [((0.0, -1.0, 0.0), UPRIGHT), ((-1.0, 0.0, 0.0), TOP_LEFT), ((1.0, 0.0, 0.0), 3), ((0.0, 1.0, 0.0), 8)],
)
def test_a_phone_held_level_has_gravity_at_the_bottom_however_it_is_turned(felt, orientation):
    assert told_by(note_of(*felt), "back camera", orientation) == pytest.approx((0, 1, 0))


def test_a_phone_whose_back_looks_down_looks_down():
    sin, cos = math.sin(math.radians(20)), math.cos(math.radians(20))
    gravity = told_by(note_of(0.0, -cos, -sin), None, UPRIGHT)
    assert gravity is not None
    assert pitch_of(gravity) == pytest.approx(-20, abs=0.1)
    assert gravity[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("note", "lens", "orientation"),
    [
        (note_of(0.0, -1.0, 0.0), "iPhone front TrueDepth camera 2.71mm f/2.2", UPRIGHT),
        (note_of(0.0, -1.4, 0.3), None, UPRIGHT),
        (note_of(0.0, -1.0, 0.0), None, TOP_LEFT),
        (note_of(0.0, -1.0, 0.0)[:40], None, UPRIGHT),
        (None, None, UPRIGHT),
    ],
)
def test_nothing_is_told_of_faces_shaken_phones_turned_pictures_and_damage(note, lens, orientation):
    assert told_by(note, lens, orientation) is None


@pytest.mark.parametrize(("pitch", "roll", "looks"), [("-35.5", "+0.00", -35.5), ("+10.0", "-2.0", 10.0)])
def test_a_drone_tells_how_its_gimbal_stood(pitch, roll, looks):
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"'
        f' drone-dji:GimbalPitchDegree="{pitch}" drone-dji:GimbalRollDegree="{roll}"/></rdf:RDF></x:xmpmeta>'
    ).encode()
    gravity = photo_facts(None, xmp, DecodeLimits(), []).gravity
    assert gravity is not None
    assert pitch_of(gravity) == pytest.approx(looks, abs=0.1)
    assert math.hypot(*gravity) == pytest.approx(1)


@pytest.mark.parametrize("looks", [-35.5, 12.25])
def test_a_camera_that_tells_its_elevation_looks_there_and_is_taken_as_upright(looks: float) -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[0x9405] = IFDRational(round(looks * 100), 100)
    gravity = photo_facts(exif.tobytes(), None, DecodeLimits(), []).gravity
    assert gravity is not None
    assert pitch_of(gravity) == pytest.approx(looks, abs=0.01)
    assert gravity[0] == 0


@pytest.mark.parametrize("told", [IFDRational(1, 0), IFDRational(170, 1), "up", (1, 2)])
def test_an_elevation_that_cannot_be_is_nothing(told: object) -> None:
    assert gravity_in({0x9405: told}, TOP_LEFT, []) is None
