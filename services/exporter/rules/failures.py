"""What a refusal means for people: who has to act, and what they do next."""

from dataclasses import replace

from schemas.commitment import ErpDocument
from schemas.events import DOCUMENT_GONE, Failure
from schemas.fields import FailureClass, Owner
from schemas.limits import MAX_TEXT_CHARACTERS
from services.exporter.connectors.types import Refused
from services.exporter.rules.outcome import DocumentGone, Failed, WrongTerms

UNNAMED_DOCUMENT = "a document whose id cannot be read"
"""What a document without a usable id or number is called."""
_OWNERS: dict[FailureClass, tuple[Owner, str]] = {
    FailureClass.RETRY_LATER: (Owner.APPROVER, "Retry the export once the ERP is available again."),
    FailureClass.WAIT_FOR_DEPENDENCY: (Owner.APPROVER, "Wait until what it depends on is in the ERP, then retry."),
    FailureClass.FIX_DATA: (Owner.PROJECT_MANAGER, "Reject it with this message; correct the commitment and re-send."),
    FailureClass.FIX_SETUP: (Owner.ERP_ADMIN, "Mend the ERP connection or its set-up, then retry the export."),
}


def failure_of(failed: Failed, *, is_in_erp: bool) -> Failure:
    """The failure to publish for `failed`; `is_in_erp` is whether the ERP holds a document of an earlier revision."""
    match failed:
        case DocumentGone(document, message):
            return _document_gone(document, message)
        case WrongTerms():
            return _wrong_terms(failed, is_in_erp=is_in_erp)
        case Refused():
            return _refused(failed, is_in_erp=is_in_erp)


def _document_gone(document: ErpDocument, message: str) -> Failure:
    name = document.number or document.id
    return Failure(
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code=DOCUMENT_GONE,
        message=f"The ERP no longer has {name}, the document of this commitment. {message}"[:MAX_TEXT_CHARACTERS],
        owner=Owner.APPROVER,
        next_step=f"If {name} was deleted on purpose, choose Create anew; otherwise restore it in the ERP, then retry.",
        in_erp=False,
        document=document,
    )


def _wrong_terms(wrong: WrongTerms, *, is_in_erp: bool) -> Failure:
    return Failure(
        failure_class=FailureClass.FIX_DATA,
        code=wrong.code,
        message=wrong.message,
        owner=wrong.owner,
        next_step=wrong.next_step,
        in_erp=is_in_erp,
    )


def _refused(refused: Refused, *, is_in_erp: bool) -> Failure:
    owner, next_step = _OWNERS[refused.failure_class]
    return Failure(
        failure_class=refused.failure_class,
        code=refused.code,
        message=refused.message,
        owner=refused.owner or owner,
        next_step=refused.next_step or next_step,
        in_erp=is_in_erp,
    )


def no_connection(company_id: str) -> Refused:
    """The commitment's company has no ERP connection."""
    return Refused(FailureClass.FIX_SETUP, f"The company {company_id} has no ERP connection.", "no_connection")


def unknown_connection(name: str | None) -> Refused:
    """The commitment's ERP connection is no longer configured."""
    return Refused(FailureClass.FIX_SETUP, f"The ERP connection {name} is not configured.", "unknown_connection")


def content_differs() -> Refused:
    """The stored content is not what the approver saw."""
    return Refused(
        FailureClass.FIX_SETUP,
        "The stored content is not the content that was approved: their hashes differ. Nothing was sent to the ERP.",
        "content_hash",
    )


def content_unreadable() -> Refused:
    """The stored content is missing or damaged; a retry brings it again."""
    return Refused(
        FailureClass.FIX_SETUP,
        "The stored content of this revision is missing or cannot be read. Nothing was sent to the ERP.",
        "content_unreadable",
    )


def connector_broken(message: str, attempts: int) -> Refused:
    """The connector raises errors of its own; its operator finds them in the log."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"The connector failed in {attempts} attempts; the exporter's log says where. {message}",
        "connector_broken",
    )


def unmarked_document(numbers: str) -> Refused:
    """The ERP has documents with our reference but without our marker; writing another could be a duplicate."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"The ERP already holds {numbers} under this commitment's reference, without a marker of Countersign. "
        "Remove the reference there, so that no second document appears beside it.",
        "unmarked_document",
    )


def duplicate_reference(reference: str) -> Refused:
    """The ERP reports a duplicate although we are updating the only document that it showed us."""
    return Refused(
        FailureClass.FIX_SETUP, f"The ERP holds more than one document under {reference}.", "duplicate_reference"
    )


def reference_held(reference: str, name: str, message: str) -> Refused:
    """The ERP refuses a second document because of one that it then does not have."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"The ERP refuses a new document because {name} has the reference {reference}, but cannot update {name}. "
        f"Restore it there, or free its reference. {message}",
        "reference_held",
    )


def given_up(last_message: str, attempts: int) -> Refused:
    """Transient errors and lost answers have used up the attempts of a round."""
    return Refused(
        FailureClass.RETRY_LATER, f"The ERP could not take it in {attempts} attempts. {last_message}", "given_up"
    )


def not_stored(refused: Refused) -> Refused:
    """The ERP answered a write without a document, and showed later that it had stored nothing."""
    return replace(refused, message=f"{refused.message} Asked afterwards, the ERP does not have this revision.")
