"""Checks what an application asks of the sign-in page, before anybody sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


class UntrustedRequestError(Exception):
    """It is not certain which application asks, or where to send the answer: a person is told, nobody is redirected."""


class RefusedRequestError(Exception):
    """The application asks for something that is not given; `redirect` tells it so."""

    def __init__(self, asked: "Asked", error: str, why: str) -> None:
        super().__init__(why)
        self.redirect = asked.answer(error=error, error_description=why)


@dataclass(frozen=True)
class Asked:
    """Where to send the answer, and what belongs into the tokens."""

    redirect_uri: str
    state: str | None = None
    nonce: str | None = None
    code_challenge: str = ""

    def answer(self, **members: str) -> str:
        """The address that carries `members` back to the application, with its state."""
        members |= {"state": self.state} if self.state is not None else {}
        joint = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{joint}{urlencode(members)}"


def read(parameters: Mapping[str, str], *, client_id: str, redirect_uris: tuple[str, ...]) -> Asked:
    """What is asked, once it is certain that the one registered application asks it.

    Raises UntrustedRequestError for a stranger and RefusedRequestError for anything but a code with PKCE by S256.
    """
    redirect_uri = parameters.get("redirect_uri", "")
    if parameters.get("client_id") != client_id:
        raise UntrustedRequestError("No application with this client_id is registered here.")
    if redirect_uri not in redirect_uris:
        raise UntrustedRequestError("This redirect_uri is not registered for the application.")
    asked = Asked(redirect_uri, parameters.get("state"), parameters.get("nonce"), parameters.get("code_challenge", ""))
    if parameters.get("response_type") != "code":
        raise RefusedRequestError(asked, "unsupported_response_type", "only response_type=code is given")
    if "openid" not in parameters.get("scope", "").split():
        raise RefusedRequestError(asked, "invalid_scope", "the scope must contain openid")
    if not asked.code_challenge or parameters.get("code_challenge_method") != "S256":
        raise RefusedRequestError(asked, "invalid_request", "PKCE with code_challenge_method=S256 is required")
    return asked
