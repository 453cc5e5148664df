"""Authorization codes: each can be redeemed once, within a minute, with its PKCE verifier."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.sign_in.authorization import AuthorizationRequest

CODE_LIFE = timedelta(minutes=1)


class GrantRefusedError(Exception):
    """The code is unknown, used, expired or another client's; it cannot be redeemed any more."""


@dataclass(frozen=True)
class Grant:
    """Who signed in, and for which request."""

    person_id: str
    request: AuthorizationRequest
    expires_at: datetime


@dataclass
class Grants:
    """The codes that have not been redeemed yet."""

    _open: dict[str, Grant] = field(default_factory=dict)

    def issue(self, person_id: str, request: AuthorizationRequest, now: datetime) -> str:
        """Issue a code for `request`, signed in as `person_id`."""
        code = secrets.token_urlsafe(24)
        self._open[code] = Grant(person_id, request, now + CODE_LIFE)
        return code

    def redeem(self, code: str, *, redirect_uri: str, verifier: str, now: datetime) -> Grant:
        """Use up `code` and return its grant. Raises GrantRefusedError if anything does not match."""
        grant = self._open.pop(code, None)
        if grant is None:
            raise GrantRefusedError("the code is unknown or was used before")
        if now >= grant.expires_at:
            raise GrantRefusedError("the code has expired")
        if redirect_uri != grant.request.redirect_uri:
            raise GrantRefusedError("the redirect_uri is not the one the code was sent to")
        if not secrets.compare_digest(challenge_of(verifier), grant.request.code_challenge.encode()):
            raise GrantRefusedError("the code_verifier does not match the code_challenge")
        return grant


def challenge_of(verifier: str) -> bytes:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
