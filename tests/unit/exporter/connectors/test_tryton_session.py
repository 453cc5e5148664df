"""Tests of the shared session: who signs in, who waits, and when a refused password is left alone."""

import asyncio
from typing import Any

import httpx2
import pytest

from schemas.fields import FailureClass
from services.exporter.connectors.tryton_answer import FAILURES, Stopped
from services.exporter.connectors.tryton_session import TrytonSession
from services.exporter.connectors.types import Refused, Transient, Unknown

Answer = httpx2.Response | Transient | Unknown


class Login:
    """Answers each sign-in with the next of `answers`, and then with the last one, after a moment."""

    def __init__(self, *answers: Answer, seconds: float = 0.0) -> None:
        self._answers = list(answers)
        self._seconds = seconds
        self.calls = 0

    async def __call__(self, deadline: float) -> Answer:
        del deadline
        self.calls += 1
        await asyncio.sleep(self._seconds)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def signed_in(key: str) -> httpx2.Response:
    return httpx2.Response(200, json={"id": 1, "result": [7, key, None]})


def session_with(login: Login) -> TrytonSession:
    return TrytonSession("ana", login, FAILURES)


def soon() -> float:
    return asyncio.get_running_loop().time() + 5


async def answer_of(session: TrytonSession) -> Any:
    with pytest.raises(Stopped) as stopped:
        await session.renewed(soon())
    return stopped.value.answer


async def test_calls_that_come_together_share_one_sign_in() -> None:
    login = Login(signed_in("k1"), seconds=0.01)
    session = session_with(login)

    headers = await asyncio.gather(*(session.renewed(soon()) for _ in range(20)))

    assert len(set(headers)) == login.calls == 1


async def test_calls_that_find_the_same_session_ended_renew_it_once() -> None:
    login = Login(signed_in("k1"), signed_in("k2"), seconds=0.01)
    session = session_with(login)
    ended = await session.renewed(soon())

    headers = await asyncio.gather(*(session.renewed(soon(), ended) for _ in range(20)))

    assert (len(set(headers)), login.calls) == (1, 2)
    assert headers[0] != ended


async def test_a_late_call_with_an_old_session_uses_the_new_one() -> None:
    login = Login(signed_in("k1"), signed_in("k2"))
    session = session_with(login)
    old = await session.renewed(soon())
    new = await session.renewed(soon(), old)

    assert await session.renewed(soon(), old) == new
    assert login.calls == 2


async def test_a_refused_password_is_not_sent_again() -> None:
    login = Login(httpx2.Response(401))
    session = session_with(login)

    answers = [await answer_of(session) for _ in range(5)]

    assert {each.code for each in answers if isinstance(each, Refused)} == {"bad_login"}
    assert "ana" in answers[0].message
    assert login.calls == 1


async def test_a_locked_user_is_left_alone_for_the_time_that_is_left() -> None:
    login = Login(httpx2.Response(429, headers={"retry-after": "60"}))
    session = session_with(login)
    await answer_of(session)

    answer = await answer_of(session)

    assert isinstance(answer, Transient)
    assert 59 < answer.retry_after_seconds <= 60
    assert login.calls == 1


@pytest.mark.parametrize("lost", [Transient("no connection"), Unknown("lost"), httpx2.Response(502, json={})])
async def test_a_sign_in_that_is_lost_is_tried_again(lost: Answer) -> None:
    """It changes nothing, so that it is never in doubt."""
    login = Login(lost, signed_in("k1"))
    session = session_with(login)

    assert isinstance(await answer_of(session), Transient)
    assert await session.renewed(soon())


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (httpx2.Response(404), "database_missing"),
        (httpx2.Response(200, json={"id": 1, "result": None}), "bad_login"),
        (
            httpx2.Response(200, json={"id": 1, "error": ["LoginException", ["otp", "Your code?", "char"]]}),
            "LoginException",
        ),
    ],
)
async def test_a_sign_in_that_cannot_succeed_is_the_erp_admin_s(response: httpx2.Response, code: str) -> None:
    answer = await answer_of(session_with(Login(response)))

    assert isinstance(answer, Refused)
    assert (answer.code, answer.failure_class) == (code, FailureClass.FIX_SETUP)


async def test_who_waits_for_a_slow_sign_in_gives_up_at_its_own_deadline() -> None:
    session = session_with(Login(signed_in("k1"), seconds=1))
    first = asyncio.create_task(session.renewed(soon()))
    await asyncio.sleep(0)

    with pytest.raises(Stopped, match="took too long"):
        await session.renewed(asyncio.get_running_loop().time() + 0.05)

    assert await first
