"""Checks authorization requests before the sign-in page is shown."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode


class UntrustedRequestError(Exception):
    """The client or its redirect_uri is unknown: shown on a page, and never answered by a redirect."""


class RefusedRequestError(Exception):
    """The request is not supported; `redirect` carries the error back to the application."""

    def __init__(self, request: "AuthorizationRequest", error: str, why: str) -> None:
        super().__init__(why)
        self.redirect = request.answer(error=error, error_description=why)


@dataclass(frozen=True)
class AuthorizationRequest:
    """Where the answer goes, and what belongs in the tokens."""

    redirect_uri: str
    state: str | None = None
    nonce: str | None = None
    code_challenge: str = ""

    def answer(self, **members: str) -> str:
        """The redirect that carries `members` and the state back to the application."""
        members |= {"state": self.state} if self.state is not None else {}
        separator = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{separator}{urlencode(members)}"


def parse(parameters: Mapping[str, str], *, client_id: str, redirect_uris: tuple[str, ...]) -> AuthorizationRequest:
    """Parse the request of the one registered application.

    Raises UntrustedRequestError for an unknown client, and RefusedRequestError unless it wants a code with S256 PKCE.
    """
    redirect_uri = parameters.get("redirect_uri", "")
    if parameters.get("client_id") != client_id:
        raise UntrustedRequestError("No application with this client_id is registered here.")
    if redirect_uri not in redirect_uris:
        raise UntrustedRequestError("This redirect_uri is not registered for the application.")
    request = AuthorizationRequest(
        redirect_uri, parameters.get("state"), parameters.get("nonce"), parameters.get("code_challenge", "")
    )
    if parameters.get("response_type") != "code":
        raise RefusedRequestError(request, "unsupported_response_type", "only response_type=code is supported")
    if "openid" not in parameters.get("scope", "").split():
        raise RefusedRequestError(request, "invalid_scope", "the scope must contain openid")
    if not request.code_challenge or parameters.get("code_challenge_method") != "S256":
        raise RefusedRequestError(request, "invalid_request", "PKCE with code_challenge_method=S256 is required")
    return request
