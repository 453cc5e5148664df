"""Signs ID tokens and access tokens, and on request flawed ones that must be refused."""

import base64
import json
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from schemas.events import DirectoryPerson

ALGORITHM = "RS256"
TOKEN_LIFE = timedelta(hours=1)
_KEY_ID = "sandbox-1"
_KEY_BITS = 2048


class Flaw(StrEnum):
    """What can be wrong with an access token, for tests that it is refused."""

    EXPIRED = "expired"
    WRONG_AUDIENCE = "wrong_audience"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_KEY = "wrong_key"
    UNSIGNED = "unsigned"


class Signer:
    """Signs with a key made at start; the flawed key has the same key id and is never published."""

    def __init__(self, *, issuer: str, audience: str) -> None:
        self._issuer = issuer
        self._audience = audience
        self._key = _new_key()

    @property
    def public_keys(self) -> dict[str, Any]:
        """The JSON Web Key Set that verifies our tokens."""
        return {"keys": [self._key.as_dict(private=False)]}

    def id_token(self, person: DirectoryPerson, *, client_id: str, nonce: str | None, now: datetime) -> str:
        """A token that tells the application who signed in, with its `nonce`."""
        about = {"aud": client_id, "auth_time": int(now.timestamp()), "name": person.name, "email": person.email}
        binding = {"nonce": nonce} if nonce is not None else {}
        return _sign(self._claims(person.person_id, now) | about | binding, self._key)

    def access_token(self, person_id: str, *, now: datetime, flaw: Flaw | None = None) -> str:
        """A token with which to call the API as `person_id`; with a `flaw`, one that must be refused."""
        claims = self._claims(person_id, now) | {"aud": self._audience, "jti": secrets.token_hex(8)}
        match flaw:
            case Flaw.EXPIRED:
                claims = self._claims(person_id, now - 2 * TOKEN_LIFE) | {"aud": self._audience}
            case Flaw.WRONG_AUDIENCE:
                claims["aud"] = "another-api"
            case Flaw.WRONG_ISSUER:
                claims["iss"] = "https://issuer.invalid"
            case Flaw.UNSIGNED:
                return _unsigned(claims)
        return _sign(claims, self._unpublished_key if flaw == Flaw.WRONG_KEY else self._key, kind="at+jwt")

    def bearer(self, token: str, now: datetime) -> str:
        """The person id in an access token. Raises joserfc's JoseError, or ValueError, if the token is not valid."""
        claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        rules = jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": self._audience},
            exp={"essential": True},
        )
        rules.validate(claims)
        return str(claims["sub"])

    @cached_property
    def _unpublished_key(self) -> RSAKey:
        return _new_key()

    def _claims(self, person_id: str, now: datetime) -> dict[str, Any]:
        issued = int(now.timestamp())
        expires = int((now + TOKEN_LIFE).timestamp())
        return {"iss": self._issuer, "sub": person_id, "iat": issued, "exp": expires}


def _new_key() -> RSAKey:
    return RSAKey.generate_key(_KEY_BITS, parameters={"kid": _KEY_ID, "use": "sig", "alg": ALGORITHM})


def _sign(claims: dict[str, Any], key: RSAKey, kind: str = "JWT") -> str:
    return jwt.encode({"alg": ALGORITHM, "kid": _KEY_ID, "typ": kind}, claims, key)


def _unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
    return ".".join((*encoded, ""))
