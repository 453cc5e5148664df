"""The ERP itself: carries out calls, injects the faults that are switched on, and records every call."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response
from pydantic import SecretStr

from sandbox.erp.answers import faulty_answer, json_answer, problem_of, status_sent
from sandbox.erp.books import Books, CallResult
from sandbox.erp.faults import CUT, Call, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did, Entry, Journal
from sandbox.erp.order import Order
from sandbox.erp.problem import Problem
from sandbox.erp.rules import Rules, limits_of
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
    def connection(self) -> Mapping[str, str | bool | int]:
        """The members of its connection that are this ERP's, with what it takes by its rules now."""
        names = {"name": "small-erp", "kind": "http", "title": "Small ERP"}
        limits = {f"limits.{name}": value for name, value in limits_of(self.books.rules).items()}
        return {**names, "url": self.url, "token_env": TOKEN_VARIABLE, "reads_documents": True, **limits}

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
        if fault is None:
            return json_answer(self._carry_out(call, operation, order, None))
        await asyncio.sleep(fault.seconds_before)
        result = self._carry_out(call, operation, order, fault)
        if fault.kind == ErpFaultKind.STORE_TWICE and result.did == Did.CREATED:
            self._carry_out(call, operation, order, fault)
        await asyncio.sleep(fault.seconds_after)
        if fault.kind in CUT:
            cut(request)
        return faulty_answer(result, fault)

    def resets_connection(self, target: str) -> bool:
        """Whether the connection on which `target` is called first is to be reset, before the call is read.

        Never for the pages and the faults, with which it is switched off.
        """
        if not target.startswith("/documents"):
            return False
        fault = self.faults.take(lambda fault: fault.kind == ErpFaultKind.RESET_CONNECTION)
        if fault:
            entry = Entry(at=datetime.now(UTC), method="", did=Did.NOTHING, answered=None, fault=fault.kind)
            self.journal.add(entry)
        return fault is not None

    def _carry_out(self, call: Call, operation: Operation, order: Order | None, fault: ErpFault | None) -> CallResult:
        """Carry out a call as far as `fault` lets it, record it, and return its result."""
        now = datetime.now(UTC)
        problem = problem_of(fault, call) if fault else None
        result = CallResult.of(problem) if problem else operation(now)
        if fault and fault.kind == ErpFaultKind.SHORTEN_REFERENCE and result.did == Did.CREATED:
            document = self.books.shorten_reference(result.document_id or "")
            order, result = document.order, replace(result, body=self.books.as_json(document))
        self.journal.add(_entry(call, order, result, fault, now))
        return result

    def delete(self, request: Request, document_id: str) -> Response:
        """Delete a document, as an accountant does by hand: no fault hits it."""
        document, now = self.books.documents.get(document_id), datetime.now(UTC)
        call = Call(request.method, document.order.reference if document else None)
        result = self.books.delete(document_id)
        self.journal.add(_entry(call, None, result, None, now))
        return json_answer(result)

    def change_total(self, request: Request, document_id: str, total: str) -> Response:
        """Change a document's total, as an accountant does by hand: no fault hits it."""
        document, now = self.books.documents.get(document_id), datetime.now(UTC)
        order = document.order.model_copy(update={"total": total}) if document else None
        result = self.books.change(document_id, order, now)
        call = Call(request.method, order.reference if order else None)
        self.journal.add(_entry(call, order, result, None, now))
        return json_answer(result)

    def refuse(self, request: Request, problem: Problem) -> Response:
        """Return `problem` as the answer to a call that cannot be carried out."""
        entry = Entry(at=datetime.now(UTC), method=request.method, did=Did.NOTHING, answered=problem.status)
        self.journal.add(entry)
        return json_answer(CallResult.of(problem))

    def is_authorised(self, request: Request) -> bool:
        """Whether the caller sent the token."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        is_right = secrets.compare_digest(token.encode(), self._token.get_secret_value().encode())
        return scheme.lower() == "bearer" and is_right


def _entry(call: Call, order: Order | None, result: CallResult, fault: ErpFault | None, now: datetime) -> Entry:
    return Entry(
        at=now,
        method=call.method,
        reference=call.reference,
        marker=order.marker if order else None,
        revision=order.revision if order else None,
        did=result.did,
        document_id=result.document_id,
        answered=status_sent(result, fault),
        fault=fault.kind if fault else None,
        order=order,
    )
