"""The desk's error pages; each says what to do next."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from services.approval.identity.identity import Identity, Visitor
from services.approval.identity.sign_in.cookies import SAFE_METHODS
from services.approval.identity.sign_in.errors import (
    CrossSiteRequestError,
    NotAllowedError,
    NotSignedInError,
    ProviderUnavailableError,
    SignInError,
    TooManyRequestsError,
)
from services.approval.identity.sign_in.flow import own_path
from services.approval.web.desk.forms import BadFormError, text_fields
from services.approval.web.desk.pages import Pages, see_other
from services.approval.web.desk.returning import page_of
from services.approval.web.desk.sent_forms import SentForm, typed_text
from services.pipeline.database import DATABASE_ERRORS, is_unavailable
from services.pipeline.errors import CatchingUpError, UnreadableRowError

ErrorHandler = Callable[[Request, Exception], Awaitable[Response]]


class ErrorPages:
    """Responds to errors with pages."""

    def __init__(self, pages: Pages, identity: Identity) -> None:
        self._pages = pages
        self._identity = identity

    @property
    def by_error(self) -> Mapping[type[Exception], ErrorHandler]:
        """The handler of each kind of error."""
        return {
            SignInError: self._on_sign_in,
            HTTPException: self._on_http,
            RequestValidationError: self._on_invalid,
            CatchingUpError: self._on_catching_up,
            UnreadableRowError: self._on_unreadable,
            **dict.fromkeys(DATABASE_ERRORS, self._on_database_unavailable),
            Exception: self._on_defect,
        }

    async def _on_sign_in(self, request: Request, error: Exception) -> Response:
        if isinstance(error, NotSignedInError):
            if request.method in SAFE_METHODS:
                # one that is too long to come back to would make this address too long to be read
                return see_other(f"/sign-in?{urlencode({'return_to': own_path(_address(request))})}")
            return await self._signed_out(request)
        assert isinstance(error, SignInError)  # noqa: S101 - registered for this class only
        is_refusal = isinstance(error, NotAllowedError) and not isinstance(error, CrossSiteRequestError)
        page = await self._pages.message_apart(
            _title(error),
            str(error),
            status=error.status,
            visitor=await self._visitor(request),
            can_sign_in=True,
            is_refusal=is_refusal,
            kept=await _kept(request),
        )
        page.headers.update(error.headers)
        return page

    async def _on_http(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException) or error.status_code == HTTPStatus.NOT_FOUND:
            return await self._missing(request)
        return await self._pages.message_apart(
            "This did not work",
            error.detail,
            "Your answer was not recorded.",
            status=error.status_code,
            visitor=await self._visitor(request),
            kept=await _kept(request) if isinstance(error, BadFormError) else "",
        )

    async def _on_invalid(self, request: Request, error: Exception) -> Response:
        del error
        return await self._missing(request)

    async def _on_database_unavailable(self, request: Request, error: Exception) -> Response:
        if not is_unavailable(error):
            raise error
        return await self._pages.message_apart(
            "Countersign is not available now",
            "Its database does not answer.",
            "If you have just answered a commitment, look later whether your answer was recorded, or give it again: "
            "the same answer twice counts once.",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            visitor=getattr(request.state, "visitor", None),
            kept=await _kept(request),
        )

    async def _on_catching_up(self, request: Request, error: Exception) -> Response:
        """Return a page that keeps what was sent; of several answers, those before this one may be recorded."""
        fields = await _fields(request)
        again = SentForm(_address(request), fields)
        return await self._pages.message_apart(
            "Your answer was not recorded",
            str(error),
            "If you have answered several commitments at once, look which of them were recorded, or send all again: "
            "the same answer twice counts once.",
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            visitor=await self._visitor(request),
            kept=typed_text(fields),
            again=again if again.can_be_kept else None,
        )

    async def _on_unreadable(self, request: Request, error: Exception) -> Response:
        """Return a page that says who restores what cannot be read, and keeps what was typed."""
        del error
        return await self._pages.message_apart(
            "This commitment cannot be read",
            "What Countersign stores of it is damaged, or of another release. Nothing of this request was recorded.",
            "Tell your administrator, who has to restore it: the log names it under rows.unreadable, and countersign "
            "explain says what to do.",
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            visitor=await self._visitor(request),
            kept=await _kept(request),
        )

    async def _on_defect(self, request: Request, error: Exception) -> Response:
        """Return a page; the server then logs the error, which is a defect of ours."""
        del error
        return await self._pages.message_apart(
            "Something went wrong here",
            "This is a defect of Countersign. It was logged, so tell your administrator when it happened.",
            "If you have just answered a commitment, look whether your answer was recorded before you give it again.",
            status=HTTPStatus.INTERNAL_SERVER_ERROR,
            visitor=await self._visitor(request),
        )

    async def _signed_out(self, request: Request) -> Response:
        """Return a page that keeps what was sent after the session expired, and sends it again after a sign-in."""
        fields = await _fields(request)
        again = SentForm(_address(request), fields)
        kept = "but it is kept on this page. Sign in in a new tab, then send it again here."
        too_long = "and it is too long to be kept. Sign in, and give it again in parts."
        return await self._pages.message_apart(
            "You were signed out",
            f"Your answer was not recorded, {kept if again.can_be_kept else too_long}",
            status=HTTPStatus.UNAUTHORIZED,
            can_sign_in=True,
            return_to=page_of(request, fields),
            kept=typed_text(fields),
            again=again if again.can_be_kept else None,
        )

    async def _missing(self, request: Request) -> Response:
        return await self._pages.message_apart(
            "Not found",
            "There is no such page, or your company has no such commitment in ERP Integrations.",
            status=HTTPStatus.NOT_FOUND,
            visitor=await self._visitor(request),
        )

    async def _visitor(self, request: Request) -> Visitor | None:
        """Return who is signed in, for the head of the page; None also while nobody can be looked up."""
        with suppress(*DATABASE_ERRORS):
            return await self._identity.visitor(request)
        return None


async def _fields(request: Request) -> Mapping[str, str]:
    """The fields of the form that the request sends; none of one that none of our pages sends."""
    with suppress(BadFormError, HTTPException):
        return await text_fields(request)
    return {}


async def _kept(request: Request) -> str:
    """What was typed into the form that the request sends; empty for another request."""
    is_form = "form" in request.headers.get("content-type", "")
    return typed_text(await _fields(request)) if is_form else ""


def _title(error: Exception) -> str:
    match error:
        case CrossSiteRequestError():
            return "Your answer was not recorded"
        case NotAllowedError():
            return "You don't have access"
        case TooManyRequestsError():
            return "Too many requests"
        case ProviderUnavailableError():
            return "Nobody can sign in now"
        case _:
            return "You are not signed in"


def _address(request: Request) -> str:
    """The address as it was sent: an id with a per cent sign in it would be another one once it is decoded."""
    path = str(request.scope.get("raw_path", b"").decode("ascii", "replace")) or request.url.path
    return path + (f"?{request.url.query}" if request.url.query else "")
