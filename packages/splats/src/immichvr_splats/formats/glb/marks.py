"""What the `extras` of a GLB's scene tell: {"antialiased": true, "origin": [x, y, z], "georeference": [...]}.

The origin is in metres and OpenCV axes, as in memory: float32, which glTF's nodes have, would lose its digits.
"""

from immichvr_splats.cloud import LONGEST_NOTE, MOST_NOTES, Marks
from immichvr_splats.errors import MalformedFileError
from immichvr_splats.gltf.container import Container, Json, as_numbers


def extras_of(file: Container) -> Json:
    """The `extras` of the default scene, empty where there is none."""
    if not file.root.get("scenes"):
        return {}
    extras = file.item("scenes", file.root.get("scene", 0)).get("extras")
    return extras if isinstance(extras, dict) else {}


def describe_marks(marks: Marks) -> dict[str, object]:
    """Their part of the scene's `extras`."""
    told: dict[str, object] = {"antialiased": True} if marks.antialiased else {}
    if marks.origin is not None:
        told["origin"] = list(marks.origin)
    if marks.georeference:
        told["georeference"] = list(marks.georeference)
    return told


def read_marks(file: Container) -> Marks:
    """The marks of a file; what has another form than ours is somebody else's."""
    extras = extras_of(file)
    notes = extras.get("georeference")
    notes = [n for n in notes if isinstance(n, str) and len(n) <= LONGEST_NOTE] if isinstance(notes, list) else []
    origin = None
    if "origin" in extras:
        try:
            x, y, z = as_numbers(extras["origin"], 3, "origin").tolist()
            origin = (x, y, z)
        except MalformedFileError:
            origin = None
    return Marks(extras.get("antialiased") is True, origin, tuple(notes[:MOST_NOTES]))
