"""Errors of the API as problem+json documents (RFC 9457), each with what happened and what to do."""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from services.approval.identity.sign_in.errors import APPROVERS_ONLY, SignInError
from services.approval.rules.finding import Finding
from services.pipeline.database import is_unavailable
from services.pipeline.legible import legible
from services.pipeline.logs import FailureLog
from services.pipeline.seldom import SECONDS

MEDIA_TYPE = "application/problem+json"
MAX_TOLD_ERRORS = 20
"""Of the members that are not valid."""
_MAX_MEMBER_CHARACTERS = 200
RETRY_AFTER_SECONDS = 2
UNREADABLE = (
    "What is stored of this commitment cannot be read, so nothing was recorded. Tell your administrator, who has to "
    "restore it: the log names it under rows.unreadable, and countersign explain says what to do."
)
_TITLES = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "The commitment has moved on",
    412: "The commitment is not as you read it",
    413: "The request is too large",
    422: "Something in the request is not right",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available now",
}


_DETAILS = {
    400: "The body is not JSON. body: JSON decode error",
    401: "Sign in first.",
    403: APPROVERS_ONLY,
    404: "Your company has no commitment '8841' in ERP Integrations.",
    409: "Dana Ruiz accepted SC-014 at 09:15. Your answer was not recorded.",
    412: "SC-014 has changed since you read it. Your answer was not recorded.",
    413: "The request is larger than 1,048,576 bytes. Nothing of it was used.",
    422: "reason: Field required",
    429: "There were too many requests. Try again in 12 seconds.",
    503: "The database does not answer. Try again in a moment: the same answer twice counts once.",
}
"""What a problem of each status may say, for the OpenAPI document."""

Findings = Annotated[
    tuple[Finding, ...], AfterValidator(lambda found: tuple(replace(each, text=legible(each.text)) for each in found))
]
"""Findings whose text has no hidden characters."""


class InvalidMember(BaseModel):
    """A member of a request that is not valid."""

    member: str
    message: str


class Problem(BaseModel):
    """Why a request was refused, as in RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="What happened and what to do, in words.")
    errors: tuple[InvalidMember, ...] | None = Field(default=None, description="With 400 and 422: what is wrong.")
    findings: Findings | None = Field(default=None, description="With 409: why it cannot be accepted.")
    commitment: dict[str, Any] | None = Field(default=None, description="With 409 and 412: its current state.")


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI description of responses with these statuses."""
    reference = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": f"{_TITLES[status]}.",
            "content": {MEDIA_TYPE: {"schema": reference, "example": _example(status)}},
        }
        for status in statuses
    }


def _example(status: int) -> dict[str, Any]:
    return {"type": "about:blank", "title": _TITLES[status], "status": status, "detail": _DETAILS[status]}


class ProblemError(Exception):
    """A request that the API refuses, with the HTTP status and a sentence for people."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.members = members


def problem(status: int, detail: str, **members: Any) -> JSONResponse:
    """Return the response with a problem document; `members` are added to the standard ones."""
    document = problem_document(status, detail, **members).model_dump(mode="json", exclude_none=True)
    return JSONResponse(document, status, media_type=MEDIA_TYPE)


def problem_document(status: int, detail: str, **members: Any) -> Problem:
    """Return the problem document; `members` are added to the standard ones."""
    return Problem(title=_TITLES.get(status, "The request failed"), status=status, detail=legible(detail), **members)


async def on_problem(request: Request, error: Exception) -> JSONResponse:
    """Respond to a ProblemError."""
    del request
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    return problem(error.status, str(error), **error.members)


async def on_sign_in_error(request: Request, error: Exception) -> JSONResponse:
    """Respond to a sender who is not signed in, has no right to the request, or sends too many."""
    del request
    assert isinstance(error, SignInError)  # noqa: S101 - registered for this class only
    response = problem(error.status, str(error))
    response.headers.update(error.headers)
    return response


class DatabaseAway:
    """Responds while the database is unavailable; any other database error is a bug and raised again."""

    def __init__(self) -> None:
        self._failures = FailureLog(every_seconds=SECONDS)

    async def __call__(self, request: Request, error: Exception) -> JSONResponse:
        """Respond, and log it once a minute, however many requests come."""
        if not is_unavailable(error):
            raise error
        route = request.scope.get("route")  # not the path itself, which has ids, and whatever somebody tries
        self._failures.expected("api.database_away", error, route=getattr(route, "path", None))
        return problem(503, "The database does not answer. Try again in a moment: the same answer twice counts once.")


async def on_catching_up(request: Request, error: Exception) -> JSONResponse:
    """Respond to an answer that came before approval has read back what was decided."""
    del request
    response = problem(503, f"{error} The answer was not recorded.")
    response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    return response


async def on_unreadable(request: Request, error: Exception) -> JSONResponse:
    """Respond to a request about what is stored and cannot be read."""
    del request, error
    return problem(500, UNREADABLE)


async def on_defect(request: Request, error: Exception) -> JSONResponse:
    """Respond to a defect of ours, which the server then logs."""
    del request, error
    return problem(500, "This is a defect of Countersign, and it was logged. Read the state before you try again.")


async def on_http_error(request: Request, error: Exception) -> JSONResponse:
    """Respond to what the framework refuses: an unknown path, a wrong method, a body that is too large."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    response = problem(error.status_code, f"{request.method} {request.url.path}: {error.detail}")
    response.headers.update(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # the framework names those of the first route with this path only
        response.headers["allow"] = ", ".join(_allowed_methods(request))
    return response


def _allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes with the path of the request."""
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path and compile_path(route.path)[0].match(request.url.path):
            methods |= set(route.methods or ())
    return sorted(methods)


async def on_invalid(request: Request, error: Exception) -> JSONResponse:
    """Respond to a request with missing or invalid members: names each, and repeats none of its content."""
    del request
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    found = error.errors()
    errors = [
        {"member": ".".join(map(str, each["loc"][1:]))[:_MAX_MEMBER_CHARACTERS] or "body", "message": _wording(each)}
        for each in found[:MAX_TOLD_ERRORS]
    ]
    is_json = all(each["type"] != "json_invalid" for each in found)
    words = "; ".join(f"{each['member']}: {each['message']}" for each in errors)
    if len(found) > len(errors):
        words += f"; and {len(found) - len(errors):,} more"
    return problem(422, words, errors=errors) if is_json else problem(400, f"The body is not JSON. {words}")


def _wording(error: dict[str, Any]) -> str:
    """Return pydantic's words, but for a union: there they name no member, or repeat what it contains."""
    if error["type"] == "union_tag_not_found":
        return f"{error['ctx']['discriminator']} is missing"
    if error["type"] == "union_tag_invalid":
        return f"{error['ctx']['discriminator']} must be one of {error['ctx']['expected_tags']}"
    return str(error["msg"])
