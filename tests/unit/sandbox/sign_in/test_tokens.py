"""Tokens follow OpenID Connect, and the provider itself refuses flawed ones."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sandbox.sign_in.tokens import TOKEN_LIFE, Flaw, Signer
from schemas.examples.cast import DANA, DIRECTORY, SAM

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SIGNER = Signer(issuer="http://sign-in.example", audience="countersign-api")


def test_an_id_token_has_the_person_the_audience_and_the_nonce() -> None:
    token = SIGNER.id_token(DIRECTORY[DANA.id], client_id="countersign", nonce="n1", now=NOW)
    claims = jwt.decode(token, KeySet.import_key_set(SIGNER.public_keys), algorithms=["RS256"]).claims
    assert claims["iss"] == "http://sign-in.example"
    assert (claims["sub"], claims["aud"], claims["nonce"]) == (DANA.id, "countersign", "n1")
    assert claims["exp"] - claims["iat"] == TOKEN_LIFE.total_seconds()
    assert (claims["name"], claims["email"]) == (DANA.name, DANA.email)


def test_an_access_token_gives_its_person_until_it_expires() -> None:
    token = SIGNER.access_token(SAM.id, now=NOW)
    assert SIGNER.bearer(token, NOW) == SAM.id
    with pytest.raises(JoseError):
        SIGNER.bearer(token, NOW + TOKEN_LIFE + timedelta(seconds=1))


@pytest.mark.parametrize("flaw", list(Flaw))
def test_every_flaw_is_refused(flaw: Flaw) -> None:
    with pytest.raises((JoseError, ValueError)):
        SIGNER.bearer(SIGNER.access_token(SAM.id, now=NOW, flaw=flaw), NOW)


def test_the_private_key_is_not_published() -> None:
    (key,) = SIGNER.public_keys["keys"]
    assert set(key) == {"kty", "kid", "use", "alg", "n", "e"}
