"""A stub of Immich whose every exchange is held against Immich's own description of its API."""

from __future__ import annotations

import io
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from contract import Contract
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from immich_holdings import StubAsset, StubUser
from immich_stub import ImmichStub
from immichvr_gateway.library import Identity, ImmichLibrary
from PIL import Image

_DOCUMENT = Path(__file__).parents[2] / "../shared/immich/openapi-3.1.0.json"


@pytest.fixture(scope="session")
def document() -> dict[str, object] | None:
    """Immich's OpenAPI document, None where it is not at hand."""
    if not _DOCUMENT.exists():
        return None
    read: dict[str, object] = json.loads(_DOCUMENT.read_text())
    return read


@pytest.fixture(scope="session")
def strict_contract(document: dict[str, object] | None) -> Contract | None:
    """The checker, made once: the document is large."""
    return None if document is None else Contract(document)


@pytest.fixture
def contract(strict_contract: Contract | None) -> Contract:
    """What checks the exchanges of this test; without the document there is nothing to check against."""
    if strict_contract is None:
        pytest.skip(f"Immich's OpenAPI document is not at {_DOCUMENT}")
    return strict_contract


@pytest.fixture(scope="session")
def immich_server(strict_contract: Contract | None) -> Iterator[ImmichStub]:
    """The stub, started once."""
    stub = ImmichStub()
    with stub.serving() if strict_contract is None else stub.serving(strict_contract.wrap):
        yield stub


@pytest.fixture
def immich_stub(immich_server: ImmichStub, strict_contract: Contract | None) -> Iterator[ImmichStub]:
    """An empty Immich. The test fails if anything it was asked, or answered, is not in Immich's document."""
    immich_server.clear()
    if strict_contract is None:
        yield immich_server
        return
    strict_contract.violations.clear()
    strict_contract.used.clear()
    yield immich_server
    assert strict_contract.violations == []


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until its `now` is moved."""
    return Clock()


@pytest.fixture
async def open_library(immich_stub: ImmichStub) -> AsyncIterator[Callable[..., ImmichLibrary]]:
    """Makes libraries on the stub, and closes them."""
    opened: list[ImmichLibrary] = []

    def open_one(**settings: object) -> ImmichLibrary:
        library = ImmichLibrary(**{"url": immich_stub.url, **settings})  # type: ignore[arg-type]
        opened.append(library)
        return library

    yield open_one
    for library in opened:
        await library.close()


@pytest.fixture
def library(open_library: Callable[..., ImmichLibrary]) -> ImmichLibrary:
    """A library on the stub, with settings as they come."""
    return open_library()


@pytest.fixture
def ada(immich_stub: ImmichStub) -> StubUser:
    """A user."""
    return immich_stub.add_user("Ada")


@pytest.fixture
def ben(immich_stub: ImmichStub) -> StubUser:
    """Another user."""
    return immich_stub.add_user("Ben")


@pytest.fixture
async def as_ada(immich_stub: ImmichStub, library: ImmichLibrary, ada: StubUser) -> Identity:
    """Ada, signed in with a key that may do what is needed."""
    return await library.sign_in(api_key=immich_stub.add_key(ada))


@pytest.fixture
async def as_ben(immich_stub: ImmichStub, library: ImmichLibrary, ben: StubUser) -> Identity:
    """Ben, signed in with a key that may do what is needed."""
    return await library.sign_in(api_key=immich_stub.add_key(ben))


@pytest.fixture
def picture() -> Callable[..., bytes]:
    """Makes JPEGs: `picture(width, height, colour)`."""

    def make(width: int = 400, height: int = 300, colour: str = "teal") -> bytes:
        out = io.BytesIO()
        Image.new("RGB", (width, height), colour).save(out, "JPEG")
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's side of TLS with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path_factory.mktemp("tls") / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
async def me(immich_stub: ImmichStub, library: ImmichLibrary, ada: StubUser) -> Identity:
    """Ada, with a key that may do everything."""
    return await library.sign_in(api_key=immich_stub.add_key(ada, ("all",)))


@pytest.fixture
def clip_of(immich_stub: ImmichStub, picture: Callable[..., bytes]) -> Callable[..., StubAsset]:
    """Gives a photo a clip, as phones make them."""

    def add(photo: StubAsset, name: str = "IMG_1.mov.mp4", **about: object) -> StubAsset:
        clip = immich_stub.add_photo(photo.owner, picture(40, 30), name, original=b"the moving part")
        clip.type, clip.visibility = "VIDEO", "hidden"
        for field, value in about.items():
            setattr(clip, field, value)
        photo.live_video = clip.id
        return clip

    return add
