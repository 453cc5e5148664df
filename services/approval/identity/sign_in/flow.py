"""The sign-in flow: authorization code with PKCE and nonce, bound to the browser that started it."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from schemas.limits import MAX_URL_CHARACTERS
from services.approval.identity.sign_in.client import Client
from services.approval.identity.sign_in.errors import NotSignedInError, SignInFailedError
from services.approval.identity.sign_in.kinds import require_id_token
from services.approval.identity.sign_in.provider import Provider, person_id_of
from services.approval.settings import ApprovalSettings
from services.approval.storage.sessions import Session, Sessions

PENDING_LIFE = timedelta(minutes=10)
MAX_BROWSER_CHARACTERS = 200
_UNKNOWN_SIGN_IN = "This sign-in was not begun in this browser, or was left lying too long. Please sign in again."


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """A sign-in in progress: where to send the browser, and the state and token with which it returns."""

    provider_url: str
    state: str
    token: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in: the token of the new session, None where the browser keeps its own, and the page to see."""

    person_id: str
    session_token: str | None
    return_to: str


class SignIn:
    """Signs people in at `provider`; a finished sign-in lasts `session_life`."""

    def __init__(self, settings: ApprovalSettings, provider: Provider, sessions: Sessions) -> None:
        self._client_id = settings.oidc_client_id
        self._client = Client(provider, self._client_id, settings.oidc_client_secret, settings.public_url)
        self._provider = provider
        self._sessions = sessions
        self.session_life = timedelta(hours=settings.session_hours)

    async def begin(self, return_to: str, *, chooses_person: bool = False) -> PendingSignIn:
        """Begin a sign-in that ends on the page `return_to`.

        With `chooses_person` the provider is to ask who signs in, also where it knows who did last.
        """
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        url, state = await self._client.address(verifier, nonce, chooses_person=chooses_person)
        data = {"state": state, "nonce": nonce, "verifier": verifier, "return_to": own_path(return_to)}
        return PendingSignIn(url, state, await self._sessions.begin(None, PENDING_LIFE, data))

    async def finish(
        self, pending: Session | None, state: str, code: str, *, current: Session | None, browser: str
    ) -> SignedIn:
        """Finish the sign-in of `pending` with the `state` and `code` of the provider's redirect, which work once.

        The new session remembers what `browser` calls itself, for its owner. Where the same person has signed in to the
        `current` one meanwhile, in another tab, that one stays.

        Raises SignInFailedError if this browser did not start the sign-in, or the provider does not confirm it.
        """
        if pending is None or "state" not in pending.state:
            raise SignInFailedError(_UNKNOWN_SIGN_IN)
        # Compared first: a foreign page may open our callback, and must not end the sign-in by that.
        if not secrets.compare_digest(str(pending.state["state"]).encode(), state.encode()):
            raise SignInFailedError(_UNKNOWN_SIGN_IN)
        if not await self._sessions.end(pending):
            raise SignInFailedError(_UNKNOWN_SIGN_IN)
        tokens = await self._client.tokens(code, pending.state["verifier"])
        person_id = await self._person_id(tokens, pending.state["nonce"])
        if current is not None and current.person_id == person_id:
            return SignedIn(person_id, None, pending.state["return_to"])
        about = {"browser": browser[:MAX_BROWSER_CHARACTERS]}
        token = await self._sessions.begin(person_id, self.session_life, about)
        return SignedIn(person_id, token, pending.state["return_to"])

    async def _person_id(self, tokens: dict[str, Any], nonce: str) -> str:
        """Return the subject of the ID token, validated for this sign-in (OpenID Connect Core 1.0, 3.1.3.7)."""
        expected = {"nonce": nonce, "client_id": self._client_id, "access_token": tokens.get("access_token")}
        try:
            token = await self._provider.verified(str(tokens.get("id_token", "")), self._client_id)
            require_id_token(token)
            CodeIDToken(token.claims, token.header, None, expected).validate(leeway=self._provider.leeway_seconds)
            return person_id_of(token)
        except (NotSignedInError, JoseError, ValueError, TypeError) as error:
            cause = f"ID token: {getattr(error, 'cause', '') or error}"
            raise SignInFailedError("The sign-in provider's answer does not prove who you are.", cause=cause) from error

    async def close(self) -> None:
        """Close the connections to the provider."""
        await self._client.close()


def own_path(wanted: str) -> str:
    """`wanted` if it is a path on this host of a usual length, else the front page.

    Browsers treat a backslash as a slash and drop tabs and line ends, so none of them may hide a second slash.
    """
    is_short = len(wanted) <= MAX_URL_CHARACTERS
    is_own = is_short and wanted.isprintable() and wanted.startswith("/") and wanted[1:2] not in ("/", "\\")
    return wanted if is_own else "/"
