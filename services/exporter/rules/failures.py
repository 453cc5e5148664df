"""What a refusal means for people: who has to act, and what they do next."""

from dataclasses import replace

from schemas.commitment import ErpDocument, Summary
from schemas.events import DOCUMENT_GONE, UNKNOWN_CONNECTION, Failure
from schemas.fields import FailureClass, Owner
from schemas.limits import MAX_TEXT_CHARACTERS
from services.exporter.connectors.types import Refused
from services.exporter.rules.about import About
from services.exporter.rules.outcome import ConnectionGone, DocumentGone, Failed, WrongTerms

UNNAMED_DOCUMENT = "a document whose id cannot be read"
"""What a document without a usable id or number is called."""
_OWNERS: dict[FailureClass, tuple[Owner, str]] = {
    FailureClass.RETRY_LATER: (Owner.APPROVER, "Retry the export once the ERP is available again."),
    FailureClass.WAIT_FOR_DEPENDENCY: (Owner.APPROVER, "Have what it names added or mended in the ERP, then retry."),
    FailureClass.FIX_DATA: (
        Owner.PROJECT_MANAGER,
        "An approver rejects it with this message; then it is corrected and re-sent.",
    ),
    FailureClass.FIX_SETUP: (Owner.ERP_ADMIN, "Mend the ERP connection or its set-up, then retry the export."),
}


def failure_of(failed: Failed, *, is_in_erp: bool) -> Failure:
    """The failure to publish for `failed`; `is_in_erp` is whether the ERP holds a document of an earlier revision."""
    match failed:
        case DocumentGone():
            return _document_gone(failed)
        case ConnectionGone():
            return _connection_gone(failed, is_in_erp=is_in_erp)
        case WrongTerms():
            return _wrong_terms(failed, is_in_erp=is_in_erp)
        case Refused():
            return _refused(failed, is_in_erp=is_in_erp)


def _document_gone(gone: DocumentGone) -> Failure:
    document, about, name = gone.document, gone.about, gone.document.name
    message = f"{about.begin} no longer has {name}, the document of {about.number}."
    return Failure(
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        code=DOCUMENT_GONE,
        message=message[:MAX_TEXT_CHARACTERS],
        owner=Owner.APPROVER,
        next_step=f"If {name} was deleted on purpose, choose Create anew; otherwise restore it in {about.erp}, then "
        "retry.",
        in_erp=False,
        document=document,
    )


def _connection_gone(gone: ConnectionGone, *, is_in_erp: bool) -> Failure:
    connection = gone.document.connection
    return Failure(
        failure_class=FailureClass.FIX_SETUP,
        code=UNKNOWN_CONNECTION,
        message=f"{gone.message} Nothing was written.",
        owner=Owner.ERP_ADMIN,
        next_step=f"{_if_renamed(connection)} If the company has left that ERP, an accounting approver chooses Create "
        f"anew: {gone.number} becomes a new document in the ERP that takes it now.",
        in_erp=is_in_erp,
        document=gone.document,
    )


def _if_renamed(connection: str | None) -> str:
    return (
        f'If {connection} was only renamed, say formerly = ["{connection}"] in its [[connection]] in the file that '
        "ERP_CONNECTIONS names; let the exporter read it (SIGHUP), then retry the export."
    )


def _wrong_terms(wrong: WrongTerms, *, is_in_erp: bool) -> Failure:
    return Failure(
        failure_class=FailureClass.FIX_DATA,
        code=wrong.code,
        message=wrong.message,
        owner=wrong.owner,
        next_step=wrong.next_step,
        remedy=wrong.remedy,
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
        remedy=refused.remedy,
        in_erp=is_in_erp,
    )


def no_connection(company_id: str, commitment: Summary) -> Refused:
    """No ERP connection takes the commitment."""
    number, kind = commitment.number, commitment.kind.value.replace("_", " ")
    return Refused(
        FailureClass.FIX_SETUP,
        f"{number} has no ERP to go to: no connection takes it, a {kind} of company {company_id} and project "
        f"{commitment.project}, in {commitment.currency}.",
        "no_connection",
        next_step=f"Add a [[connection]] that takes it, with {company_id} among its companies, to the file that "
        "ERP_CONNECTIONS names; let the exporter read it (SIGHUP), then retry the export.",
    )


def unknown_connection(name: str | None, number: str, document: ErpDocument | None) -> Refused | ConnectionGone:
    """The commitment's ERP connection is no longer configured; its `document`, if it has one, is there."""
    if document is not None:
        return ConnectionGone(document, number)
    return Refused(
        FailureClass.FIX_SETUP,
        f"The ERP connection {name}, through which {number} goes, is not configured.",
        UNKNOWN_CONNECTION,
        next_step=f"{_if_renamed(name)} Otherwise put {name} back, or add another one that takes {number}; then retry.",
    )


def content_differs(about: About) -> Refused:
    """The stored content is not what the approver saw."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"What is stored of {about.number} is not the content that was approved: their hashes differ. Nothing was sent "
        f"to {about.erp}.",
        "content_hash",
        next_step="Find out what changed the exporter's database, then retry the export: that stores the approved "
        "content again.",
    )


def content_unreadable(about: About) -> Refused:
    """The stored content is missing or damaged; a retry brings it again."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"What is stored of {about.number} is missing or cannot be read. Nothing was sent to {about.erp}.",
        "content_unreadable",
        Owner.APPROVER,
        "Retry the export: that stores the approved content again.",
    )


def connector_broken(about: About, message: str, attempts: int) -> Refused:
    """The connector raises errors of its own; its operator finds them in the log."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"The connector to {about.erp} failed in {attempts} attempts to write {about.number}; the exporter's log says "
        f"where. {message}",
        "connector_broken",
        next_step="Send the lines export.attempt_failed of the exporter's log to those who made the connector; once it "
        "is mended, retry the export.",
    )


def unmarked_document(about: About, names: str) -> Refused:
    """The ERP has documents with our reference but without our marker; writing another could be a duplicate."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"{about.begin} already holds {names} under the reference of {about.number}, without a marker of Countersign.",
        "unmarked_document",
        next_step=f"Remove the reference from it in {about.erp}, or delete it there, so that no second document "
        "appears beside it; then retry the export.",
    )


def duplicate_reference(about: About, reference: str) -> Refused:
    """The ERP reports a duplicate although we are updating the only document that it showed us."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"{about.begin} holds more than one document under {reference}, the reference of {about.number}.",
        "duplicate_reference",
        next_step=f"Leave the reference on only one of them in {about.erp}, then retry the export.",
    )


def reference_held(about: About, reference: str, name: str, message: str) -> Refused:
    """The ERP refuses a second document because of one that it then does not have."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"{about.begin} refuses a new document for {about.number} because {name} has the reference {reference}, but "
        f"cannot update {name}. {message}",
        "reference_held",
        next_step=f"Restore {name} in {about.erp}, or free its reference there; then retry the export.",
    )


def given_up(about: About, last_message: str, attempts: int) -> Refused:
    """Transient errors and lost answers have used up the attempts of a round."""
    return Refused(
        FailureClass.RETRY_LATER,
        f"{about.begin} could not take {about.number} in {attempts} attempts. {last_message}",
        "given_up",
        next_step=f"Retry the export once {about.erp} is available again. If this stays, show the message to the ERP "
        "admin.",
    )


def not_stored(about: About, refused: Refused) -> Refused:
    """The ERP answered a write without a document, and showed later that it had stored nothing.

    What is known now comes first: the words of then may say that nobody knows what was stored.
    """
    known = f"{about.begin} has stored nothing of this revision of {about.number}, as a search has shown."
    return replace(refused, message=f"{known} It had answered to the write: {refused.message}")
