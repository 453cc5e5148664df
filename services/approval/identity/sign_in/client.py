"""Our registration at the provider: where people are sent, and what their codes are exchanged for."""

import asyncio
import re
from functools import partial
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from pydantic import SecretStr

from services.approval.identity.sign_in.errors import ProviderUnavailableError, SignInFailedError
from services.approval.identity.sign_in.provider import TIMEOUT_SECONDS, UNAVAILABLE, Endpoints, Provider, what_happened
from services.pipeline.bounded_answer import ASK_UNPACKED, bound_answer
from services.pipeline.made_apart import MadeApart

CALLBACK_PATH = "/sign-in/callback"
UNKNOWN_CODE = "invalid_grant"
"""What a provider says to a code that it does not know, once it has let our client in (RFC 6749, section 5.2)."""
_REFUSES_US = frozenset({"invalid_client", "unauthorized_client"})
_ERROR_CODE = re.compile(r"[a-z_]{1,64}")


class Client:
    """The client `client_id` of `provider`; people come back to `public_url`."""

    def __init__(self, provider: Provider, client_id: str, client_secret: SecretStr, public_url: str) -> None:
        self._provider = provider
        self._id = client_id
        self._secret = client_secret
        self._redirect_uri = f"{public_url.rstrip('/')}{CALLBACK_PATH}"
        self._session: MadeApart[AsyncOAuth2Client] | None = None

    async def address(self, verifier: str, nonce: str, *, chooses_person: bool) -> tuple[str, str]:
        """Return where to send a browser that signs in, and the state with which it comes back."""
        endpoints = await self._provider.endpoints()
        url, state = (await self._opened(endpoints)).create_authorization_url(
            endpoints.authorization_endpoint,
            code_verifier=verifier,
            nonce=nonce,
            **({"prompt": endpoints.prompt_to_choose} if chooses_person else {}),
        )
        return str(url), str(state)

    async def tokens(self, code: str, verifier: str) -> dict[str, Any]:
        """Exchange `code` for tokens.

        Raises SignInFailedError if the provider does not take the code, and ProviderUnavailableError if it does not
        answer, or does not take us.
        """
        endpoints = await self._provider.endpoints()
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                session = await self._opened(endpoints)
                return dict(await session.fetch_token(endpoints.token_endpoint, code=code, code_verifier=verifier))
        except (httpx2.HTTPError, TimeoutError) as error:
            cause = f"{endpoints.token_endpoint} {what_happened(error)}"
            raise ProviderUnavailableError(UNAVAILABLE, cause=cause) from error
        except OAuthError as error:
            raise self._refusal(str(error.error)) from error
        except (ValueError, OverflowError, RecursionError) as error:
            raise self._refusal("no token") from error

    def _refusal(self, code: str) -> SignInFailedError | ProviderUnavailableError:
        if code in _REFUSES_US:
            return ProviderUnavailableError(
                "The sign-in provider does not know this desk. Tell whoever runs it.",
                cause=f"the provider refuses our client ({code}): OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is wrong",
            )
        return SignInFailedError(
            "The sign-in provider did not confirm this sign-in. Please sign in again.",
            cause=code if _ERROR_CODE.fullmatch(code) else "no token",
        )

    async def close(self) -> None:
        """Close the connections to the provider."""
        if self._session is not None and self._session.made is not None:
            await self._session.made.aclose()

    async def _opened(self, endpoints: Endpoints) -> AsyncOAuth2Client:
        """Return the one session of this process: each has a TLS context, which takes 50 ms and a megabyte."""
        if self._session is None:
            self._session = MadeApart(partial(self._new_session, endpoints))
        return await self._session.get()

    def _new_session(self, endpoints: Endpoints) -> AsyncOAuth2Client:
        takes_basic = "client_secret_basic" in endpoints.token_endpoint_auth_methods_supported
        return AsyncOAuth2Client(
            self._id,
            self._secret.get_secret_value(),
            token_endpoint_auth_method="client_secret_basic" if takes_basic else "client_secret_post",
            scope="openid",
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
            headers=ASK_UNPACKED,
            event_hooks={"response": [bound_answer]},
        )
