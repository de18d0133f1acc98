"""The codecs of the catalogue's file formats: the command, the services and the tests take everything from here."""

from collections.abc import Iterator

from immichvr_splats.formats import compressed_ply, glb, ksplat, ply, sog, splat, spz
from immichvr_splats.formats.base import Format


def _rows() -> Iterator[Format]:
    yield Format.of("ply", reader=ply.read, writer=ply.write, head=ply.head, magic=ply.MAGIC)
    yield Format.of(
        "compressed-ply", reader=compressed_ply.read, writer=compressed_ply.write, head=None, magic=ply.MAGIC,
        is_it=compressed_ply.is_it,
    )  # fmt: skip
    yield Format.of("splat", reader=splat.read, writer=splat.write, head=None)
    yield Format.of("ksplat", reader=ksplat.read, writer=ksplat.write, head=None)
    yield Format.of("spz", reader=spz.read, writer=spz.write, head=spz.head, magic=(b"\x1f\x8b", b"NGSP"))
    yield Format.of("sog", reader=sog.read, writer=sog.write, head=sog.head, magic=(sog.MAGIC,))
    yield Format.of("glb", reader=glb.read, writer=glb.write, head=glb.head, magic=(glb.MAGIC,))


FORMATS: dict[str, Format] = {row.name: row for row in _rows()}
