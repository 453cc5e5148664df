"""The mail about a failed export: why it failed, and who does what next."""

from collections.abc import Iterator

from schemas.events import ExportFailed
from schemas.fields import FailureClass, Owner
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import lines_of, one_line
from services.pipeline.failure_words import native_code, why_not_exported


def _contents(data: ExportFailed, options: ContentOptions) -> Contents:
    shared = about_commitment.contents(data, data.summary, options)
    in_erp = "An earlier revision stands there, unchanged." if data.failure.in_erp else "Nothing was created there."
    return shared | {
        "headline": _headline(data),
        "in_erp": in_erp,
        "why": lines_of(_why(data)),
        "steps": tuple(_steps(data, shared["desk_url"])),
    }


def _headline(data: ExportFailed) -> str:
    """Say that the ERP refused it only where the ERP objects to the commitment itself."""
    number, erp = one_line(data.summary.number), about_commitment.erp_name(data.summary)
    if data.failure.failure_class is FailureClass.FIX_DATA:
        return f"{erp[:1].upper()}{erp[1:]} refused {number}."
    return f"{number} was not exported to {erp}."


def _why(data: ExportFailed) -> str:
    """Why in words for everybody, with the ERP's own code where the words do not already give it."""
    told = why_not_exported(data.failure, one_line(data.summary.number), about_commitment.erp_name(data.summary))
    code = native_code(data.failure)
    if not code or code in told or data.failure.failure_class is FailureClass.FIX_SETUP:
        return told
    return f"{told.removesuffix('.')} ({code})."


def _steps(data: ExportFailed, desk_url: str) -> Iterator[tuple[str, str | None]]:
    """Yield who does what, in order, each with a link to the desk if it is done there."""
    approver = one_line(data.decided_by.name)
    next_step = one_line(data.failure.next_step).removesuffix(".")
    if data.failure.owner is Owner.PROJECT_MANAGER and data.failure.failure_class is FailureClass.FIX_DATA:
        yield f"{approver} rejects it", desk_url
        yield f"{one_line(data.summary.sent_by.name)} corrects it and re-sends it", None
    elif data.failure.owner in {Owner.APPROVER, Owner.SYSTEM}:
        yield f"{approver}: {next_step}", desk_url
    elif data.failure.failure_class in {FailureClass.FIX_SETUP, FailureClass.FIX_DATA}:
        yield "The ERP administrator does what the desk says", desk_url
        yield f"{approver} retries it", desk_url
    else:
        yield f"{_owner(data)}: {next_step}", None
        yield f"{approver} retries it", desk_url


def _owner(data: ExportFailed) -> str:
    if data.failure.owner is Owner.PROJECT_MANAGER:
        return one_line(data.summary.sent_by.name)
    return "The ERP administrator"


EXPORT_FAILED = MailType(
    kind="export_failed",
    data_type=ExportFailed,
    recipients=lambda data: (data.summary.creator, data.summary.sent_by, data.decided_by),
    subject=lambda data: f"Export failed: {about_commitment.subject_of(data.summary)}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
)
