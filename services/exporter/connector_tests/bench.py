"""A connector beside the played ERP that it calls, for one test; every call is watched for what no answer excuses."""

import asyncio
import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar
from zlib import crc32

from schemas.examples.cast import concrete_works
from services.exporter.connector_tests.books import Document
from services.exporter.connector_tests.dialect import Call, Dialect
from services.exporter.connector_tests.expectations import (
    FIND_ANSWERS,
    WRITE_ANSWERS,
    expect,
    expect_answer,
    shown,
    sound_problem,
)
from services.exporter.connector_tests.faulty_server import FaultyServer, faulty_server
from services.exporter.connector_tests.surroundings import surroundings
from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import FindAnswer, FoundDocument, WriteAnswer, WriteRequest
from services.exporter.rules.marker import marker_of

AnswerT = TypeVar("AnswerT")
REFERENCE = "commitment-8841"
CALM_SECONDS = 8.0
"""The deadline of calls in tests that are not about deadlines: a busy machine has time."""

HASTY_SECONDS = 0.5
"""The deadline of calls in tests in which the ERP does not answer in time."""

SLACK_SECONDS = 1.5
"""How much later than its deadline a call may return on a busy machine."""

WRITES = (Call.CREATE, Call.UPDATE)


def write_request(reference: str = REFERENCE, revision: int = 1) -> WriteRequest:
    """Return a whole subcontract, to be written under `reference`."""
    members = {"id": reference, "number": number_of(reference)}
    commitment = concrete_works("03-300").model_copy(update=members)
    marker = marker_of(reference, revision, f"{revision:064x}")
    return WriteRequest(reference, marker, "company-204", revision, commitment)


def number_of(reference: str) -> str:
    """Return the number of the commitment `reference`: its own one, of 11 characters."""
    return f"SC-{crc32(reference.encode()):08X}"


@dataclass
class Bench:
    """A `connector` to `server`, whose calls have to end after `timeout_seconds`."""

    server: FaultyServer
    connector: Connector
    timeout_seconds: float

    async def find(self, reference: str = REFERENCE) -> FindAnswer:
        """Search, and return the answer if it is one that a search can give."""
        return await self.asked("find", self.connector.find(reference), FIND_ANSWERS)

    async def create(self, request: WriteRequest | None = None) -> WriteAnswer:
        """Create a document, and return the answer if it is one that a write can give."""
        return await self.asked("create", self.connector.create(request or write_request()), WRITE_ANSWERS)

    async def update(self, document_id: str, request: WriteRequest | None = None) -> WriteAnswer:
        """Update a document, and return the answer if it is one that a write can give."""
        call = self.connector.update(document_id, request or write_request(revision=2))
        return await self.asked("update", call, WRITE_ANSWERS)

    async def write(self, call: Call) -> WriteAnswer:
        """Create a document, or update one that is already there."""
        return await (self.create() if call is Call.CREATE else self.update(str(self.stored().id)))

    def stored(self, reference: str = REFERENCE) -> Document:
        """Put a document of revision 1 into the books, and return it."""
        return self.server.books.create(reference, write_request(reference).marker, _content_of(reference))

    async def found(self, reference: str = REFERENCE) -> tuple[FoundDocument, ...]:
        """Return the documents that a search finds, which must all be readable."""
        answer = expect_answer(await self.find(reference), tuple, "the ERP has answered the search")
        expect(all(isinstance(each, FoundDocument) for each in answer), f"A document is unreadable: {shown(answer)}.")
        return tuple(each for each in answer if isinstance(each, FoundDocument))

    async def watched(self, name: str, call: Awaitable[AnswerT], allowed: tuple[type, ...]) -> AnswerT:
        """Return what `call` answers; the test fails if it raises, comes too late or is no answer."""
        task = asyncio.ensure_future(call)
        await asyncio.wait({task}, timeout=self.timeout_seconds + SLACK_SECONDS)
        if not task.done():
            task.cancel()
            raise AssertionError(f"{name} did not return within its deadline of {self.timeout_seconds:g} seconds.")
        expect(not task.cancelled(), f"{name} raised CancelledError, though nobody cancelled it.")
        if isinstance(error := task.exception(), AssertionError):
            raise error  # what a test expects of a question, not of an answer
        if error:
            raise AssertionError(f"{name} raised {type(error).__name__}: {error}. A connector reports it.") from error
        answer = task.result()
        expect(isinstance(answer, allowed), f"{name} answered {shown(answer)}, which is no answer to it.")
        return answer

    async def asked(self, name: str, call: Awaitable[AnswerT], allowed: tuple[type, ...]) -> AnswerT:
        """Return what `call` answers, as `watched` does, if the exporter can use each part of it."""
        answer = await self.watched(name, call, allowed)
        expect((problem := sound_problem(answer)) is None, f"{name} answered {type(answer).__name__}, which {problem}.")
        return answer


SuiteT = TypeVar("SuiteT", bound="HasDialect")
P = ParamSpec("P")


class HasDialect(Protocol):
    """A class of tests, which says how its ERP speaks."""

    dialect: Dialect


Test = Callable[Concatenate[SuiteT, Bench, P], Coroutine[Any, Any, None]]


def on_bench(
    timeout_seconds: float = CALM_SECONDS, max_in_flight: int = 4
) -> Callable[[Test[SuiteT, P]], Callable[Concatenate[SuiteT, P], None]]:
    """Run a test with a Bench of its own; it becomes a plain method, which needs no plugin for asyncio."""

    def decorated(test: Test[SuiteT, P]) -> Callable[Concatenate[SuiteT, P], None]:
        @functools.wraps(test)
        def run(self: SuiteT, /, *args: P.args, **kwargs: P.kwargs) -> None:
            async def session() -> None:
                async with _bench(self.dialect, timeout_seconds, max_in_flight) as bench:
                    await test(self, bench, *args, **kwargs)

            with surroundings():
                asyncio.run(session())

        return _without_parameter(run, "bench")

    return decorated


def _without_parameter(run: Callable[P, None], name: str) -> Callable[P, None]:
    """Hide a parameter that `run` fills in, or pytest would look for a fixture of this name."""
    signature = inspect.signature(run)
    shown_parameters = [each for each in signature.parameters.values() if each.name != name]
    run.__signature__ = signature.replace(parameters=shown_parameters)  # type: ignore[attr-defined]
    del run.__wrapped__  # type: ignore[attr-defined]
    return run


@asynccontextmanager
async def _bench(dialect: Dialect, timeout_seconds: float, max_in_flight: int) -> AsyncIterator[Bench]:
    async with faulty_server(dialect) as server:
        try:
            async with connected(dialect, server.url, timeout_seconds, max_in_flight) as connector:
                server.books.is_reference_unique = connector.enforces_reference
                yield Bench(server, connector, timeout_seconds)
        finally:
            expect(not server.defects, f"The dialect itself failed: {shown(server.defects)}.")


@asynccontextmanager
async def connected(
    dialect: Dialect, url: str, timeout_seconds: float = CALM_SECONDS, max_in_flight: int = 4
) -> AsyncIterator[Connector]:
    """Return a connector to `url`, and close it."""
    connector = dialect.connector(url, timeout_seconds=timeout_seconds, max_in_flight=max_in_flight)
    try:
        yield connector
    finally:
        await asyncio.wait_for(connector.close(), SLACK_SECONDS)


@asynccontextmanager
async def bench_at(bench: Bench, url: str) -> AsyncIterator[Bench]:
    """Return a bench with another connector, to `url` instead of the server's own address."""
    async with connected(bench.server.dialect, url) as connector:
        yield replace(bench, connector=connector)


def _content_of(reference: str) -> dict[str, Any]:
    return write_request(reference).commitment.model_dump(mode="json")
