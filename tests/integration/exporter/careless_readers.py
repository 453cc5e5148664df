"""Connectors that each make one mistake when they read a document or check themselves."""

from dataclasses import replace

import httpx2
from ledgerly.answers import searched
from ledgerly.connector import LedgerlyConnector, LedgerlySettings
from pydantic import SecretStr

from schemas.fields import FailureClass
from services.exporter.connector_tests import write_request
from services.exporter.connectors.types import Checked, Gone, ReadAnswer, Refused, Transient, WriteAnswer, WriteRequest


class ReadsKeysOnly(LedgerlyConnector):
    async def read(self, name: str) -> ReadAnswer:
        return await super().read(name if name.isdigit() else "0")


class CallsGoneRefused(LedgerlyConnector):
    async def read(self, name: str) -> ReadAnswer:
        answer = await super().read(name)
        return Refused(answer.failure_class, answer.message) if isinstance(answer, Gone) else answer


class TakesTheFirst(LedgerlyConnector):
    async def read(self, name: str) -> ReadAnswer:
        orders = await self._search(name=name)
        return searched(orders[:1], name) if isinstance(orders, list) else orders


class CallsEverythingGone(LedgerlyConnector):
    async def read(self, name: str) -> ReadAnswer:
        answer = await super().read(name)
        is_copy = not isinstance(answer, (Refused, Transient))
        return answer if is_copy else Gone(FailureClass.FIX_DATA, answer.message)


class ChecksByWriting(LedgerlyConnector):
    async def check(self) -> tuple[Checked, ...]:
        await self.create(write_request())
        return await super().check()


class SeesProblems(LedgerlyConnector):
    async def check(self) -> tuple[Checked, ...]:
        return (*await super().check(), Checked("Weather", "It rains."))


class SeesNoProblem(LedgerlyConnector):
    async def check(self) -> tuple[Checked, ...]:
        return tuple(replace(each, problem=None) for each in await super().check())


class HasNoDeadline(LedgerlyConnector):
    def __init__(self, settings: LedgerlySettings, token: SecretStr | None) -> None:
        super().__init__(settings.model_copy(update={"timeout_seconds": 60.0}), token)


class DoubtsWhatItDidNotSend(LedgerlyConnector):
    """Signs in before a write, and is in doubt about the write if that fails."""

    async def _write(self, method: str, path: str, request: WriteRequest) -> WriteAnswer:
        signed_in = await self._call("GET", "/me")
        return await super()._write(method, path, request) if isinstance(signed_in, httpx2.Response) else signed_in


class ForgetsWhatItSent(LedgerlyConnector):
    """Reads a document back after a write, and takes the write for failed if that fails."""

    async def _write(self, method: str, path: str, request: WriteRequest) -> WriteAnswer:
        answer = await super()._write(method, path, request)
        read = await self.read(request.reference)
        return read if isinstance(read, Transient) else answer
