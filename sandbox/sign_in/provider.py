"""The OpenID provider: one registered application, the sandbox's people, and its discovery document."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from pydantic import SecretStr

from sandbox.people import PEOPLE
from sandbox.sign_in import authorization
from sandbox.sign_in.authorization import AuthorizationRequest
from sandbox.sign_in.grants import Grants
from sandbox.sign_in.tokens import ALGORITHM, TOKEN_LIFE, Flaw, Signer


@dataclass(frozen=True)
class Client:
    """The application that people sign in to; `audience` is the API that its access tokens are for."""

    id: str
    secret: SecretStr
    redirect_uris: tuple[str, ...]
    audience: str
    post_logout_redirect_uris: tuple[str, ...] = ()


class Provider:
    """Signs people in to `client`; `issuer` is also its address, and its clock is `ahead` of ours."""

    def __init__(self, *, issuer: str, client: Client) -> None:
        self.issuer = issuer
        self.client = client
        self.grants = Grants()
        self.ahead = timedelta()
        self.signer = Signer(issuer=issuer, audience=client.audience)

    def bearer_token(self, person_id: str, flaw: Flaw | None = None) -> str:
        """An access token for API calls as `person_id`, without a sign-in; with a `flaw`, one that must be refused."""
        return self.signer.access_token(person_id, now=datetime.now(UTC), flaw=flaw)

    def authorization_request(self, parameters: Mapping[str, str]) -> AuthorizationRequest:
        """Parse an authorization request. Raises what `authorization.parse` raises."""
        return authorization.parse(parameters, client_id=self.client.id, redirect_uris=self.client.redirect_uris)

    def signed_in(self, person_id: str, request: AuthorizationRequest) -> str:
        """The redirect that carries a new code to the application."""
        return request.answer(code=self.grants.issue(person_id, request, datetime.now(UTC)))

    def redeem(self, code: str, *, redirect_uri: str, verifier: str) -> dict[str, Any]:
        """Exchange `code` for tokens. Raises GrantRefusedError."""
        now = datetime.now(UTC)
        grant = self.grants.redeem(code, redirect_uri=redirect_uri, verifier=verifier, now=now)
        person = PEOPLE[grant.person_id]
        return {
            "access_token": self.signer.access_token(person.person_id, now=now),
            "token_type": "Bearer",
            "expires_in": int(TOKEN_LIFE.total_seconds()),
            "scope": "openid profile email",
            "id_token": self.signer.id_token(
                person, client_id=self.client.id, nonce=grant.request.nonce, now=now + self.ahead
            ),
        }

    def is_client(self, client_id: str, client_secret: str) -> bool:
        """Whether these are the application's credentials."""
        is_known = secrets.compare_digest(client_id.encode(), self.client.id.encode())
        return is_known and secrets.compare_digest(
            client_secret.encode(), self.client.secret.get_secret_value().encode()
        )

    @property
    def configuration(self) -> dict[str, Any]:
        """The OpenID Connect Discovery document."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/end_session",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile", "email"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "email"],
        }


def basic_credentials(authorization_header: str) -> tuple[str, str]:
    """The client id and secret of HTTP Basic (RFC 6749, section 2.3.1); both empty if there are none."""
    scheme, _, encoded = authorization_header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return unquote(client_id), unquote(secret)
