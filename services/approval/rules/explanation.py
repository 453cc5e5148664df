"""The explanation of one commitment, and how it reads on a command line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from schemas.commitment import ErpDocument
from schemas.fields import Ribbon, Status
from schemas.zones import UTC_NAME
from services.approval.rules.status import STATUS_WORDS
from services.approval.rules.times import moment


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several commitments with the same number."""

    id: str
    company_id: str
    number: str
    title: str
    project: str
    status: Status


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a commitment stands; times in words are in UTC.

    `place` and `line` are its place before an ERP that asks for work, and that with how its client is doing.
    `attempts` is how many calls the failed export made, None while that is not known.
    """

    id: str
    company_id: str
    project_id: str
    number: str
    title: str
    url: str
    revision: int
    round: int
    waiting_revision: int | None
    status: Status
    ribbon: Ribbon
    editable: bool
    since: datetime
    message: str
    acts_next: str
    next_step: str
    attempts: int | None
    connection: str | None
    erp: str | None
    why_erp: str
    erp_document: ErpDocument | None
    place: int | None
    line: str
    findings: tuple[str, ...]


def lines(found: Explanation, who: str, step: str) -> Iterator[str]:
    """The explanation for people, line by line; `who` acts next, and the `step` is what they do."""
    yield f"{found.number} {found.title}, revision {found.revision} ({found.id}, {found.company_id})"
    editable = "can" if found.editable else "cannot"
    yield f"Status: {STATUS_WORDS[found.status]} since {moment(found.since, UTC_NAME)}"
    yield f"Ribbon: {found.ribbon.value}; it {editable} be edited in the project"
    yield f"Meaning: {found.message}"
    if found.waiting_revision:
        yield f"Waiting behind it: revision {found.waiting_revision}"
    yield f"Who acts next: {who}"
    yield f"Next step: {step}"
    if found.attempts is not None:
        yield f"Attempts: {found.attempts}"
    yield f"ERP: {_erp(found)}"
    if found.line:
        yield f"Line: {found.line}"
    yield f"Document: {_document(found.erp_document)}"
    for finding in found.findings:
        yield f"Check: {finding}"
    yield f"In the project: {found.url}"


def _erp(found: Explanation) -> str:
    if found.erp is None:
        return f"{found.connection}, which is not configured" if found.connection else "none is known that takes it"
    return f"{found.erp} ({found.connection}{f'; {found.why_erp}' if found.why_erp else ''})"


def _document(document: ErpDocument | None) -> str:
    if document is None:
        return "none in the ERP"
    return f"{document.name}{f', {document.url}' if document.url else ''}"
