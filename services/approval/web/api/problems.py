"""Errors of the API as problem+json (RFC 9457): each says in words what happened and what to do."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from services.approval.identity.sign_in.errors import SignInError
from services.approval.rules.checks import Finding
from services.pipeline.database import is_unavailable

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()
_TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The commitment has moved on",
    413: "The request is too large",
    422: "Something in the request is not right",
    503: "Not available now",
}


class InvalidMember(BaseModel):
    """A member of a request that is not right."""

    member: str
    message: str


class Problem(BaseModel):
    """Why a request is refused, as RFC 9457 writes it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What happened and what to do, in words.")
    errors: tuple[InvalidMember, ...] | None = Field(default=None, description="With 400 and 422: what is wrong.")
    findings: tuple[Finding, ...] | None = Field(default=None, description="With 409: why it cannot be accepted.")
    commitment: dict[str, Any] | None = Field(default=None, description="With 409: the commitment as it stands now.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how the OpenAPI document tells of answers with these statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"model": Problem, "description": f"{_TITLES[status]}.", "content": content} for status in statuses}


TOO_LARGE: dict[int | str, dict[str, Any]] = {413: {"description": f"{_TITLES[413]}; no document comes with it."}}
"""The framework answers such a request before any of it is read."""


class ProblemError(Exception):
    """An answer that the API refuses, with its HTTP status and a sentence for people."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.members = members


def problem(status: int, detail: str, **members: Any) -> JSONResponse:
    """Return a problem document; `members` join the standard ones."""
    told = Problem(title=_TITLES.get(status, "The request failed"), status=status, detail=detail, **members)
    return JSONResponse(told.model_dump(mode="json", exclude_none=True), status, media_type=MEDIA_TYPE)


async def on_problem(request: Request, error: Exception) -> JSONResponse:
    """Answer a ProblemError."""
    del request
    assert isinstance(error, ProblemError)  # noqa: S101 - bound to this very class
    return problem(error.status, str(error), **error.members)


async def on_sign_in_error(request: Request, error: Exception) -> JSONResponse:
    """Answer somebody who is not signed in, or may not do what they ask."""
    del request
    assert isinstance(error, SignInError)  # noqa: S101 - bound to this very class
    answer = problem(error.status, str(error))
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer.headers["www-authenticate"] = "Bearer"
    return answer


async def on_database_unavailable(request: Request, error: Exception) -> JSONResponse:
    """Answer while the database cannot be reached; a defect of ours is raised on, for it does not pass."""
    if not is_unavailable(error):
        raise error
    log.warning("api.database_away", path=request.url.path, cause=type(error).__name__)
    return problem(503, "The database does not answer. Try again in a moment: the same answer twice counts once.")


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework refuses: an unknown path, a wrong method, a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - bound to this very class
    answer = problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    answer.headers.update(error.headers or {})
    return answer


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request whose members are missing or wrong, naming each; nothing of its content is repeated."""
    del request
    assert isinstance(error, RequestValidationError)  # noqa: S101 - bound to this very class
    errors = [
        {"member": ".".join(map(str, each["loc"][1:])) or "body", "message": each["msg"]} for each in error.errors()
    ]
    is_json = all(each["type"] != "json_invalid" for each in error.errors())
    words = "; ".join(f"{each['member']}: {each['message']}" for each in errors)
    return problem(422, words, errors=errors) if is_json else problem(400, f"The body is not JSON. {words}")
