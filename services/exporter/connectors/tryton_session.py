"""The one session that all calls of a connection share: signed in when first needed, and anew when it has ended."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

import httpx2

from services.exporter.connectors.failure_table import FailureTable
from services.exporter.connectors.tryton_answer import Result, Stopped, answer_of, unanswered, without_storing
from services.exporter.connectors.types import Refused, Transient, Unknown

REFUSED_PAUSE_SECONDS = 120.0
"""How long a refused password is not tried again: Tryton locks the user after six failures in five minutes."""

SendLogin = Callable[[float], Awaitable[httpx2.Response | Transient | Unknown]]


class TrytonSession:
    """Signs `user` in with `send_login`, one call at a time, however many wait for it."""

    def __init__(self, user: str, send_login: SendLogin, table: FailureTable) -> None:
        self._user = user
        self._send_login = send_login
        self._table = table
        self._lock = asyncio.Lock()
        self._header: str | None = None
        self._pause: tuple[float, Refused | Transient] | None = None

    @property
    def header(self) -> str | None:
        """The session as a header; None while nobody is signed in."""
        return self._header

    async def renewed(self, deadline: float, ended: str | None = None) -> str:
        """Return the header `Authorization` of a session other than `ended`; raises Stopped if there is none.

        Whoever finds that another call has signed in meanwhile uses that session.
        """
        try:
            async with asyncio.timeout_at(deadline), self._lock:
                if self._header is None or self._header == ended:
                    self._header = None
                    self._header = await self._signed_in(deadline)
                return self._header
        except TimeoutError:
            raise Stopped(Transient("Tryton took too long to sign us in.")) from None

    async def _signed_in(self, deadline: float) -> str:
        self._stop_while_paused()
        response = await self._send_login(deadline)
        answer = self._login_answer(response) if isinstance(response, httpx2.Response) else unanswered(response)
        if not isinstance(answer, Result):
            self._pause_after(answer)
            raise Stopped(answer)
        user_id, key = answer.value[:2]
        return "Session " + base64.b64encode(f"{self._user}:{user_id}:{key}".encode()).decode()

    def _login_answer(self, response: httpx2.Response) -> Result | Refused | Transient:
        if response.status_code == httpx2.codes.UNAUTHORIZED:
            return self._table.refusal("bad_login", "", {"user": self._user})
        if response.status_code == httpx2.codes.NOT_FOUND:
            return self._table.refusal("database_missing", "")
        answer = answer_of(response, self._table)
        if isinstance(answer, Result):
            return answer if _is_session(answer.value) else self._table.refusal("bad_login", "", {"user": self._user})
        return without_storing(answer)

    def _stop_while_paused(self) -> None:
        if self._pause is None:
            return
        until, answer = self._pause
        remaining = until - asyncio.get_running_loop().time()
        if remaining > 0:
            is_limited = isinstance(answer, Transient)
            raise Stopped(Transient(answer.message, answer.code, remaining, is_reached=True) if is_limited else answer)
        self._pause = None

    def _pause_after(self, answer: Refused | Transient) -> None:
        """Let Tryton rest after an answer to which another attempt would only add: it counts every one."""
        seconds = REFUSED_PAUSE_SECONDS if isinstance(answer, Refused) else answer.retry_after_seconds
        self._pause = (asyncio.get_running_loop().time() + seconds, answer) if seconds else None


def _is_session(value: object) -> bool:
    return isinstance(value, list) and len(value) > 1 and isinstance(value[0], int) and isinstance(value[1], str)
