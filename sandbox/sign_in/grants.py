"""Codes that stand for a finished sign-in: each is good once, for a minute, for whoever knows the PKCE verifier."""

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.sign_in.authorization import Asked

CODE_LIFE = timedelta(minutes=1)


class GrantRefusedError(Exception):
    """The code is unknown, used, too old, or somebody else's; it is good for nothing from now on."""


@dataclass(frozen=True)
class Grant:
    """Who signed in, and for which question."""

    person_id: str
    asked: Asked
    expires_at: datetime


@dataclass
class Grants:
    """The codes that nobody has redeemed yet."""

    _open: dict[str, Grant] = field(default_factory=dict)

    def issue(self, person_id: str, asked: Asked, now: datetime) -> str:
        """A new code."""
        code = secrets.token_urlsafe(24)
        self._open[code] = Grant(person_id, asked, now + CODE_LIFE)
        return code

    def redeem(self, code: str, *, redirect_uri: str, verifier: str, now: datetime) -> Grant:
        """The grant behind `code`, which is used up by asking; GrantRefusedError where anything does not fit."""
        grant = self._open.pop(code, None)
        if grant is None:
            raise GrantRefusedError("the code is unknown or was used before")
        if now >= grant.expires_at:
            raise GrantRefusedError("the code is too old")
        if redirect_uri != grant.asked.redirect_uri:
            raise GrantRefusedError("the redirect_uri is not the one the code was sent to")
        if not secrets.compare_digest(challenge_of(verifier), grant.asked.code_challenge.encode()):
            raise GrantRefusedError("the code_verifier does not fit the code_challenge")
        return grant


def challenge_of(verifier: str) -> bytes:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
