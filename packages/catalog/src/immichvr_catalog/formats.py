"""Which file formats of Gaussian splats there are, what each keeps, and which options one may ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from immichvr_catalog.errors import CatalogError
from immichvr_catalog.services import check_name
from immichvr_catalog.table import Table

Value = int | str
"""What an option may be."""

_EXTENSION = re.compile(r"(\.[a-z0-9]+)+")


@dataclass(frozen=True)
class FormatOption:
    """Something that may be chosen about a file that is written.

    name: what requests call it. argument: what the format's writer does. values: all that there are. default: what is
    written where nobody chooses; None where it is for the format to know. words: what it is about, for people.
    """

    name: str
    argument: str
    values: tuple[Value, ...]
    words: str
    default: Value | None = None

    @property
    def flag(self) -> str:
        """What commands call it: --spz-version."""
        return f"--{self.name.replace('_', '-')}"


@dataclass(frozen=True)
class PerGaussian:
    """Bytes of memory for each Gaussian, and for each of its coefficients above degree 0, of three colours."""

    base: int
    coefficient: int

    def bytes(self, count: int, sh_degree: int) -> int:
        """Bytes for `count` Gaussians of a degree, 0 to 3."""
        return count * (self.base + self.coefficient * 3 * ((sh_degree + 1) ** 2 - 1))


@dataclass(frozen=True, kw_only=True)
class SplatFormat:
    """A file format.

    description: what it is, in words. use: what it is good for, as a menu says it. extensions: lower case, with the
    dot, the usual one first. options: of what is written; read_options: arguments of the reader. max_sh_degree: the
    highest degree of spherical harmonics that it holds. frame: the axes that are written unless told otherwise.
    keeps_…: of a cloud; of its georeference SPZ keeps a record of its own kind alone, and says so. streams: written
    block by block, else from a cloud in memory. written: memory that writing takes. unpacked: memory that a file's
    content takes once it is read; None where it is read in place.
    """

    name: str
    description: str
    use: str
    extensions: tuple[str, ...]
    media_type: str
    max_sh_degree: int
    keeps_camera: bool
    keeps_order: bool
    keeps_antialiased: bool
    keeps_georeference: bool
    written: PerGaussian
    unpacked: PerGaussian | None
    options: tuple[FormatOption, ...]
    read_options: tuple[str, ...] = ()
    frame: str = "rdf"
    streams: bool = True
    can_read: bool = True
    can_write: bool = True

    def __post_init__(self) -> None:
        check_name("format", self.name)
        if not self.extensions or not all(_EXTENSION.fullmatch(one) for one in self.extensions):
            raise CatalogError(f"extensions of {self.name!r} are like .spz, not {self.extensions!r}")
        for one in (option for option in self.options if not option.values):
            raise CatalogError(f"the option {one.name!r} of {self.name!r} has no values")

    @property
    def arguments(self) -> tuple[str, ...]:
        """What its writer calls its options."""
        return tuple(option.argument for option in self.options)

    def option(self, name: str) -> FormatOption | None:
        """The option that requests call so; None where it has no such option."""
        return next((option for option in self.options if option.name == name), None)


SH_DEGREE = FormatOption("sh_degree", "sh_degree", (0, 1, 2, 3), "Leave out higher spherical harmonics")
"""Every format has it: it is applied before a cloud is written."""
_SPZ_VERSION = FormatOption("spz_version", "version", (2, 3, 4), "Version of the SPZ", 3)
_KSPLAT_LEVEL = FormatOption("ksplat_level", "level", (0, 1, 2), "Compression of the KSPLAT", 1)
_FRAME = FormatOption("frame", "frame", ("rdf", "rub"), "Axes of the SPZ, of which its specification says rub", "rdf")
_ORDER = FormatOption("order", "order", ("file", "morton"), "Order of the Gaussians")
_BY_IMPORTANCE = replace(_ORDER, values=("file", "importance"))
_PLY_LAYOUT = FormatOption("ply_layout", "layout", ("plain", "inria", "sharp"), "Layout of the PLY", "plain")
_GLB_ENCODING = FormatOption("glb_encoding", "encoding", ("float", "quantised", "spz"), "Encoding of the GLB", "float")

_BLOCK_BY_BLOCK = PerGaussian(48, 1)
"""An order and its keys: what grows with the count where nothing is gathered."""

FORMATS = Table(
    "format",
    SplatFormat,
    (
        SplatFormat(
            name="ply",
            description="PLY of INRIA's 3D Gaussian splatting or Apple's SHARP, uncompressed",
            use="For editing, opens everywhere",
            extensions=(".ply",),
            media_type="application/x-ply",
            max_sh_degree=3,
            keeps_camera=True,
            keeps_order=True,
            keeps_antialiased=True,
            keeps_georeference=True,
            written=_BLOCK_BY_BLOCK,
            unpacked=None,
            options=(SH_DEGREE, _PLY_LAYOUT),
        ),
        SplatFormat(
            name="compressed-ply",
            description="PlayCanvas' compressed PLY, 16 bytes per Gaussian and one for each higher SH coefficient",
            use="For PlayCanvas, without packing",
            extensions=(".compressed.ply",),
            media_type="application/x-ply",
            max_sh_degree=3,
            keeps_camera=False,
            keeps_order=False,
            keeps_antialiased=True,
            keeps_georeference=True,
            written=_BLOCK_BY_BLOCK,
            unpacked=None,
            options=(SH_DEGREE, _ORDER),
        ),
        SplatFormat(
            name="splat",
            description="antimatter15's .splat, 32 bytes per Gaussian, colours without view dependence",
            use="For older viewers",
            extensions=(".splat",),
            media_type="application/x-splat",
            max_sh_degree=0,
            keeps_camera=False,
            keeps_order=True,
            keeps_antialiased=False,
            keeps_georeference=False,
            written=_BLOCK_BY_BLOCK,
            unpacked=None,
            options=(SH_DEGREE, _BY_IMPORTANCE),
        ),
        SplatFormat(
            name="ksplat",
            description="mkkellogg's .ksplat 0.1, in buckets; level 1 is written unless told otherwise",
            use="For GaussianSplats3D",
            extensions=(".ksplat",),
            media_type="application/x-ksplat",
            max_sh_degree=2,
            keeps_camera=False,
            keeps_order=False,
            keeps_antialiased=False,
            keeps_georeference=False,
            written=_BLOCK_BY_BLOCK,
            unpacked=None,
            options=(_KSPLAT_LEVEL, SH_DEGREE),
        ),
        SplatFormat(
            name="spz",
            description="Niantic SPZ, quantised and compressed; version 3 is written unless told otherwise",
            use="Small, for the web",
            extensions=(".spz",),
            media_type="application/x-spz",
            max_sh_degree=3,
            keeps_camera=False,
            keeps_order=True,
            keeps_antialiased=True,
            keeps_georeference=True,
            written=_BLOCK_BY_BLOCK,
            unpacked=PerGaussian(40, 2),
            options=(_SPZ_VERSION, SH_DEGREE, _FRAME, _ORDER),
            read_options=("frame",),
        ),
        SplatFormat(
            name="sog",
            description="PlayCanvas SOG version 2: a zip of textures; view dependence by palette",
            use="Smallest, for PlayCanvas",
            extensions=(".sog",),
            media_type="application/x-sog",
            max_sh_degree=3,
            keeps_camera=False,
            keeps_order=False,
            keeps_antialiased=True,
            keeps_georeference=False,
            written=PerGaussian(256, 13),
            unpacked=PerGaussian(96, 1),
            options=(SH_DEGREE, _ORDER),
        ),
        SplatFormat(
            name="glb",
            description="glTF binary with KHR_gaussian_splatting, for 3D engines",
            use="For 3D engines",
            extensions=(".glb",),
            media_type="model/gltf-binary",
            max_sh_degree=3,
            keeps_camera=True,
            keeps_order=True,
            keeps_antialiased=True,
            keeps_georeference=True,
            written=PerGaussian(160, 8),
            unpacked=PerGaussian(180, 8),
            options=(SH_DEGREE, _GLB_ENCODING),
            frame="rub",
        ),
    ),
)
"""Every format by its name.

Memory was measured as growth of a process's own while 1,000,000 Gaussians of degree 0 and 300,000 of degree 3 were
converted, and rounded up.
"""


LEVELS = {"preview": 100_000, "medium": 1_000_000, "full": 10_000_000}
"""Named levels of detail and the most Gaussians of each, coarsest first."""


def format_options() -> dict[str, FormatOption]:
    """Every option of any format by its name, with the values that it has in one of them."""
    found: dict[str, FormatOption] = {}
    for option in (option for row in FORMATS.values() for option in row.options):
        known = found.get(option.name, option)
        found[option.name] = replace(known, values=tuple(dict.fromkeys((*known.values, *option.values))))
    return found
