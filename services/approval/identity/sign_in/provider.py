"""The company's OpenID Connect provider: discovers its endpoints and verifies its tokens."""

import asyncio
from codecs import BOM_UTF8
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import Any

import httpx2
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import BadSignatureError, ClaimError, ExpiredTokenError, InvalidKeyIdError, JoseError
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from schemas.fields import Id
from services.approval.identity.sign_in.errors import NotSignedInError, ProviderUnavailableError
from services.approval.identity.sign_in.kept import Kept
from services.approval.identity.sign_in.keys import VerificationKeys, read_keys
from services.pipeline.bounded_answer import ASK_UNPACKED, bound_answer
from services.pipeline.certificates import expiry_shown_with, show_server_certificate
from services.pipeline.made_apart import MadeApart
from services.pipeline.metrics import SIGN_IN_PROVIDER

TIMEOUT_SECONDS = 5
REFETCH_SECONDS = 60.0
"""How old the keys are, at least, when a token that they do not verify makes us ask for newer ones."""
_PERSON_ID: TypeAdapter[str] = TypeAdapter(Id)
_CHOOSE = "select_account"
_DOTS_OF_A_JWT = 2
UNAVAILABLE = "The sign-in provider does not answer. Try again in a minute."

log = structlog.get_logger()


class Endpoints(BaseModel):
    """The provider's metadata (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    prompt_values_supported: tuple[str, ...] = ()

    @property
    def prompt_to_choose(self) -> str:
        """What makes the provider ask who signs in (Core 1.0, 3.1.2.1); not every one has a choice of accounts."""
        return "login" if self.prompt_values_supported and _CHOOSE not in self.prompt_values_supported else _CHOOSE


class Provider:
    """The provider at `issuer`. Its endpoints and keys are fetched every hour, keys also for a token with a new one.

    A token that no key verifies causes at most one request a minute. What is known stays valid while the provider is
    unavailable, or answers with something else. Clocks may differ by `leeway_seconds`.
    """

    def __init__(self, issuer: str, *, leeway_seconds: int, clock: Callable[[], float] = monotonic) -> None:
        self._issuer = issuer
        self.leeway_seconds = leeway_seconds
        self._endpoints = Kept(self._discovered, clock)
        self._keys = Kept(self._published_keys, clock)
        self._left_out: dict[str, int] = {}
        self._client = MadeApart(_new_client)

    async def endpoints(self) -> Endpoints:
        """Return the provider's endpoints; ProviderUnavailableError if they were never fetched and cannot be now."""
        return await self._endpoints.get()

    async def _discovered(self) -> Endpoints:
        address = f"{self._issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            endpoints = Endpoints.model_validate(await self._fetched(address))
        except ValidationError as error:
            members = sorted({str(place) for each in error.errors() for place in each["loc"][:1]})
            cause = f"{address} has no usable {', '.join(members) or 'object'}"
            raise ProviderUnavailableError(
                "The sign-in provider's configuration cannot be read.", cause=cause
            ) from error
        if endpoints.issuer.rstrip("/") != self._issuer.rstrip("/"):
            text = "The sign-in provider calls itself by another name than OIDC_ISSUER."
            raise ProviderUnavailableError(text, cause=f"set OIDC_ISSUER to what {address} names: {endpoints.issuer}")
        return endpoints

    async def count_keys(self) -> int:
        """Return how many published keys can verify tokens; ProviderUnavailableError if they cannot be fetched."""
        await self._endpoints.get()
        return len((await self._keys.get()).usable)

    async def verified(self, token: str, audience: str) -> jwt.Token:
        """Return `token`, decoded, if the provider issued it for `audience` and it has not expired.

        Raises NotSignedInError otherwise, and ProviderUnavailableError if no keys are known.
        """
        if token.count(".") != _DOTS_OF_A_JWT:
            raise NotSignedInError("The token is not a JSON Web Token. Ask the provider for one that is for this API.")
        endpoints = await self._endpoints.get(inf)
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
        except ClaimError as error:
            cause = f"a token that should be for {audience} has another {error.claim} than that demands"
            raise NotSignedInError("The token is not valid here.", cause=cause) from error
        except (JoseError, ValueError, TypeError) as error:  # the library takes some members for what they should be
            raise NotSignedInError("The token is not valid here.") from error
        return decoded

    async def _decoded(self, token: str) -> jwt.Token:
        known = await self._keys.get()
        try:
            return known.decoded(token)
        except (InvalidKeyIdError, BadSignatureError):  # a provider may replace a key without giving it another id
            newer = await self._keys.get(REFETCH_SECONDS)
            if newer is known:
                raise
            return newer.decoded(token)

    async def _published_keys(self) -> VerificationKeys:
        """Return the keys that are published now, also if they have moved; ProviderUnavailableError without any."""
        known = await self._endpoints.get(inf)
        try:
            keys = read_keys(await self._fetched(known.jwks_uri))
        except ProviderUnavailableError:
            now = await self._endpoints.get(0.0)
            if now.jwks_uri == known.jwks_uri:
                raise
            keys = read_keys(await self._fetched(now.jwks_uri))
        self._say_what_is_left_out(dict(keys.left_out))
        return keys

    def _say_what_is_left_out(self, left_out: dict[str, int]) -> None:
        """Log keys that we cannot use when there are others than before."""
        if left_out and left_out != self._left_out:
            log.warning("sign_in.keys_left_out", reasons=left_out)
        self._left_out = left_out

    async def _fetched(self, url: str) -> Any:
        """Return the JSON document at `url`; ProviderUnavailableError if it cannot be fetched, or is too large."""
        client = await self._client.get()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await client.get(url, headers={"accept": "application/json"} | ASK_UNPACKED)
            response.raise_for_status()
            return orjson.loads(response.content.removeprefix(BOM_UTF8))
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TimeoutError) as error:
            raise ProviderUnavailableError(UNAVAILABLE, cause=f"{url} {what_happened(error)}") from error

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._client.made is not None:
            await self._client.made.aclose()


def _new_client() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, event_hooks={"response": [_show_certificate, bound_answer]})


async def _show_certificate(response: httpx2.Response) -> None:
    show_server_certificate(SIGN_IN_PROVIDER, expiry_shown_with(response))


def what_happened(error: Exception) -> str:
    """Return what came of a call of the provider, to be read after its address."""
    match error:
        case httpx2.HTTPStatusError():
            return f"answers {error.response.status_code}"
        case TimeoutError() | httpx2.TimeoutException():
            return f"does not answer within {TIMEOUT_SECONDS} s"
        case httpx2.HTTPError() | httpx2.InvalidURL():
            return f"cannot be reached: {error or type(error).__name__}"
        case _:
            return "answers with something else than JSON"


def person_id_of(token: jwt.Token) -> str:
    """Return the person that a verified `token` is about; NotSignedInError if its `sub` is no id."""
    try:
        return _PERSON_ID.validate_python(str(token.claims["sub"]))
    except ValidationError as error:
        raise NotSignedInError("The token is not valid here.") from error
