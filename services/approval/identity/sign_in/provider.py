"""The company's OpenID Connect provider: discovers its endpoints and verifies its tokens."""

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import Any

import httpx2
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from schemas.fields import Id
from services.approval.identity.sign_in.errors import NotSignedInError, ProviderUnavailableError
from services.pipeline.bounded_answer import ASK_UNPACKED, bound_answer

ALGORITHMS = ("RS256", "ES256")
"""The signatures that we accept: never `none`, and none with a shared secret."""

TIMEOUT_SECONDS = 5
REFETCH_SECONDS = 60
KEY_LIFETIME_SECONDS = 3600
_PERSON_ID: TypeAdapter[str] = TypeAdapter(Id)
_UNAVAILABLE = "The sign-in provider does not answer. Try again in a minute."


class Endpoints(BaseModel):
    """The provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class Provider:
    """The provider at `issuer`. Its endpoints are fetched once; its keys every hour, and when a token names a new one.

    A token with an unknown key causes at most one request a minute. Known keys stay valid while the provider is
    unavailable. Clocks may differ by `leeway_seconds`.
    """

    def __init__(self, issuer: str, *, leeway_seconds: int, clock: Callable[[], float] = monotonic) -> None:
        self._issuer = issuer
        self.leeway_seconds = leeway_seconds
        self._clock = clock
        self._endpoints: Endpoints | None = None
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()
        self._discovery: asyncio.Task[Endpoints] | None = None
        self._client: httpx2.AsyncClient | None = None

    async def endpoints(self) -> Endpoints:
        """Return the provider's endpoints; ProviderUnavailableError if they cannot be fetched.

        Whoever asks at the same time shares one request.
        """
        if self._endpoints is None:
            if self._discovery is None or self._discovery.done():
                self._discovery = asyncio.create_task(self._discovered())
            self._endpoints = await asyncio.shield(self._discovery)
        return self._endpoints

    async def _discovered(self) -> Endpoints:
        metadata = await self._fetched(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        try:
            endpoints = Endpoints.model_validate(metadata)
        except ValidationError as error:
            raise ProviderUnavailableError("The sign-in provider's configuration cannot be read.") from error
        if endpoints.issuer.rstrip("/") != self._issuer.rstrip("/"):
            raise ProviderUnavailableError("The sign-in provider calls itself by another name than OIDC_ISSUER.")
        return endpoints

    async def verified(self, token: str, audience: str) -> jwt.Token:
        """Return `token`, decoded, if the provider issued it for `audience` and it has not expired.

        Raises NotSignedInError otherwise, and ProviderUnavailableError if no keys are known.
        """
        endpoints = await self.endpoints()
        rules = jwt.JWTClaimsRegistry(
            leeway=self.leeway_seconds,
            iss={"essential": True, "value": endpoints.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            decoded = await self._decoded(token)
            rules.validate(decoded.claims)
        except ExpiredTokenError as error:
            raise NotSignedInError("The token has expired.") from error
        except (JoseError, ValueError) as error:
            raise NotSignedInError("The token is not valid here.") from error
        return decoded

    async def _decoded(self, token: str) -> jwt.Token:
        known = await self._current_keys(KEY_LIFETIME_SECONDS)
        try:
            return jwt.decode(token, known, algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            newer = await self._current_keys(REFETCH_SECONDS)
            if newer is known:
                raise
            return jwt.decode(token, newer, algorithms=ALGORITHMS)

    async def _current_keys(self, max_age_seconds: float) -> KeySet:
        async with self._fetching:
            if self._clock() - self._fetched_at >= max_age_seconds:
                self._fetched_at = self._clock()
                await self._refresh_keys()
            if self._keys is None:
                raise ProviderUnavailableError(_UNAVAILABLE)
            return self._keys

    async def _refresh_keys(self) -> None:
        endpoints = await self.endpoints()
        try:
            self._keys = KeySet.import_key_set(await self._fetched(endpoints.jwks_uri))
        except ProviderUnavailableError:
            # Known keys are still valid; only a new one has to wait until the provider is back.
            if self._keys is None:
                self._fetched_at = float("-inf")
                raise
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderUnavailableError("The sign-in provider's keys cannot be read.") from error

    async def _fetched(self, url: str) -> Any:
        """Return the JSON document at `url`; ProviderUnavailableError if it cannot be fetched, or is too large."""
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, event_hooks={"response": [bound_answer]})
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await self._client.get(url, headers={"accept": "application/json"} | ASK_UNPACKED)
            response.raise_for_status()
            return response.json()
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            raise ProviderUnavailableError(_UNAVAILABLE) from error

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._client is not None:
            await self._client.aclose()


def person_id_of(token: jwt.Token) -> str:
    """Return the person that a verified `token` is about; NotSignedInError if its `sub` is no id."""
    try:
        return _PERSON_ID.validate_python(str(token.claims["sub"]))
    except ValidationError as error:
        raise NotSignedInError("The token is not valid here.") from error
