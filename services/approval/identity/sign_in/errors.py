"""Errors about the sender of a request; the API responds with problem documents, the desk with pages.

SignInError
├── NotSignedInError            401: nobody is signed in, or the bearer token is not valid
├── SignInFailedError           400: the provider's response to a sign-in is wrong; starting again helps
├── NotAllowedError             403: the person has no right to this; the text says which right is missing
│   └── CrossSiteRequestError   403: a browser sent our cookie with a request from another site's page
└── ProviderUnavailableError    503: the provider does not respond, so nobody can be identified
"""

APPROVERS_ONLY = (
    "You can view this tool. Accepting and rejecting need Standard or Admin on ERP Integrations "
    "and 'Can Push to Accounting'."
)


class SignInError(Exception):
    """Base class of sign-in errors; the text is a sentence for the person who sent the request."""

    status = 500


class NotSignedInError(SignInError):
    """Nobody is signed in; the response has `WWW-Authenticate: Bearer`."""

    status = 401


class SignInFailedError(SignInError):
    """The provider's response does not belong to a sign-in of this browser, or does not prove who the person is."""

    status = 400


class NotAllowedError(SignInError):
    """The directory does not give the person this right."""

    status = 403


class CrossSiteRequestError(NotAllowedError):
    """An unsafe request was not sent from one of our pages."""


class ProviderUnavailableError(SignInError):
    """The provider cannot be reached, or its response is incomplete."""

    status = 503
