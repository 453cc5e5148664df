"""The ERP itself: carries out calls, injects the faults that are switched on, and records every call."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import SecretStr

from sandbox.erp.books import Books, CallResult
from sandbox.erp.faults import INTERNAL_ERROR, Call, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did, Entry, Journal
from sandbox.erp.order import Order
from sandbox.erp.problem import MEDIA_TYPE, Problem
from sandbox.erp.rules import Rules
from sandbox.faults import FaultInjector
from sandbox.serving import cut
from schemas.fields import FailureClass

TOKEN_VARIABLE = "SMALL_ERP_TOKEN"  # noqa: S105 - a variable's name

Operation = Callable[[datetime], CallResult]


class Erp:
    """Purchase orders, journal and faults; callers need `token`."""

    title = "Small ERP: documents, journal, faults"

    def __init__(
        self, *, url: str, token: SecretStr, rules: Rules | None = None, journal_path: Path | None = None
    ) -> None:
        self.url = url
        self.journal = Journal.at(journal_path)
        self.books = Books(url, rules or Rules())
        self.books.restore(self.journal.entries)
        self.faults: FaultInjector[ErpFault] = FaultInjector()
        self._token = token

    @property
    def connection(self) -> Mapping[str, str | bool]:
        """The members of its connection that are this ERP's."""
        names = {"name": "small-erp", "kind": "http", "title": "Small ERP"}
        return {**names, "url": self.url, "token_env": TOKEN_VARIABLE, "reads_documents": True}

    @property
    def secrets(self) -> Mapping[str, str]:
        """The variables to which its connection refers."""
        return {TOKEN_VARIABLE: self._token.get_secret_value()}

    def refuse_once(self, reference: str, message: str) -> None:
        """Let the next write of this commitment be refused in these words, as something that may change."""
        waits = FailureClass.WAIT_FOR_DEPENDENCY
        kind = ErpFaultKind.REFUSE
        self.faults.switch_on(ErpFault(kind=kind, times=1, reference=reference, failure_class=waits, message=message))

    def lose_answer_once(self, reference: str) -> None:
        """Let the next write of this commitment be carried out, and its answer be lost."""
        self.faults.switch_on(ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1, reference=reference))

    async def created(self) -> Counter[str]:
        """Return how many documents were created for each reference, by the journal."""
        return self.journal.created()

    async def handle(
        self, request: Request, operation: Operation, *, reference: str | None, order: Order | None = None
    ) -> Response:
        """Carry out `operation` and return the answer; what is written stays, even if the caller has gone."""
        call = Call(request.method, reference)
        fault = self.faults.take(lambda fault: fault.matches(call))
        if fault:
            await asyncio.sleep(fault.seconds)
        now = datetime.now(UTC)
        result = CallResult.of(fault.problem) if fault and fault.problem else operation(now)
        status = _status_sent(result, fault)
        self.journal.add(_entry(call, order, result, fault, status, now))
        if status is None:
            cut(request)
        return _response(result, fault)

    def delete(self, request: Request, document_id: str) -> Response:
        """Delete a document, as an accountant does by hand: no fault hits it."""
        document, now = self.books.documents.get(document_id), datetime.now(UTC)
        call = Call(request.method, document.order.reference if document else None)
        result = self.books.delete(document_id)
        self.journal.add(_entry(call, None, result, None, result.status, now))
        return _response(result, None)

    def change_total(self, request: Request, document_id: str, total: str) -> Response:
        """Change a document's total, as an accountant does by hand: no fault hits it."""
        document, now = self.books.documents.get(document_id), datetime.now(UTC)
        order = document.order.model_copy(update={"total": total}) if document else None
        result = self.books.change(document_id, order, now)
        call = Call(request.method, order.reference if order else None)
        self.journal.add(_entry(call, order, result, None, result.status, now))
        return _response(result, None)

    def refuse(self, request: Request, problem: Problem) -> Response:
        """Return `problem` as the answer to a call that cannot be carried out."""
        entry = Entry(at=datetime.now(UTC), method=request.method, did=Did.NOTHING, answered=problem.status)
        self.journal.add(entry)
        return _json(problem.body, problem.status)

    def is_authorised(self, request: Request) -> bool:
        """Whether the caller sent the token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_right = secrets.compare_digest(token.encode(), self._token.get_secret_value().encode())
        return scheme.lower() == "bearer" and is_right


def _status_sent(result: CallResult, fault: ErpFault | None) -> int | None:
    match fault and fault.kind:
        case ErpFaultKind.LOSE_ANSWER:
            return None
        case ErpFaultKind.ERROR_AFTER_STORING:
            return INTERNAL_ERROR.status
        case _:
            return result.status


def _entry(
    call: Call, order: Order | None, result: CallResult, fault: ErpFault | None, status: int | None, now: datetime
) -> Entry:
    return Entry(
        at=now,
        method=call.method,
        reference=call.reference,
        marker=order.marker if order else None,
        revision=order.revision if order else None,
        did=result.did,
        document_id=result.document_id,
        answered=status,
        fault=fault.kind if fault else None,
        order=order,
    )


def _response(result: CallResult, fault: ErpFault | None) -> Response:
    if fault and fault.kind == ErpFaultKind.ERROR_AFTER_STORING:
        return _json(INTERNAL_ERROR.body, INTERNAL_ERROR.status)
    response = _json(result.body, result.status)
    if fault and fault.kind == ErpFaultKind.UNAVAILABLE:
        response.headers["retry-after"] = str(fault.retry_after_seconds)
    return response


def _json(body: dict[str, object], status: int) -> Response:
    media_type = MEDIA_TYPE if status >= 400 else "application/json"  # noqa: PLR2004 - the first error status
    return JSONResponse(body, status_code=status, media_type=media_type)
