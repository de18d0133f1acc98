"""Who is asking: a person with an account, or a visitor with a link that somebody shared."""

import pytest
from immichvr_gateway.library import Credential, Identity
from pydantic import SecretStr


@pytest.mark.parametrize("kind", ["share_key", "share_slug"])
def test_a_visitor_of_a_share_link_is_nobodys_account_and_may_write_nothing(kind) -> None:
    visitor = Identity("share-1", "", Credential(kind, SecretStr("key")))
    assert (visitor.user, visitor.is_share, visitor.may_write) == (None, True, False)


@pytest.mark.parametrize("kind", ["api_key", "bearer", "none"])
def test_a_person_is_their_account_and_may_write(kind) -> None:
    person = Identity("ann", "Ann", Credential(kind, SecretStr("key")))
    assert (person.user, person.is_share, person.may_write) == ("ann", False, True)


def test_a_link_with_its_password_given_is_another_credential_than_the_link_alone() -> None:
    link = Credential("share_key", SecretStr("its-name"))
    opened = Credential("share_key", SecretStr("its-name"), unlocked=SecretStr("told"))
    assert link.fingerprint != opened.fingerprint
    assert "its-name" not in repr(opened) and "told" not in repr(opened)
