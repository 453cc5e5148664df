"""The ERP itself: carries out a call, in whatever way a switched-on fault spoils it, and writes it down."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import SecretStr

from sandbox.erp.books import Books, Outcome
from sandbox.erp.faults import BROKEN, Call, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did, Entry, Journal
from sandbox.erp.order import Order
from sandbox.erp.problem import MEDIA_TYPE, Problem
from sandbox.erp.rules import Rules
from sandbox.faults import FaultInjector
from sandbox.serving import cut

Act = Callable[[datetime], Outcome]


class Erp:
    """Purchase orders, the journal of all calls, and the faults; `token` is what callers have to bear."""

    def __init__(
        self, *, url: str, token: SecretStr, rules: Rules | None = None, journal_path: Path | None = None
    ) -> None:
        self.url = url
        self.journal = Journal.at(journal_path)
        self.books = Books(url, rules or Rules())
        self.books.restore(self.journal.entries)
        self.faults: FaultInjector[ErpFault] = FaultInjector()
        self._token = token

    async def carry_out(self, request: Request, act: Act, *, reference: str, order: Order | None = None) -> Response:
        """The answer to a call that `act` carries out; what is written stays written though nobody waits for it."""
        call = Call(request.method, reference)
        fault = self.faults.take(lambda fault: fault.fits(call))
        if fault:
            await asyncio.sleep(fault.seconds)
        now = datetime.now(UTC)
        outcome = Outcome.of(fault.instead) if fault and fault.instead else act(now)
        status = _status_told(outcome, fault)
        self.journal.add(_entry(call, order, outcome, fault, status, now))
        if status is None:
            cut(request)
        return _response(outcome, fault)

    def turn_away(self, request: Request, problem: Problem) -> Response:
        """The answer to a call that says nothing the ERP could act on."""
        entry = Entry(at=datetime.now(UTC), method=request.method, did=Did.NOTHING, answered=problem.status)
        self.journal.add(entry)
        return _json(problem.body, problem.status)

    def is_allowed(self, request: Request) -> bool:
        """Whether the caller bears the token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_right = secrets.compare_digest(token.encode(), self._token.get_secret_value().encode())
        return scheme.lower() == "bearer" and is_right


def _status_told(outcome: Outcome, fault: ErpFault | None) -> int | None:
    match fault and fault.kind:
        case ErpFaultKind.LOSE_ANSWER:
            return None
        case ErpFaultKind.ERROR_AFTER_STORING:
            return BROKEN.status
        case _:
            return outcome.status


def _entry(
    call: Call, order: Order | None, outcome: Outcome, fault: ErpFault | None, status: int | None, now: datetime
) -> Entry:
    return Entry(
        at=now,
        method=call.method,
        reference=call.reference,
        marker=order.marker if order else None,
        revision=order.revision if order else None,
        did=outcome.did,
        document_id=outcome.document_id,
        answered=status,
        fault=fault.kind if fault else None,
        order=order,
    )


def _response(outcome: Outcome, fault: ErpFault | None) -> Response:
    if fault and fault.kind == ErpFaultKind.ERROR_AFTER_STORING:
        return _json(BROKEN.body, BROKEN.status)
    response = _json(outcome.body, outcome.status)
    if fault and fault.kind == ErpFaultKind.UNAVAILABLE:
        response.headers["retry-after"] = str(fault.retry_after_seconds)
    return response


def _json(body: dict[str, object], status: int) -> Response:
    media_type = MEDIA_TYPE if status >= 400 else "application/json"  # noqa: PLR2004 - where HTTP's errors begin
    return JSONResponse(body, status_code=status, media_type=media_type)
