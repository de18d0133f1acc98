"""Keys for work in somebody's absence: made by Immich with what is needed, kept sealed, gone when taken back."""

import pytest
from immichvr_common.bus.streams import KV_STATE
from immichvr_common.errors import Conflict
from immichvr_gateway.auth.standing_keys import NAME, StandingKeys
from immichvr_gateway.library import Identity, ImmichLibrary, NotPermitted
from immichvr_gateway.library.immich.signing_in import NEEDED_PERMISSIONS


class _Kept:
    def __init__(self, value: bytes | None, revision: int) -> None:
        self.value, self.revision = value, revision


class Bucket:
    """The bucket `state` in memory, as far as keys need it."""

    connected = True

    def __init__(self) -> None:
        self.rows: dict[str, tuple[bytes, int]] = {}
        self._revision = 0

    def kv(self, name: str) -> "Bucket":
        assert name == KV_STATE
        return self

    async def get(self, key: str) -> _Kept:
        return _Kept(*self.rows.get(key, (None, 0)))

    async def update(self, key: str, value: bytes, last: int) -> int:
        if self.rows.get(key, (b"", 0))[1] != last:
            raise Conflict("another is newer")
        self._revision += 1
        self.rows[key] = (value, self._revision)
        return self._revision

    async def purge(self, stream: str, subject: str) -> None:
        self.rows.pop(subject.removeprefix(f"$KV.{KV_STATE}."), None)

    async def subjects(self, stream: str, under: str) -> list[str]:
        return [f"$KV.{KV_STATE}.{key}" for key in self.rows]


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def library(open_library, clock) -> ImmichLibrary:
    return open_library(clock=clock)


@pytest.fixture
def keys_with(library, bucket):
    """Keys of a gateway with this secret, over the one bucket."""

    def make(sealing: str = "one") -> StandingKeys:
        keys = StandingKeys(library, library.keys, sealing)
        keys.use(bucket)
        return keys

    return make


@pytest.fixture
async def ada_herself(library, ada) -> Identity:
    """Ada, signed in with her password."""
    return await library.sign_in(email=ada.email, password=ada.password)


@pytest.mark.parametrize("version", [(3, 1, 0), (3, 2, 2)])
async def test_a_yes_makes_a_key_with_what_is_needed_and_another_gateway_works_with_it(
    immich_stub, keys_with, bucket, ada, ada_herself, version
):
    immich_stub.version = version
    keys = keys_with()
    assert await keys.of(ada.id) is None
    assert (await keys.look(ada.id)).state == "off"
    standing = await keys.opt_in(ada_herself)
    assert (standing.state, standing.missing) == ("on", [])
    [(secret, key)] = immich_stub.keys.items()
    assert key.name == NAME and set(key.permissions) == set(standing.permissions)
    assert set(NEEDED_PERMISSIONS) <= set(key.permissions)
    assert not {one for one in key.permissions if one.endswith((".delete", ".update", ".create")) or one == "all"}
    assert all(secret.encode() not in value for value, _ in bucket.rows.values())
    elsewhere = keys_with()
    assert await elsewhere.users() == [ada.id]
    who = await elsewhere.of(ada.id)
    assert who is not None and who.user == ada.id
    assert who.credential.secret.get_secret_value() == secret


async def test_to_write_back_is_a_yes_of_its_own_and_replaces_the_key(immich_stub, keys_with, ada, ada_herself):
    keys = keys_with()
    await keys.opt_in(ada_herself)
    [first] = immich_stub.keys
    standing = await keys.opt_in(ada_herself, write_back=True)
    assert {"asset.update", "tag.create", "tag.asset"} <= set(standing.permissions)
    [second] = immich_stub.keys
    assert second != first


async def test_a_key_that_lacks_permissions_to_make_one_is_told_all_of_them_at_once(
    immich_stub, library, keys_with, ada, as_ada
):
    with pytest.raises(NotPermitted, match=r"apiKey\.create, album\.read") as refusal:
        await keys_with().opt_in(as_ada)
    assert refusal.value.permissions[0] == "apiKey.create"
    assert len(immich_stub.keys) == 1
    able = immich_stub.add_key(ada, ("all",))
    assert (await keys_with().opt_in(await library.sign_in(api_key=able))).state == "on"


async def test_a_key_that_its_owner_deletes_pauses_the_work_and_every_gateway_says_why(
    immich_stub, keys_with, clock, ada, ada_herself
):
    keys = keys_with()
    await keys.opt_in(ada_herself)
    assert await keys.of(ada.id) is not None
    immich_stub.keys.clear()
    clock.now += 51
    assert await keys.of(ada.id) is None
    immich_stub.calls.clear()
    assert await keys.of(ada.id) is None
    assert immich_stub.calls == []
    for gateway in (keys, keys_with()):
        standing = await gateway.look(ada.id)
        assert standing.state == "paused" and "Invalid API key" in standing.detail
    assert (await keys.opt_in(ada_herself)).state == "on"
    assert await keys.of(ada.id) is not None


async def test_a_permission_that_is_taken_away_is_named(immich_stub, keys_with, clock, ada, ada_herself):
    keys = keys_with()
    await keys.opt_in(ada_herself)
    [key] = immich_stub.keys.values()
    whole = key.permissions
    key.permissions = tuple(one for one in whole if one != "album.read")
    standing = await keys.look(ada.id)
    assert (standing.state, standing.missing) == ("on", ["album.read"])
    key.permissions = tuple(one for one in whole if one != "asset.download")
    clock.now += 51
    assert await keys.of(ada.id) is None
    standing = await keys.look(ada.id)
    assert standing.state == "paused" and "asset.download" in standing.detail
    key.permissions = whole
    assert (await keys_with().of(ada.id)) is not None


async def test_taking_it_back_deletes_the_key_or_says_who_has_to(immich_stub, library, keys_with, ada, ada_herself):
    keys = keys_with()
    await keys.opt_in(ada_herself)
    standing = await keys.opt_out(ada_herself)
    assert (standing.state, immich_stub.keys) == ("off", {})
    assert await keys.of(ada.id) is None
    await keys.opt_in(ada_herself)
    reading = await library.sign_in(api_key=immich_stub.add_key(ada))
    standing = await keys.opt_out(reading)
    assert standing.state == "off" and NAME in standing.detail and "apiKey.delete" in standing.detail
    assert await keys.of(ada.id) is None
    assert (await keys.opt_out(ada_herself)).state == "off"


async def test_without_a_secret_of_its_own_a_gateway_keeps_no_keys_and_with_another_it_opens_none(
    immich_stub, keys_with, ada, ada_herself
):
    with pytest.raises(Conflict, match="SESSION_KEY"):
        await keys_with("").opt_in(ada_herself)
    assert immich_stub.keys == {}
    await keys_with("one").opt_in(ada_herself)
    other = keys_with("two")
    assert await other.of(ada.id) is None
    assert "IMMICHVR_GATEWAY_SESSION_KEY has changed" in (await other.look(ada.id)).detail
    anew = await other.opt_in(ada_herself)
    assert anew.state == "on" and f"delete the key {NAME!r} of before" in anew.detail
    assert f"delete the key {NAME!r} of before" in (await keys_with("three").opt_out(ada_herself)).detail


async def test_of_two_gateways_that_are_asked_at_once_one_key_stays(immich_stub, keys_with, bucket, ada, ada_herself):
    keys = keys_with()

    class Meanwhile(StandingKeys):
        async def _kept(self, user_id):
            found = await super()._kept(user_id)
            if not bucket.rows:
                await keys.opt_in(ada_herself)
            return found

    late = Meanwhile(keys._library, keys._issuer, "one")
    late.use(bucket)
    with pytest.raises(Conflict):
        await late.opt_in(ada_herself)
    assert len(immich_stub.keys) == 1
    assert await keys.of(ada.id) is not None


async def test_a_folder_needs_no_key(bucket, open_library):
    keys = StandingKeys(open_library(), None, "")
    keys.use(bucket)
    assert await keys.of("local") == Identity.local()
    assert await keys.of("somebody") is None
    assert (await keys.opt_in(Identity.local())).state == "on"
