"""What each mail says, as plain words and links that its text and its HTML lay out in their own way."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from schemas.commitment import Summary
from schemas.events import ApprovalRequested, Change, DecisionRejected, DigestReady, ExportFailed, Failure
from schemas.fields import FailureClass, Owner
from services.notifier.rules import digest
from services.notifier.rules.mails import Mail, subject
from services.notifier.rules.wording import first_name, lines_of, one_line
from services.pipeline.formats import money

MAX_CHANGES = 20
_MAX_CHANGE_CHARACTERS = 120

Contents = dict[str, Any]


def contents_of(mail: Mail, public_url: str, max_rows: int) -> Contents:
    """Everything the templates of `mail` show; links to the desk begin with `public_url`."""
    return {"subject": subject(mail)} | _particulars(mail, public_url, max_rows)


def _particulars(mail: Mail, public_url: str, max_rows: int) -> Contents:
    match mail.data:
        case DecisionRejected() as data:
            return _about(data, public_url) | _rejected(data)
        case ExportFailed() as data:
            return _about(data, public_url) | _export_failed(data, desk_url(public_url, data.commitment_id))
        case ApprovalRequested() as data:
            return _about(data, public_url) | _resent(data)
        case DigestReady() as data:
            return digest.contents_of(data, max_rows)


def desk_url(public_url: str, commitment_id: str) -> str:
    """Where an approver opens the commitment."""
    return f"{public_url.rstrip('/')}/commitments/{quote(commitment_id, safe='')}"


def _about(data: DecisionRejected | ExportFailed | ApprovalRequested, public_url: str) -> dict[str, Any]:
    summary = data.summary
    return {
        "number": one_line(summary.number),
        "erp": _erp(summary),
        "sender": one_line(summary.sent_by.name),
        "item": _item(summary, data.revision),
        "project_url": summary.url,
        "desk_url": desk_url(public_url, data.commitment_id),
    }


def _item(summary: Summary, revision: int) -> str:
    name = one_line(f"{summary.number} {summary.title}")
    return f"{name}, revision {revision}, {money(summary.total, summary.currency)}"


def _erp(summary: Summary) -> str:
    return one_line(summary.connection or "the ERP")


def _rejected(data: DecisionRejected) -> dict[str, Any]:
    return {"approver": one_line(data.decided_by.name), "reason": lines_of(data.reason)}


def _export_failed(data: ExportFailed, approvers_url: str) -> dict[str, Any]:
    return {
        "headline": _headline(data),
        "standing": "An earlier revision stands there, unchanged."
        if data.failure.in_erp
        else "Nothing was created there.",
        "why": lines_of(_why(data.failure)),
        "steps": tuple(_steps(data, approvers_url)),
    }


def _headline(data: ExportFailed) -> str:
    """Who refused what; only an ERP that objects to the commitment itself has refused it."""
    number, erp = one_line(data.summary.number), _erp(data.summary)
    if data.failure.failure_class is FailureClass.FIX_DATA:
        return f"{erp[:1].upper()}{erp[1:]} refused {number}."
    return f"{number} was not exported to {erp}."


def _why(failure: Failure) -> str:
    """The message, with the ERP's own code where the message does not already give it."""
    message = failure.message.strip()
    if not failure.code or failure.code in message:
        return message
    return f"{message.removesuffix('.')} ({one_line(failure.code)})."


def _steps(data: ExportFailed, approvers_url: str) -> Iterator[tuple[str, str | None]]:
    """Yield who does what, in order, each with the page of the desk where it is done."""
    approver = one_line(data.decided_by.name)
    next_step = one_line(data.failure.next_step).removesuffix(".")
    if data.failure.failure_class is FailureClass.FIX_DATA:
        yield f"{approver} rejects it", approvers_url
        yield f"{one_line(data.summary.sent_by.name)} corrects it and re-sends it", None
    elif data.failure.owner in {Owner.APPROVER, Owner.SYSTEM}:
        yield f"{approver}: {next_step}", approvers_url
    else:
        yield f"{_owner(data)}: {next_step}", None
        yield f"{approver} retries it", approvers_url


def _owner(data: ExportFailed) -> str:
    if data.failure.owner is Owner.PROJECT_MANAGER:
        return one_line(data.summary.sent_by.name)
    return "The ERP administrator"


def _resent(data: ApprovalRequested) -> dict[str, Any]:
    return {
        "previous_revision": data.previous_revision,
        "reason": lines_of(data.previous_reason),
        "changes": tuple(map(_change, data.changes[:MAX_CHANGES])),
        "more_changes": len(data.changes[MAX_CHANGES:]),
        "is_total_unchanged": not any(change.field.casefold() == "total" for change in data.changes),
        "sender_first_name": first_name(data.summary.sent_by.name),
        "note": lines_of(data.note or ""),
    }


def _change(change: Change) -> dict[str, str]:
    return {
        "field": one_line(change.field[:1].lower() + change.field[1:]),
        "before": one_line(change.before, _MAX_CHANGE_CHARACTERS) or "(empty)",
        "after": one_line(change.after, _MAX_CHANGE_CHARACTERS) or "(empty)",
    }
