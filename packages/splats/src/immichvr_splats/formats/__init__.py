"""The one table of file formats: the command, the services and the tests take everything about them from here."""

from . import archive, ply, sog, splat, spz
from .base import Format

FORMATS: dict[str, Format] = {
    row.key: row
    for row in (
        Format(
            key="ply",
            description="PLY of INRIA's 3D Gaussian splatting or Apple's SHARP, uncompressed",
            extensions=(".ply",),
            media_type="application/x-ply",
            max_sh_degree=3,
            keeps_camera=True,
            keeps_order=True,
            frame="rdf",
            magic=(b"ply\n", b"ply\r\n"),
            options=("layout",),
            reader=ply.read,
            writer=ply.write,
            streams=True,
        ),
        Format(
            key="splat",
            description="antimatter15's .splat, 32 bytes per Gaussian, colours without view dependence",
            extensions=(".splat",),
            media_type="application/x-splat",
            max_sh_degree=0,
            keeps_camera=False,
            keeps_order=True,
            frame="rdf",
            options=("order",),
            reader=splat.read,
            writer=splat.write,
            streams=True,
        ),
        Format(
            key="spz",
            description="Niantic SPZ, quantised and compressed; version 3 is written unless told otherwise",
            extensions=(".spz",),
            media_type="application/x-spz",
            max_sh_degree=3,
            keeps_camera=False,
            keeps_order=True,
            frame="rdf",
            magic=(b"\x1f\x8b", b"NGSP"),
            options=("version", "order", "frame"),
            reader=spz.read,
            writer=spz.write,
            streams=True,
            read_options=("frame",),
        ),
        Format(
            key="sog",
            description="PlayCanvas SOG version 2: a zip of textures; view dependence by palette",
            extensions=(".sog",),
            media_type="application/x-sog",
            max_sh_degree=3,
            keeps_camera=False,
            keeps_order=False,
            frame="rdf",
            magic=(archive.MAGIC,),
            options=("order",),
            reader=sog.read,
            writer=sog.write,
        ),
    )
}
