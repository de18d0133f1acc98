"""What the comments of a PLY tell of a cloud: its camera, where it stands, how it was trained.

| comment                                         | of                                                             |
|-------------------------------------------------|----------------------------------------------------------------|
| SplatRenderMode: mip; antialiased 1             | Brush and splat-transform; Postshot                            |
| immichvr_camera fx fy cx cy width height        | here: pixels                                                   |
| immichvr_extrinsic 16 numbers                   | here: world to camera, row by row; left out where it is unit   |
| immichvr_origin x y z                           | here: metres that the means are counted from                   |
| offset, shift, epsg, crs, wkt, geo... and more  | many: where on Earth a cloud stands, kept word for word        |

Viewers skip comments. They are written last in the header: INRIA's own viewer wants the count in the third line.
"""

import re
from collections.abc import Iterable

import numpy as np

from immichvr_splats.cloud import LONGEST_NOTE, MOST_NOTES, Camera, Marks
from immichvr_splats.errors import InvalidCloudError
from immichvr_splats.losses import Loss

_MODE = re.compile(r"splatrendermode\s*[:=]?\s*(\S+)", re.IGNORECASE)
_ANTIALIASED = re.compile(r"antialiased\s*[:=]?\s*(0|1|true|false)", re.IGNORECASE)
_ANTIALIASED_WORDS = ("mip", "antialiased", "1", "true")
_GEOREFERENCE = re.compile(
    r"(?:^|[^a-z])(?:epsg|geo|georef[a-z]*|crs|srs|wkt|utm|ecef|projcs|projcrs|geogcs|geogcrs|projection|datum"
    r"|latitude|longitude|altitude)(?![a-z])"
    r"|(?:^|[^a-z])(?:offset|shift|origin|translation)[ _]?[xyz]?(?![a-z]).*\d",
    re.IGNORECASE,
)
_CAMERA, _EXTRINSIC, _ORIGIN = "immichvr_camera", "immichvr_extrinsic", "immichvr_origin"


def marks_in(comments: Iterable[str]) -> Marks:
    """The marks that comments make; of several of one kind the last."""
    antialiased, origin, notes = False, None, []
    for comment in comments:
        mode = _MODE.fullmatch(comment) or _ANTIALIASED.fullmatch(comment)
        if mode:
            antialiased = mode[1].lower() in _ANTIALIASED_WORDS
        elif comment.startswith(_ORIGIN):
            origin = _numbers(comment, _ORIGIN, 3) or origin
        elif len(comment) <= LONGEST_NOTE and comment.isprintable() and _GEOREFERENCE.search(comment):
            notes.append(comment)
    place = None if origin is None else (origin[0], origin[1], origin[2])
    return Marks(antialiased, place, tuple(dict.fromkeys(notes))[:MOST_NOTES])


def camera_in(comments: Iterable[str], losses: list[Loss]) -> Camera | None:
    """The camera that comments tell; None, and a loss, where it is not usable."""
    values: dict[str, list[float]] = {}
    told = {}
    for comment in comments:
        for name, size in ((_CAMERA, 6), (_EXTRINSIC, 16)):
            if comment.startswith(f"{name} "):
                told[name] = comment
                values[name] = _numbers(comment, name, size) or []
    if _CAMERA not in values:
        return None
    try:
        if not all(values.values()):
            raise InvalidCloudError(f"wants 6 numbers in {_CAMERA} and 16 in {_EXTRINSIC}")
        fx, fy, cx, cy, width, height = values[_CAMERA]
        extrinsic = np.array(values.get(_EXTRINSIC, np.eye(4))).reshape(4, 4)
        return Camera(fx, fy, cx, cy, int(width), int(height), extrinsic)
    except InvalidCloudError as error:
        losses.append(Loss("camera", f"the camera in the file is not usable: {error}"))
        return None


def comments_of(marks: Marks, camera: Camera | None) -> list[str]:
    """Lines of a header, without their ends."""
    lines = ["SplatRenderMode: mip"] if marks.antialiased else []
    if camera is not None:
        values = (camera.fx, camera.fy, camera.cx, camera.cy, camera.width, camera.height)
        lines.append(_line(_CAMERA, values))
        if (camera.extrinsic != np.eye(4)).any():
            lines.append(_line(_EXTRINSIC, camera.extrinsic.ravel().tolist()))
    if marks.origin is not None:
        lines.append(_line(_ORIGIN, marks.origin))
    return [f"comment {line}" for line in (*lines, *marks.georeference)]


def _line(name: str, values: Iterable[float]) -> str:
    return " ".join([name, *(str(int(v)) if v == int(v) else repr(float(v)) for v in values)])


def _numbers(comment: str, name: str, size: int) -> list[float] | None:
    words = comment.removeprefix(name).split()
    try:
        numbers = [float(word) for word in words]
    except ValueError:
        return None
    return numbers if len(numbers) == size and np.isfinite(numbers).all() else None
