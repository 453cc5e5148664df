"""What a refusal of the ERP means for people: by the operator's own entries, and then by `http.failures.toml`."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any

import httpx2
from pydantic import AfterValidator

from schemas.fields import Code, FailureClass
from services.exporter.connectors.failure_table import FailureEntry, FailureTable
from services.exporter.connectors.http_body import json_of
from services.exporter.connectors.http_document import Body, Document, Lenient
from services.exporter.connectors.types import Refused
from services.exporter.connectors.wording import one_line


def _shown(code: str) -> str:
    """Return `code` in one line; ValueError if a reader sees nothing of it."""
    if not (line := one_line(code)):
        raise ValueError("the code has no visible character")
    return line


class Problem(Body):
    """The members of problem+json (RFC 9457) that we read, and our own; an invalid one is read as absent."""

    code: Lenient[Annotated[Code, AfterValidator(_shown)]] = None
    status: Lenient[int] = None
    failure_class: Lenient[FailureClass] = None
    document: Lenient[Document] = None
    field: Lenient[Code] = None
    value: Lenient[Code] = None
    line: Lenient[Code] = None

    def place(self, number: str | None) -> str:
        """Which part of the document `number` is wrong, as a sentence begins; empty if the ERP does not say."""
        line = f"line {self.line}" if self.line else ""
        field = " ".join(part for part in ((self.field or "").replace("_", " "), self.value or "") if part)
        if not line and not field:
            return ""
        return f"{', '.join(part for part in (number, line, field) if part)}: "


def problem_in(response: httpx2.Response) -> Problem:
    """Return the problem that the answer describes; the code may stand in its member `error`."""
    body: Any = json_of(response)
    if not isinstance(body, dict):
        return Problem()
    error = body.get("error")
    return Problem.model_validate({**(error if isinstance(error, dict) else {}), **body})


class HttpFailures:
    """The meaning of refusals on one connection to `erp`; the operator's `own` entries come first."""

    def __init__(self, own: Iterable[FailureEntry] = (), erp: str = "the ERP") -> None:
        self._table = _built_in().after(own)
        self._erp = erp

    @property
    def erp(self) -> str:
        """The ERP at the beginning of a sentence."""
        return self._erp[:1].upper() + self._erp[1:]

    def refused(self, problem: Problem, status: int, words: str, number: str | None = None) -> Refused:
        """Return what the refusal of document `number` means, with the ERP's `words`; `status` stands for a code."""
        known, code = self._known(problem, status, words, number), problem.code or f"http_{status}"
        if entry := self._entry(problem, status, words):
            refused = entry.refused(code, known)
            return refused if refused.message else Refused(refused.failure_class, one_line(words), code)
        failure_class = problem.failure_class or FailureClass.FIX_SETUP
        return Refused(failure_class, one_line(f"{known['place']}{words}"), code)

    def _entry(self, problem: Problem, status: int, words: str) -> FailureEntry | None:
        by_code = self._table.find(problem.code, words) if problem.code else None
        if by_code or problem.failure_class:
            return by_code
        return self._table.find(f"http_{status}", words)

    def _known(self, problem: Problem, status: int, words: str, number: str | None) -> Mapping[str, str]:
        return {
            "text": words,
            "place": problem.place(number),
            "erp": self._erp,
            "status": str(status),
            "document": number or "",
            "field": problem.field or "",
            "value": problem.value or "",
            "line": problem.line or "",
        }


@cache
def _built_in() -> FailureTable:
    return FailureTable.of_package("services.exporter.connectors", "http.failures.toml")
