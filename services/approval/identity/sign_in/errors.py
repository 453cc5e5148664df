"""Errors about the sender of a request; the API responds with problem documents, the desk with pages.

SignInError
├── NotSignedInError            401: nobody is signed in, or the bearer token is not valid
├── SignInFailedError           400: the provider's response to a sign-in is wrong; starting again helps
├── NotAllowedError             403: the person has no right to this; the text says which right is missing
│   └── CrossSiteRequestError   403: a browser sent our cookie with a request from another site's page
├── TooManyRequestsError        429: this address or person asks too often; the error says when to try again
└── ProviderUnavailableError    503: the provider does not respond, so nobody can be identified
"""

APPROVERS_ONLY = (
    "You can view this tool. Accepting and rejecting need Standard or Admin on ERP Integrations "
    "and 'Can Push to Accounting'."
)


class SignInError(Exception):
    """Base class of sign-in errors; the text is a sentence for the person who sent the request.

    `cause` is for whoever runs us, and says what they can mend; empty if nothing is theirs to mend.
    """

    status = 500

    def __init__(self, text: str, *, cause: str = "") -> None:
        super().__init__(text)
        self.cause = cause

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the response needs."""
        return {}


class NotSignedInError(SignInError):
    """Nobody is signed in, or the bearer token is not valid."""

    status = 401

    @property
    def headers(self) -> dict[str, str]:
        """How a program signs in."""
        return {"www-authenticate": "Bearer"}


class SignInFailedError(SignInError):
    """The provider's response does not belong to a sign-in of this browser, or does not prove who the person is."""

    status = 400


class NotAllowedError(SignInError):
    """The directory does not give the person this right."""

    status = 403


class CrossSiteRequestError(NotAllowedError):
    """An unsafe request was not sent from one of our pages."""


class TooManyRequestsError(SignInError):
    """An address or a person sent more than `limit` allows."""

    status = 429

    def __init__(self, retry_after_seconds: int, *, limit: str) -> None:
        super().__init__(f"There were too many requests. Try again in {retry_after_seconds} seconds.")
        self.retry_after_seconds = retry_after_seconds
        self.limit = limit

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"retry-after": str(self.retry_after_seconds)}


class ProviderUnavailableError(SignInError):
    """The provider cannot be reached, or its response is incomplete."""

    status = 503
