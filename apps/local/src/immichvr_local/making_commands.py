"""Commands that make something of files in this process; each imports what takes time when it is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from immichvr_catalog import format_options
from immichvr_common.imports import many_imports

from immichvr_local.errors import plain_errors

_MIB = 1024 * 1024


def _option(name: str, **own: Any) -> Any:
    """An option of formats, as the catalogue has it."""
    option = format_options()[name]
    *first, last = map(str, option.values)
    default = False if option.default is None else str(option.default)
    return typer.Option(help=f"{option.words}: {', '.join(first)} or {last}.", show_default=default, **own)


class Quality(StrEnum):
    """How much of a cloud is kept."""

    full = "full"
    light = "light"


def splat(
    photo: Annotated[Path, typer.Argument(help="A photo: JPEG, PNG, WebP, HEIC, AVIF, TIFF.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write: the extension tells the format.")],
    model: Annotated[str, typer.Option(help="The model, or auto for the best one that can run.")] = "auto",
    max_gaussians: Annotated[
        int | None,
        typer.Option(min=16, max=20_000_000, help="At most so many Gaussians.", show_default="as the model makes them"),
    ] = None,
) -> None:
    """Make a splat from one photo, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.making import STEPS, make_splat

        with Steps(STEPS) as steps:
            made = make_splat(photo, output, model, max_gaussians, steps)
        out = results()
        unit = "in metres" if made.metric else "without a scale"
        maker = "depth" if made.lifted else "model"
        out.print(f"{maker}: {made.model_key}, {unit} ({made.reason})", markup=False)
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        out.print(f"{made.path}: {made.gaussians:,} Gaussians, {size(made.size)}, {made.seconds:.1f} s", markup=False)


def scene(
    photos: Annotated[list[Path], typer.Argument(help="Photos of one place.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write: the extension tells the format.")],
    model: Annotated[
        str, typer.Option(help="da3-giant and da3nested-giant-large make Gaussians, the smaller ones coloured points.")
    ] = "da3-base",
) -> None:
    """Make one cloud from several photos of one place, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.scene_command import STEPS, scene_from

        with Steps(STEPS) as steps:
            made = scene_from(photos, output, model, steps)
        out = results()
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        what, unit = "Gaussians" if made.gaussians else "points", "in metres" if made.metric else "without a scale"
        out.print(
            f"{made.path}: {made.count:,} {what} by {made.model_key}, {unit}, {size(made.size)}, {made.seconds:.1f} s",
            markup=False,
        )


def reconstruct(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Photos of one place, a folder of them or with transforms.json, a video, or a live photo and its clip."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write: the extension tells the format.")],
    method: Annotated[str, typer.Option(help="gaussian-splatting, or points for its points alone.")] = (
        "gaussian-splatting"
    ),
    quality: Annotated[str, typer.Option(help="draft, normal or high.")] = "draft",
    poses: Annotated[
        str, typer.Option(help="How cameras are found: auto, colmap or da3; given, as transforms.json has them.")
    ] = "auto",
    mask_moving: Annotated[bool, typer.Option("--mask-moving", help="Leave out what moves, such as people.")] = False,
) -> None:
    """Train a place to walk in from photos or a video, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.reconstruct_command import STEPS, reconstruct_place

        with Steps(STEPS) as steps:
            made = reconstruct_place(inputs, output, method, quality, poses, steps, mask_moving=mask_moving)
        out = results()
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        for left_out in made.dropped:
            out.print(f"left out: {left_out}", markup=False)
        measured = f", {made.psnr:.1f} dB on pictures that were held out" if made.psnr else ""
        out.print(
            f"{made.path}: of {made.pictures} pictures{measured}, {size(made.size)}, {made.seconds:.1f} s", markup=False
        )


def inpaint(
    scene: Annotated[Path, typer.Argument(help="A splat file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write: the extension tells the format.")],
    method: Annotated[
        str, typer.Option(help="auto, lama, joint-multiview, reference, individual, or fill, which needs no model.")
    ] = "auto",
    iterations: Annotated[int, typer.Option(min=0, max=30_000, help="Steps of optimising what is new.")] = 200,
    dataset_update: Annotated[int, typer.Option(min=1, max=20, help="Rounds in which the pictures are completed.")] = 1,
    cameras: Annotated[
        Path | None,
        typer.Option(help="The cameras.json of the scene.", show_default="beside SCENE, or its file's"),
    ] = None,
) -> None:
    """Fill what is missing in a splat, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.inpaint_command import STEPS, fill_missing

        with Steps(STEPS) as steps:
            made = fill_missing(scene, output, method, iterations, dataset_update, cameras, steps)
        out = results()
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        why = f" ({made.reason})" if made.reason else ""
        out.print(f"filled by {made.method}{why}", markup=False)
        out.print(f"{made.path}: {made.new:,} new Gaussians, {size(made.size)}, {made.seconds:.1f} s", markup=False)


def video(
    clip: Annotated[Path, typer.Argument(help="A video: MP4, MOV, MKV, WebM, AVI.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="A folder, or a file where one output is asked for.")],
    outputs: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            help="depth, rgbd, poster, strip, sbs, half-sbs, over-under or vr180; may be given several times.",
            show_default="rgbd",
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="The model, or auto for the best one that can run.")] = "auto",
    start: Annotated[float | None, typer.Option("--from", min=0, help="Seconds at which the part begins.")] = None,
    end: Annotated[float | None, typer.Option("--to", min=0, help="Seconds at which it ends.")] = None,
    codec: Annotated[str, typer.Option(help="Of the depth video: hevc, av1 or h264.")] = "hevc",
) -> None:
    """Make depth or stereo of a video, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.video_command import STEPS, make_video

        span = None if start is None and end is None else (start or 0.0, 1e6 if end is None else end)
        with Steps(STEPS) as steps:
            made = make_video(clip, output, outputs or ["rgbd"], model, span, codec, steps)
        out = results()
        out.print(f"model: {made.model_key} ({made.reason})", markup=False)
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        for path in made.paths:
            out.print(f"{path}: {size(path.stat().st_size)}", markup=False)
        out.print(f"{made.frames} frames, {made.seconds:.1f} s", markup=False)


def motion(
    photo: Annotated[Path, typer.Argument(help="A photo: JPEG, PNG, WebP, HEIC, AVIF, TIFF.")],
    output: Annotated[Path, typer.Option("--out", "-o", help="A folder, or an .mp4 file.")],
    path: Annotated[str, typer.Option(help="How the camera goes: sway, orbit, dolly or zoom.")] = "sway",
    seconds: Annotated[float, typer.Option(help="How long, 2 to 4.")] = 3.0,
    amplitude: Annotated[float, typer.Option(help="How far, up to 2.")] = 1.0,
    model: Annotated[str, typer.Option(help="The model of depth, or auto for the best one that can run.")] = "auto",
) -> None:
    """Make a clip in which a photo moves, in this process, without any server."""
    with plain_errors():
        from immichvr_common.sizes import size

        from immichvr_local.console import Steps
        from immichvr_local.console import output as results
        from immichvr_local.motion_command import STEPS, make_motion

        with Steps(STEPS) as steps:
            made = make_motion(photo, output, path, seconds, amplitude, model, steps)
        out = results()
        out.print(f"depth: {made.model_key} ({made.reason})", markup=False)
        for note in made.notes:
            out.print(f"note: {note}", markup=False)
        clip = made.clip
        out.print(
            f"{made.path}: {clip.width}×{clip.height}, {clip.seconds:g} s, {size(made.size)}, {made.seconds:.1f} s",
            markup=False,
        )


def convert(
    files: Annotated[
        list[Path], typer.Argument(metavar="IN… OUT", help="Splat files; without --to, one and where to write it.")
    ],
    to: Annotated[
        str | None, typer.Option(help="The format; by default the extension of OUT tells it.", show_default=False)
    ] = None,
    out_dir: Annotated[
        Path | None, typer.Option(help="Where to write, with --to.", show_default="beside each file")
    ] = None,
    quality: Annotated[Quality, typer.Option(help="light: a level of detail of at most 5 MB as SPZ.")] = Quality.full,
    lod: Annotated[
        int | None, typer.Option(metavar="COUNT", min=1, help="Merge down to so many Gaussians.", show_default=False)
    ] = None,
    spz_version: Annotated[int | None, _option("spz_version")] = None,
    ksplat_level: Annotated[int | None, _option("ksplat_level")] = None,
    sh_degree: Annotated[int | None, _option("sh_degree", min=0, max=3)] = None,
    frame: Annotated[str | None, _option("frame")] = None,
    frame_in: Annotated[
        str | None,
        typer.Option(help="Axes of what is read, if it does not tell: rub, ...", show_default="as told, or rdf"),
    ] = None,
    order: Annotated[str | None, _option("order")] = None,
    ply_layout: Annotated[str | None, _option("ply_layout")] = None,
    glb_encoding: Annotated[str | None, _option("glb_encoding")] = None,
    limit_gaussians: Annotated[int, typer.Option(metavar="COUNT", min=1, help="Refuse files of more.")] = 20_000_000,
    limit_mb: Annotated[
        int, typer.Option(metavar="MIB", min=1, help="Refuse files that are larger, packed or unpacked.")
    ] = 4096,
) -> None:
    """Convert splat files to another format. A SOG may be a folder: its meta.json is what is named."""
    with plain_errors():
        with many_imports():
            from immichvr_splats import ReadLimits

            from immichvr_local.convert_command import convert_files
            from immichvr_local.converting import Reading

        given = {
            "--spz-version": spz_version,
            "--ksplat-level": ksplat_level,
            "--sh-degree": sh_degree,
            "--frame": frame,
            "--order": order,
            "--ply-layout": ply_layout,
            "--glb-encoding": glb_encoding,
        }
        most = limit_mb * _MIB
        reading = Reading(frame_in, ReadLimits(most, limit_gaussians, most))
        raise typer.Exit(convert_files(files, to, out_dir, given, lod, quality is Quality.light, reading))
