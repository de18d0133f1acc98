"""Which features of two frames are the same thing: COLMAP's matching and two-view geometry, in a database of ours."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pycolmap

from immichvr_scenes.errors import NoOverlap, NothingToRecognise
from immichvr_scenes.frames import Frame
from immichvr_scenes.poses.features import Features, features_of
from immichvr_scenes.poses.pairs import Pairs, pairs_of
from immichvr_scenes.poses.space import check_space
from immichvr_scenes.progress import Report

F64 = npt.NDArray[np.float64]

LEAST_MATCHES = 15
"""Features that two frames have in common when they show the same things."""
_POOR = 150
"""Features below which a picture shows hardly anything but noise."""
_IN_ONE_GO = 40
_LARGEST_PAIR = 64_000
"""Bytes of all that two frames can have in common."""


@dataclass(frozen=True, eq=False)
class Pair:
    """What two frames have in common. first, second: their numbers. of_first, of_second: (n, 2) pixels."""

    first: int
    second: int
    of_first: F64
    of_second: F64

    @property
    def count(self) -> int:
        """Matches that fit a movement of the camera."""
        return len(self.of_first)


@dataclass(frozen=True, eq=False)
class Matched:
    """Frames and what they have in common. database: COLMAP's file, in which frame i has the number i + 1."""

    frames: tuple[Frame, ...]
    pairs: tuple[Pair, ...]
    database: Path


def matched(frames: Sequence[Frame], ordered: bool, folder: Path, threads: int, report: Report) -> Matched:
    """Find features and hold the frames against each other; a database in `folder` is made anew.

    Raises NoOverlap where no two have anything in common, NothingToRecognise where most have few features besides,
    OSError where the disk has no room for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "features.db"
    path.unlink(missing_ok=True)
    found: list[Features] = []
    with closing(features_of(frames, threads)) as each:
        for number, features in enumerate(each):
            report(0.5 * number / len(frames), "poses", f"features of picture {number + 1} of {len(frames)}")
            found.append(features)
    check_space(folder, sum(one.descriptors.nbytes + one.keypoints.nbytes for one in found))
    with pycolmap.Database.open(path) as database, pycolmap.DatabaseTransaction(database):
        _write(database, frames, found)
    _match(path, [frame.name for frame in frames], pairs_of(found, ordered), threads, report)
    pairs = _read(path, found)
    if not pairs:
        poor = sum(one.count < _POOR for one in found)
        if poor > len(frames) / 2:
            raise NothingToRecognise(
                f"{poor} of {len(frames)} pictures show too little that can be recognised in another: take in more of "
                "what has a pattern or edges"
            )
        raise NoOverlap(
            f"no two of the {len(frames)} pictures show the same things: choose pictures of one place, each showing "
            "much of what the one before it shows"
        )
    return Matched(tuple(frames), tuple(pairs), path)


def _write(database: pycolmap.Database, frames: Sequence[Frame], found: Sequence[Features]) -> None:
    """Cameras, one for each group; frames with their features. Numbers begin at 1."""
    cameras: dict[int, tuple[int, int]] = {}
    for number, (frame, features) in enumerate(zip(frames, found, strict=True), start=1):
        if frame.group not in cameras:
            camera = database.write_camera(_camera(frame))
            rig = pycolmap.Rig()
            rig.add_ref_sensor(pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera))
            cameras[frame.group] = camera, database.write_rig(rig)
        camera, rig_id = cameras[frame.group]
        image = pycolmap.Image(name=frame.name, camera_id=camera, image_id=number)
        database.write_image(image, use_image_id=True)
        moment = pycolmap.Frame()
        moment.rig_id = rig_id
        moment.add_data_id(pycolmap.data_t(pycolmap.sensor_t(pycolmap.SensorType.CAMERA, camera), number))
        database.write_frame(moment)
        database.write_keypoints(number, features.keypoints)
        kind = pycolmap.FeatureExtractorType.SIFT
        database.write_descriptors(number, pycolmap.FeatureDescriptors(kind, features.descriptors))


def _camera(frame: Frame) -> pycolmap.Camera:
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE",
        width=frame.width,
        height=frame.height,
        params=[frame.focal_px, frame.width / 2, frame.height / 2],
    )
    camera.has_prior_focal_length = frame.focal_known
    return camera


def _match(database: Path, names: Sequence[str], pairs: Pairs, threads: int, report: Report) -> None:
    """In parts, so that somebody hears of it between them."""
    options = pycolmap.FeatureMatchingOptions()
    options.use_gpu, options.num_threads = False, threads
    verification = pycolmap.TwoViewGeometryOptions()
    verification.min_num_inliers = LEAST_MATCHES
    verification.ransac.random_seed = 0
    listed = database.with_name("pairs.txt")
    pairing = pycolmap.ImportedPairingOptions()
    pairing.match_list_path = listed
    for start in range(0, len(pairs), _IN_ONE_GO):
        report(0.5 + 0.5 * start / len(pairs), "poses", f"comparing pictures, {start} of {len(pairs)} pairs")
        part = pairs[start : start + _IN_ONE_GO]
        check_space(database.parent, len(part) * _LARGEST_PAIR)
        listed.write_text("".join(f"{names[i]} {names[j]}\n" for i, j in part))
        pycolmap.match_image_pairs(database, options, pairing, verification, pycolmap.Device.cpu)


def _read(database: Path, found: Sequence[Features]) -> list[Pair]:
    with pycolmap.Database.open(database) as opened:
        numbers, geometries = opened.read_two_view_geometries()
    pairs = []
    for number, geometry in zip(numbers, geometries, strict=True):
        matches = np.asarray(geometry.inlier_matches)
        if len(matches) < LEAST_MATCHES:
            continue
        first, second = (image - 1 for image in pycolmap.pair_id_to_image_pair(number))
        points = found[first].keypoints[matches[:, 0], :2], found[second].keypoints[matches[:, 1], :2]
        pairs.append(Pair(first, second, *(one.astype(np.float64) for one in points)))
    return pairs


def largest_part(matched: Matched) -> tuple[list[int], list[list[int]]]:
    """The frames that hang together by what they have in common, as many as there are; and all such parts."""
    part = list(range(len(matched.frames)))

    def first(number: int) -> int:
        while part[number] != number:
            number = part[number]
        return number

    for pair in matched.pairs:
        one, other = sorted((first(pair.first), first(pair.second)))
        part[other] = one
    parts: dict[int, list[int]] = {}
    for number in range(len(part)):
        parts.setdefault(first(number), []).append(number)
    every = sorted(parts.values(), key=lambda one: -len(one))
    return every[0], every
