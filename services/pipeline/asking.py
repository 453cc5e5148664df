"""Asks another service, over HTTP, what it knows of one commitment."""

from collections.abc import Callable
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

import httpx2
from pydantic import BaseModel, SecretStr, ValidationError

from schemas.story import PATH
from services.pipeline.bounded_answer import ASK_UNPACKED, AnswerTooLargeError, bound_answer
from services.pipeline.errors import NotToldError

ToldT = TypeVar("ToldT", bound=BaseModel)
_REASONS = {
    HTTPStatus.BAD_REQUEST: "no commitment has such an id or number",
    HTTPStatus.UNAUTHORIZED: "it has another OPERATIONS_TOKEN",
    HTTPStatus.NOT_FOUND: "it has no OPERATIONS_TOKEN, or is of an earlier release",
    HTTPStatus.TOO_MANY_REQUESTS: "it is asked too often",
    HTTPStatus.SERVICE_UNAVAILABLE: "its database refuses, or does not answer in time",
}


def new_client(seconds: float) -> httpx2.AsyncClient:
    """Return a client whose every step takes `seconds` at most; proxies are for the world outside."""
    return httpx2.AsyncClient(timeout=seconds, event_hooks={"response": [bound_answer]}, trust_env=False)


def address(url: str, asked: str) -> str:
    """Return where a service tells of `asked`; its dots are escaped as well, since clients resolve `..`."""
    return f"{url.rstrip('/')}{PATH}/{quote(asked, safe='').replace('.', '%2E')}"


async def ask(
    client: httpx2.AsyncClient, url: str, token: SecretStr, asked: str, read: Callable[[bytes], ToldT]
) -> ToldT:
    """Return what the service at `url` knows of `asked`; NotToldError says why it does not tell it."""
    headers = ASK_UNPACKED | {"authorization": f"Bearer {token.get_secret_value()}"}
    try:
        response = await client.get(address(url, asked), headers=headers)
    except httpx2.TimeoutException:
        raise NotToldError("it does not answer in time") from None
    except AnswerTooLargeError as error:
        raise NotToldError(str(error)) from error
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
        raise NotToldError(f"it cannot be reached ({type(error).__name__})") from error
    return _read(response, read)


def _read(response: httpx2.Response, read: Callable[[bytes], ToldT]) -> ToldT:
    status = response.status_code
    if status != HTTPStatus.OK:
        known = next((reason for each, reason in _REASONS.items() if each == status), None)
        raise NotToldError(known or f"it answers with status {status}")
    try:
        return read(response.content)
    except ValidationError as error:
        raise NotToldError("it answers something else, as another release does") from error
