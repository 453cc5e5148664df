"""Calls Tryton's JSON-RPC: every call is one transaction there, with our session and within a deadline."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import quote

import httpx2
import orjson
from pydantic import SecretStr, TypeAdapter, ValidationError

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.http_call import HttpCalls
from services.exporter.connectors.tryton_answer import Result, Stopped, answer_of, unanswered, without_storing
from services.exporter.connectors.tryton_rows import Row
from services.exporter.connectors.tryton_session import TrytonSession
from services.exporter.connectors.tryton_settings import TrytonSettings
from services.exporter.connectors.types import Refused, Transient, Unknown
from services.pipeline.bounded_answer import bound_gzipped_answer

LANGUAGE = "en"
"""The language of Tryton's errors, whatever the user's own: the table of failures knows them in this one."""

RowT = TypeVar("RowT", bound=Row)
Domain = list[Any]


class TrytonRpc:
    """The methods of one database's models, called as `settings.user`."""

    def __init__(self, settings: TrytonSettings, password: SecretStr | None, table: FailureTable) -> None:
        self._url = f"{settings.url.rstrip('/')}/{quote(settings.database, safe='')}/rpc/"
        self._calls = HttpCalls(settings, {"Content-Type": "application/json"}, bound_gzipped_answer)
        self._user = settings.user
        self._password = password.get_secret_value() if password else ""
        self._table = table
        self._session = TrytonSession(settings.user, self._send_login, table)

    @property
    def certificate_expires_at(self) -> datetime | None:
        """Until when the certificate is valid that the ERP last showed; None without TLS, or before a call."""
        return self._calls.certificate_expires_at

    async def rows(
        self, row_type: type[RowT], domain: Domain, deadline: float, context: Mapping[str, Any] | None = None
    ) -> tuple[RowT, ...]:
        """Return the rows that `domain` describes, also inactive ones, by id; raises Stopped if that fails."""
        fields = [*row_type.fields()]
        found = await self.ask(
            f"model.{row_type.MODEL}.search_read",
            [domain, 0, None, [["id", "ASC"]], fields],
            deadline,
            {"active_test": False, **(context or {})},
        )
        try:
            return TypeAdapter(tuple[row_type, ...]).validate_python(found)  # type: ignore[valid-type]
        except ValidationError:
            raise Stopped(Transient(f"Tryton's list of {row_type.MODEL} cannot be read.", is_reached=True)) from None

    async def ask(
        self, method: str, arguments: list[Any], deadline: float, context: Mapping[str, Any] | None = None
    ) -> Any:
        """Return the result of a method that only reads; raises Stopped with a refusal, or a transient answer."""
        response = await self._response(method, arguments, deadline, context)
        if not isinstance(response, httpx2.Response):
            raise Stopped(unanswered(response))
        answer = answer_of(response, self._table)
        return _value(answer if isinstance(answer, Result) else without_storing(answer))

    async def write(self, method: str, arguments: list[Any], deadline: float, context: Mapping[str, Any]) -> Any:
        """Return the result of a method that writes; raises Stopped, with Unknown if it may have written."""
        if asyncio.get_running_loop().time() >= deadline:
            raise Stopped(Transient("Looking everything up in Tryton took all of the time; nothing was written."))
        response = await self._response(method, arguments, deadline, context)
        if not isinstance(response, httpx2.Response):
            raise Stopped(response)
        return _value(answer_of(response, self._table))

    async def sign_in(self, deadline: float) -> None:
        """Sign in, unless that is done; raises Stopped if it fails."""
        await self._session.renewed(deadline)

    async def close(self, deadline: float) -> None:
        """Sign out, as far as that is possible, and close network connections."""
        if self._session.header:
            with suppress(Stopped):
                await self._send("common.db.logout", [], self._session.header, deadline)
        await self._calls.close()

    async def _response(
        self, method: str, arguments: list[Any], deadline: float, context: Mapping[str, Any] | None
    ) -> httpx2.Response | Transient | Unknown:
        """Return the response; a call whose session has ended was not carried out, and is repeated with a new one."""
        parameters = [*arguments, {"language": LANGUAGE, **(context or {})}]
        header = self._session.header or await self._session.renewed(deadline)
        response = await self._send(method, parameters, header, deadline)
        if _is_unauthorised(response):
            header = await self._session.renewed(deadline, ended=header)
            response = await self._send(method, parameters, header, deadline)
        if _is_unauthorised(response):
            return Transient("Tryton ended a new session at once.", "session_ended", is_reached=True)
        return response

    async def _send(
        self, method: str, parameters: list[Any], header: str, deadline: float
    ) -> httpx2.Response | Transient | Unknown:
        content = _body(method, parameters)
        headers = {"Authorization": header}
        return await self._calls.send("POST", self._url, content=content, headers=headers, deadline=deadline)

    async def _send_login(self, deadline: float) -> httpx2.Response | Transient | Unknown:
        content = _body("common.db.login", [self._user, {"password": self._password}, LANGUAGE])
        return await self._calls.send("POST", self._url, content=content, deadline=deadline)


def _value(answer: Result | Refused | Transient | Unknown) -> Any:
    """Return the result that `answer` is; raises Stopped if it is none."""
    if isinstance(answer, Result):
        return answer.value
    raise Stopped(answer)


def _is_unauthorised(response: httpx2.Response | Transient | Unknown) -> bool:
    return isinstance(response, httpx2.Response) and response.status_code == httpx2.codes.UNAUTHORIZED


def _body(method: str, parameters: list[Any]) -> bytes:
    """Return a request as Tryton reads it: with exactly these members, or it would not answer with errors."""
    return orjson.dumps({"id": 1, "method": method, "params": parameters}, default=_packed)


def _packed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    raise TypeError(f"Tryton's JSON has no form for {type(value).__name__}")
