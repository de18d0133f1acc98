"""The truth that lifting is measured against: depth is exact, and views of a scene agree with each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from immichvr_bench.scenes import SCENES, Light, Scene, render_view
from immichvr_bench.scenes.geometry import Builder, yaw
from immichvr_bench.scenes.materials import PLAIN, Material

LIGHT = Light(
    sun=(0.3, 1.0, 0.5),
    sun_colour=(2.0, 2.0, 2.0),
    zenith=(0.3, 0.4, 0.6),
    horizon=(0.6, 0.6, 0.6),
    bounce=(0.1, 0.1, 0.1),
)


def scene_of(builder: Builder) -> Scene:
    return Scene(
        name="test",
        solids=builder.build(),
        materials=(Material(PLAIN, (0.7, 0.2, 0.1), (0.8, 0.3, 0.2)),),
        light=LIGHT,
        eye=(0.0, 0.0, 5.0),
        target=(0.0, 0.0, 0.0),
        fov=40.0,
    )


def centre_depth(builder: Builder) -> float:
    scene = scene_of(builder)
    return float(render_view(scene, scene.camera(33, 33), 1).depth[16, 16])


def test_depth_of_a_sphere_is_that_of_the_formula() -> None:
    builder = Builder()
    builder.sphere((0, 0, 0), 1.0, 0)
    scene = scene_of(builder)
    camera = scene.camera(41, 41)
    depth = render_view(scene, camera, 1).depth
    x = (np.arange(41) + 0.5 - 20.5) / camera.fx
    square = x[:, None] ** 2 + x**2
    # |t·(x, y, 1) − (0, 0, 5)| = 1 with t the depth along the axis.
    inside = 25 - 24 * (1 + square)
    expected = (5 - np.sqrt(np.maximum(inside, 0))) / (1 + square)
    np.testing.assert_allclose(depth[inside > 0.01], expected[inside > 0.01], rtol=1e-5)
    assert (depth[inside < -0.01] == scene.sky_depth).all()


def test_boxes_rods_and_lathes_are_hit_where_they_are() -> None:
    box, rod, cone, lathe = Builder(), Builder(), Builder(), Builder()
    box.box((0, 0, 0), (2, 1, 0.5), 0, yaw(90))
    rod.rod((-1, -1, 0), (1, 1, 0), 0.25, 0)
    cone.rod((0, -1, 0), (0, 1, 0), 1.0, 0, 0.0)
    lathe.lathe((0, -1, 0), [(0.0, 0.2), (1.0, 0.6), (2.0, 0.2)], 0)
    assert centre_depth(box) == pytest.approx(3.0, abs=1e-5)
    assert centre_depth(rod) == pytest.approx(4.75, abs=1e-5)
    assert centre_depth(cone) == pytest.approx(4.5, abs=1e-5)
    assert centre_depth(lathe) == pytest.approx(4.4, abs=1e-5)


def test_many_solids_are_found_through_their_tree() -> None:
    builder = Builder()
    rng = np.random.default_rng(4)
    centres = rng.uniform(-1.2, 1.2, (300, 3))
    for centre in centres:
        builder.sphere(centre, 0.05, 0)
    scene = scene_of(builder)
    camera = scene.camera(48, 48)
    depth = render_view(scene, camera, 1).depth
    x = (np.arange(48) + 0.5 - 24) / camera.fx
    rays = np.stack([*np.meshgrid(x, x), np.ones((48, 48))], axis=-1)
    local = centres * [1, -1, -1] + [0, 0, 5]
    a = (rays**2).sum(axis=-1)[..., None]
    b = rays @ local.T
    inside = b**2 - a * ((local**2).sum(axis=1) - 0.05**2)
    hit = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, scene.sky_depth)
    np.testing.assert_allclose(depth, hit.min(axis=-1), rtol=1e-4)


def test_a_shadow_falls_on_the_floor() -> None:
    builder = Builder()
    builder.box((0, -1.1, 0), (5, 0.1, 5), 0)
    bare = replace(scene_of(builder), eye=(0.0, 4.0, 4.0))
    builder.sphere((0.6, 1.0, 1.0), 0.5, 0)
    shaded = replace(scene_of(builder), eye=(0.0, 4.0, 4.0))
    # Against the sun from the ball to the floor at y = -1: twice the sun's direction below it.
    shadow = np.array([0.0, -1.0, 0.0, 1.0])
    camera = bare.camera(65, 65)
    x, y, z, _ = camera.extrinsic @ shadow
    column, row = int(camera.fx * x / z + camera.cx), int(camera.fy * y / z + camera.cy)
    light = render_view(bare, camera, 2).rgb[row, column].astype(int)
    dark = render_view(shaded, camera, 2).rgb[row, column].astype(int)
    assert (light - dark).min() > 30


@pytest.mark.parametrize("name", SCENES)
def test_each_scene_is_a_picture_with_near_and_far(name: str) -> None:
    scene = SCENES[name]()
    view = render_view(scene, scene.camera(80, 60), 1)
    assert view.rgb.std() > 30
    assert 20 < view.rgb.mean() < 200
    assert np.isfinite(view.depth).all()
    assert view.depth.max() / view.depth.min() > 2.5


def test_a_scene_is_rendered_the_same_twice() -> None:
    scene = SCENES["still-life"]()
    camera = scene.camera(64, 48)
    one, two = render_view(scene, camera, 1), render_view(SCENES["still-life"](), camera, 1)
    np.testing.assert_array_equal(one.rgb, two.rgb)
    np.testing.assert_array_equal(one.depth, two.depth)
