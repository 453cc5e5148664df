"""Why a request is not answered as its sender; the API turns these into problem documents, the desk into pages.

SignInError
├── NotSignedInError       401: nobody is signed in, or the bearer token is not valid
├── SignInFailedError      400: a sign-in under way came back wrong; starting again helps
├── NotAllowedError        403: the person is known, but has no right to this; the text says which right is missing
│   └── ForeignRequestError   403: a browser sent our cookie along with a request from somebody else's page
└── ProviderAwayError      503: the provider does not answer, so nobody can be told apart
"""

APPROVERS_ONLY = (
    "You can view this tool. Accepting and rejecting need Standard or Admin on ERP Integrations "
    "and 'Can Push to Accounting'."
)


class SignInError(Exception):
    """Base of the errors of sign-in; the text is a sentence for the person who asked."""

    status = 500


class NotSignedInError(SignInError):
    """Nobody is signed in; an answer carries `WWW-Authenticate: Bearer`."""

    status = 401


class SignInFailedError(SignInError):
    """The provider's answer does not belong to a sign-in that this browser began, or proves nothing."""

    status = 400


class NotAllowedError(SignInError):
    """The directory does not give the person this right."""

    status = 403


class ForeignRequestError(NotAllowedError):
    """A request that changes something did not come from our own pages."""


class ProviderAwayError(SignInError):
    """The provider cannot be reached, or does not say what it must."""

    status = 503
