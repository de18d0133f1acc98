"""XMP packets: reassembled, parsed and searched, none of it trusted.

Sources: Adobe XMP specification part 3 (JPEG: standard packet in one APP1, extended XMP in further ones, tied to
it by a GUID in xmpNote:HasExtendedXMP).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from immichvr_media.jpeg_layout import APP1, JpegLayout
from immichvr_media.limits import DecodeLimits

STANDARD_SIGNATURE = b"http://ns.adobe.com/xap/1.0/\x00"
EXTENDED_SIGNATURE = b"http://ns.adobe.com/xmp/extension/\x00"
GUID_SIZE = 32
EXTENDED_HEADER_SIZE = len(EXTENDED_SIGNATURE) + GUID_SIZE + 8
NOTE_NAMESPACE = "http://ns.adobe.com/xmp/note/"

# A packet with this many tags or attributes describes no depth map and would cost gigabytes as a tree.
_MAX_MARKUP = 20_000


class XmpUnusable(ValueError):
    """XMP that is damaged or beyond the limits; the message says why."""


@dataclass(frozen=True)
class _ExtendedPart:
    total: int
    offset: int
    content: bytes


def extended_packet(data: bytes, layout: JpegLayout, guid: str, limits: DecodeLimits) -> bytes:
    """The extended XMP of a JPEG that `guid` names.

    Raises XmpUnusable where parts are missing, overlap, disagree on the total size or exceed the limit.
    """
    parts = sorted(_extended_parts(data, layout, guid.encode("ascii", "replace")), key=lambda p: p.offset)
    if not parts:
        raise XmpUnusable(f"extended XMP {guid!r} is announced but not in the file")
    total = parts[0].total
    if total > limits.max_xmp_bytes:
        raise XmpUnusable(f"extended XMP of {total} bytes; the limit is {limits.max_xmp_bytes} bytes")
    reached = 0
    for part in parts:
        if part.total != total:
            raise XmpUnusable(f"extended XMP parts disagree on the total size: {total} and {part.total} bytes")
        if part.offset != reached:
            raise XmpUnusable(f"extended XMP has a part at byte {part.offset} where {reached} must follow")
        reached += len(part.content)
    if reached != total:
        raise XmpUnusable(f"extended XMP has {reached} of {total} bytes")
    return b"".join(part.content for part in parts)


def _extended_parts(data: bytes, layout: JpegLayout, guid: bytes) -> Iterator[_ExtendedPart]:
    for segment in layout.segments:
        if segment.marker != APP1 or not data.startswith(EXTENDED_SIGNATURE, segment.start):
            continue
        head = data[segment.start + len(EXTENDED_SIGNATURE) : segment.start + EXTENDED_HEADER_SIZE]
        if segment.end - segment.start < EXTENDED_HEADER_SIZE or head[:GUID_SIZE] != guid:
            continue
        yield _ExtendedPart(
            total=int.from_bytes(head[GUID_SIZE : GUID_SIZE + 4], "big"),
            offset=int.from_bytes(head[GUID_SIZE + 4 :], "big"),
            content=data[segment.start + EXTENDED_HEADER_SIZE : segment.end],
        )


def parse_packet(packet: bytes, limits: DecodeLimits) -> Element:
    """The root element of a packet; raises XmpUnusable."""
    if len(packet) > limits.max_xmp_bytes:
        raise XmpUnusable(f"XMP of {len(packet)} bytes; the limit is {limits.max_xmp_bytes} bytes")
    if max(packet.count(b"<"), packet.count(b"=")) > _MAX_MARKUP:
        raise XmpUnusable(f"XMP with more than {_MAX_MARKUP} tags or attributes")
    try:
        root: Element = fromstring(packet.strip(b"\x00 \t\r\n"), forbid_dtd=True)
    except DefusedXmlException as error:
        raise XmpUnusable(f"XMP with a document type or entities: {type(error).__name__}") from error
    except (ParseError, ValueError, LookupError) as error:
        raise XmpUnusable(f"XMP is not well-formed: {error}") from error
    return root


def properties(element: Element, namespace: str) -> dict[str, str]:
    """The simple properties of one RDF node in a namespace, whether written as attributes or as elements."""
    prefix = f"{{{namespace}}}"
    found = {k[len(prefix) :]: v for k, v in element.attrib.items() if k.startswith(prefix)}
    for child in element:
        if child.tag.startswith(prefix) and child.text and not len(child):
            found.setdefault(child.tag[len(prefix) :], child.text)
    return {name: value.strip() for name, value in found.items()}


def all_properties(roots: Sequence[Element], namespace: str) -> dict[str, str]:
    """The simple properties in a namespace over whole packets; the first of a name counts."""
    found: dict[str, str] = {}
    for root in roots:
        for element in root.iter():
            for name, value in properties(element, namespace).items():
                found.setdefault(name, value)
    return found
