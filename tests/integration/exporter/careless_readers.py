"""Connectors that each make one mistake when they read a document or check themselves."""

from dataclasses import replace

from ledgerly.answers import searched
from ledgerly.connector import LedgerlyConnector

from schemas.fields import FailureClass
from services.exporter.connector_tests import write_request
from services.exporter.connectors.types import Checked, Gone, ReadAnswer, Refused, Transient


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
