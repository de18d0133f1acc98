"""Which meshes a GLB shows, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from immichvr_splats.compiled import F64
from immichvr_splats.errors import MalformedFileError
from immichvr_splats.gltf.container import Container, Json, as_integer, as_list, as_numbers, as_object

_MOST_NODES = 100_000
POINTS = 0


@dataclass(frozen=True)
class Shown:
    """A primitive in the scene. to_scene: (4, 4), from its coordinates to the scene's. where: for errors."""

    primitive: Json
    to_scene: F64
    where: str


def shown_primitives(container: Container) -> Iterator[Shown]:
    """The primitives of mode POINTS of all meshes in the default scene, or, without scenes, of all nodes."""
    for index, to_scene in _placed_nodes(container):
        mesh = container.item("nodes", index).get("mesh")
        if mesh is None:
            continue
        where = f"{container.name}: meshes[{mesh}].primitives"
        for place, item in enumerate(as_list(container.item("meshes", mesh).get("primitives"), where)):
            primitive = as_object(item, f"{where}[{place}]")
            if primitive.get("mode", 4) == POINTS:
                yield Shown(primitive, to_scene, f"{where}[{place}]")


def _placed_nodes(container: Container) -> Iterator[tuple[int, F64]]:
    nodes = container.objects("nodes")
    if len(nodes) > _MOST_NODES:
        raise MalformedFileError(f"{container.name}: {len(nodes):,} nodes, at most {_MOST_NODES:,} are read")
    pending: list[tuple[object, F64]] = [(root, np.eye(4)) for root in _roots(container, nodes)]
    seen: set[int] = set()
    while pending:
        index, to_scene = pending.pop()
        node = container.item("nodes", index)
        number = as_integer(index, f"{container.name}: node", len(nodes))
        if number in seen:
            raise MalformedFileError(f"{container.name}: nodes[{number}] stands twice in the scene, nodes form a tree")
        seen.add(number)
        placed = to_scene @ _matrix(node, f"{container.name}: nodes[{number}]")
        yield number, placed
        children = as_list(node.get("children", []), f"{container.name}: nodes[{number}].children")
        pending += [(child, placed) for child in children]


def _roots(container: Container, nodes: list[Json]) -> list[object]:
    if container.root.get("scenes"):
        scene = container.item("scenes", container.root.get("scene", 0))
        return list(reversed(as_list(scene.get("nodes", []), f"{container.name}: scene.nodes")))
    listed = (as_list(node.get("children", []), f"{container.name}: children") for node in nodes)
    children = {child for children in listed for child in children if isinstance(child, int)}
    return [index for index in reversed(range(len(nodes))) if index not in children]


def _matrix(node: Json, where: str) -> F64:
    if "matrix" in node:
        return as_numbers(node["matrix"], 16, f"{where}.matrix").reshape(4, 4).T
    x, y, z, w = as_numbers(node.get("rotation", [0, 0, 0, 1]), 4, f"{where}.rotation")
    matrix = np.eye(4)
    matrix[:3, :3] = rotation_matrix(np.array([w, x, y, z])) * as_numbers(
        node.get("scale", [1, 1, 1]), 3, f"{where}.scale"
    )
    matrix[:3, 3] = as_numbers(node.get("translation", [0, 0, 0]), 3, f"{where}.translation")
    return matrix


def rotation_matrix(quaternion: F64) -> F64:
    """(3, 3) of a quaternion wxyz, which is made unit; of zeros, the identity."""
    norm = np.linalg.norm(quaternion)
    w, x, y, z = quaternion / norm if norm > 0 else (1.0, 0.0, 0.0, 0.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
