"""Pictures and files that the tests build: nothing is downloaded, nothing is stored."""

import io
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
import skimage
from immichvr_media.google_depth import DYNAMIC_NAMESPACE, GDEPTH_NAMESPACE
from immichvr_media.jpeg_layout import jpeg_layout
from PIL import Image

ORIENTATION = 0x0112
SKIMAGE_PHOTOS = Path(skimage.__file__).parent / "data"

pillow_heif.register_heif_opener()


@dataclass(frozen=True)
class Files:
    """Ways to make files, so that a test says what it is about and not how bytes are laid out."""

    @staticmethod
    def photo(name: str = "astronaut", size: tuple[int, int] = (96, 64)) -> Image.Image:
        """A real photograph from scikit-image's wheel, scaled to `size`, without its metadata."""
        suffix = "jpg" if name == "rocket" else "png"
        with Image.open(SKIMAGE_PHOTOS / f"{name}.{suffix}") as image:
            small = image.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        return Image.fromarray(np.asarray(small))

    @staticmethod
    def save(image: Image.Image, kind: str, **options: object) -> bytes:
        """The picture as a file of Pillow's format `kind`."""
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    @staticmethod
    def exif(orientation: int | None = None, **tags: object) -> bytes:
        """EXIF with an orientation and tags of the EXIF directory: focal_35mm, focal_mm."""
        exif = Image.Exif()
        if orientation is not None:
            exif[ORIENTATION] = orientation
        numbers = {"focal_mm": 0x920A, "focal_35mm": 0xA405}
        if tags:
            exif.get_ifd(0x8769).update({numbers[name]: value for name, value in tags.items()})
        return exif.tobytes()

    @staticmethod
    def with_xmp(jpeg: bytes, standard: bytes | None, extended: Sequence[tuple[bytes, int, int, bytes]] = ()) -> bytes:
        """A JPEG with an XMP packet, and extended parts (guid, total, offset, content) as given."""
        payloads = [] if standard is None else [b"http://ns.adobe.com/xap/1.0/\x00" + standard]
        for guid, total, offset, content in extended:
            head = b"http://ns.adobe.com/xmp/extension/\x00" + guid + struct.pack(">II", total, offset)
            payloads.append(head + content)
        segments = (b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload for payload in payloads)
        return jpeg[:2] + b"".join(segments) + jpeg[2:]

    @staticmethod
    def rdf(content: str, attributes: str = "") -> bytes:
        """An XMP packet around the content and attributes of one rdf:Description."""
        return (
            '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<rdf:Description rdf:about="" xmlns:GDepth="{GDEPTH_NAMESPACE}" '
            f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" {attributes}>{content}</rdf:Description>'
            '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
        ).encode()

    @staticmethod
    def grey_png(values: npt.NDArray[np.generic]) -> bytes:
        """A grey PNG, 8 or 16 bits by the array's type."""
        return Files.save(Image.fromarray(values), "PNG")

    @staticmethod
    def picture_end(jpeg: bytes) -> int:
        """Where the JPEG's own picture ends."""
        return jpeg_layout(jpeg).end


@dataclass
class HeicItems:
    """Writes a HEIC of several images that refer to each other, as a phone does.

    Each image is encoded by pillow-heif on its own (at sizes of which x265 pads none: both sides at least 64
    and even); this puts the bitstreams into one file.
    """

    _items: list[dict[str, object]] = field(default_factory=list)
    _references: list[tuple[bytes, int, int]] = field(default_factory=list)

    def image(
        self,
        image: Image.Image,
        rotation: int = 0,
        auxiliary_type: str | None = None,
        auxiliary_data: bytes = b"",
    ) -> int:
        """Adds an image (rotation: quarter turns anticlockwise, as in irot); returns its item id."""
        encoded = Files.save(image, "HEIF", quality=-1, chroma=444, save_nclx_profile=False)
        found = encoded.index(b"hvcC") - 4
        hvcc = encoded[found : found + int.from_bytes(encoded[found : found + 4], "big")]
        data = encoded[encoded.index(b"mdat") + 4 :]
        properties = [hvcc, _box(b"ispe", bytes(4) + struct.pack(">II", *image.size))]
        if rotation:
            properties.append(_box(b"irot", bytes([rotation])))
        if auxiliary_type:
            content = bytes(4) + auxiliary_type.encode() + b"\x00" + auxiliary_data
            properties.append(_box(b"auxC", content))
        self._items.append({"type": b"hvc1", "data": data, "properties": properties, "name": b"\x00"})
        return len(self._items)

    def xmp(self, packet: bytes, describes: int) -> None:
        """Adds an XMP packet about an item."""
        name = b"\x00application/rdf+xml\x00"
        self._items.append({"type": b"mime", "data": packet, "properties": [], "name": name})
        self._references.append((b"cdsc", len(self._items), describes))

    def refer(self, kind: bytes, source: int, target: int) -> None:
        """Adds an item reference."""
        self._references.append((kind, source, target))

    def file(self) -> bytes:
        """The whole file; the first item is the primary image."""
        start = b"".join([_box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic")])
        size = len(start) + len(self._meta(0)) + 8
        return start + self._meta(size) + _box(b"mdat", b"".join(self._bytes(i) for i in self._items))

    @staticmethod
    def _bytes(item: dict[str, object]) -> bytes:
        data = item["data"]
        assert isinstance(data, bytes)
        return data

    def _meta(self, data_at: int) -> bytes:
        entries, locations, associations, shared = b"", b"", b"", []
        for number, item in enumerate(self._items, start=1):
            head = struct.pack(">BxxxHxx", 2, number)
            entries += _box(b"infe", head + item["type"] + item["name"])
            locations += struct.pack(">HHHII", number, 0, 1, data_at, len(self._bytes(item)))
            data_at += len(self._bytes(item))
            indices = range(len(shared) + 1, len(shared) + 1 + len(item["properties"]))
            shared += item["properties"]
            if indices:
                associations += struct.pack(">HB", number, len(indices)) + bytes(0x80 | i for i in indices)
        described = sum(1 for item in self._items if item["properties"])
        references = b"".join(
            _box(kind, struct.pack(">HHH", source, 1, target)) for kind, source, target in self._references
        )
        properties = _box(b"ipco", b"".join(shared)) + _box(
            b"ipma", bytes(4) + struct.pack(">I", described) + associations
        )
        content = [
            _box(b"hdlr", bytes(8) + b"pict" + bytes(13)),
            _box(b"pitm", struct.pack(">xxxxH", 1)),
            _box(b"iloc", struct.pack(">xxxxHH", 0x4400, len(self._items)) + locations),
            _box(b"iinf", struct.pack(">xxxxH", len(self._items)) + entries),
            _box(b"iref", bytes(4) + references),
            _box(b"iprp", properties),
        ]
        return _box(b"meta", bytes(4) + b"".join(content))


def _box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


@pytest.fixture(scope="session")
def files() -> type[Files]:
    """Ways to make files."""
    return Files


@pytest.fixture
def heic() -> HeicItems:
    """A HEIC to be filled with items."""
    return HeicItems()


@pytest.fixture(scope="session")
def dynamic_depth_xmp() -> Callable[..., bytes]:
    """Makes the XMP of a Dynamic Depth photo from its items (uri, length) and properties."""

    def make(items: Sequence[tuple[str, int]], padding: int = 0, **properties: str) -> bytes:
        described = "".join(f'DepthMap:{name}="{value}" ' for name, value in properties.items())
        listed = "".join(
            '<rdf:li rdf:parseType="Resource"><Container:Item Item:Mime="image/jpeg" '
            f'Item:Length="{length}" Item:Padding="{padding if at == 0 else 0}" Item:DataURI="{uri}"/></rdf:li>'
            for at, (uri, length) in enumerate(items)
        )
        return Files.rdf(
            '<Device:Container xmlns:Device="http://ns.google.com/photos/dd/1.0/device/" '
            'xmlns:Container="http://ns.google.com/photos/dd/1.0/container/" '
            'xmlns:Item="http://ns.google.com/photos/dd/1.0/item/">'
            f"<Container:Directory><rdf:Seq>{listed}</rdf:Seq></Container:Directory></Device:Container>"
            '<Device:Cameras xmlns:Device="http://ns.google.com/photos/dd/1.0/device/" '
            'xmlns:Camera="http://ns.google.com/photos/dd/1.0/camera/" '
            f'xmlns:DepthMap="{DYNAMIC_NAMESPACE}"><rdf:Seq><rdf:li rdf:parseType="Resource">'
            f'<Camera:DepthMap rdf:parseType="Resource"><DepthMap:Description {described}/>'
            "</Camera:DepthMap></rdf:li></rdf:Seq></Device:Cameras>"
        )

    return make
