"""What it means for people that Lambda ERP refuses: by the operator's own entries, then `lambda_erp.failures.toml`."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import httpx2

from schemas.fields import FailureClass
from services.exporter.connectors.failure_table import FailureEntry, FailureTable
from services.exporter.connectors.http_failure import HttpFailures
from services.exporter.connectors.http_response import find_answer, write_answer
from services.exporter.connectors.http_words import words_of
from services.exporter.connectors.types import Gone, Refused, Transient, Unknown

FAILURES = FailureTable.of_package(__package__ or "", "lambda_erp.failures.toml")
_NO_WORDS = "it gave no reason"


class LambdaErpFailures:
    """The meaning of refusals on one connection to `erp`; the operator's `own` entries come first."""

    def __init__(self, own: Iterable[FailureEntry] = (), erp: str = "Lambda ERP") -> None:
        self._table = FAILURES.after(own, erp=erp)
        self._by_status = HttpFailures((), erp)

    def refusal(self, code: str, **values: str) -> Refused:
        """Return the refusal that the table has for a `code` of our own."""
        return self._table.refusal(code, "", values)

    def gone(self, name: str) -> Gone:
        """Return that there is no living order `name`."""
        refused = self.refusal("order_gone", value=name)
        return Gone(refused.failure_class, refused.message, refused.code, refused.owner, refused.next_step)

    def of_read(self, response: httpx2.Response) -> Refused | Transient:
        """Return what it means that a call that only reads was answered with something else."""
        failure = find_answer(response, "", self._by_status)
        if isinstance(failure, Refused):
            return self._in_words(response, failure, {})
        return failure if isinstance(failure, Transient) else Transient("Lambda ERP listed no orders.", is_reached=True)

    def of_write(self, response: httpx2.Response, values: Mapping[str, str]) -> Refused | Transient | Unknown:
        """Return what an answer without an order means for the write that it answers; sentences may name `values`."""
        failure = write_answer(response, self._by_status)
        if isinstance(failure, Refused):
            return self._in_words(response, failure, values)
        if isinstance(failure, Unknown) and failure.refusal:
            return replace(failure, refusal=self._worded(response, failure.refusal, values))
        if isinstance(failure, (Transient, Unknown)):
            return failure
        return Unknown("Lambda ERP answered without an order.", is_reached=True)

    def _in_words(self, response: httpx2.Response, refused: Refused, values: Mapping[str, str]) -> Refused | Transient:
        """Return `refused` as the table words it, or that the same call may succeed later."""
        worded = self._worded(response, refused, values)
        if worded.failure_class is FailureClass.RETRY_LATER:
            return Transient(worded.message, worded.code, is_reached=True)
        return worded

    def _worded(self, response: httpx2.Response, refused: Refused, values: Mapping[str, str]) -> Refused:
        """Return `refused` as the table words it; the ERP has no codes, so that its statuses stand for them."""
        status = str(response.status_code)
        known = {**values, "status": status}
        text = words_of(response) or _NO_WORDS
        return self._table.refusal(f"http_{status}", text, known, otherwise=refused.failure_class)
