"""What a refusal means for people: whose turn it is, and what they do next."""

from schemas.events import Failure
from schemas.fields import FailureClass, Owner
from services.exporter.connectors.types import Refused

_OWNERS: dict[FailureClass, tuple[Owner, str]] = {
    FailureClass.RETRY_LATER: (Owner.APPROVER, "Retry the export once the ERP is available again."),
    FailureClass.WAIT_FOR_DEPENDENCY: (Owner.APPROVER, "Wait until what it depends on is in the ERP, then retry."),
    FailureClass.FIX_DATA: (Owner.PROJECT_MANAGER, "Reject it with this message; correct the commitment and re-send."),
    FailureClass.FIX_SETUP: (Owner.ERP_ADMIN, "Mend the ERP connection or its set-up, then retry the export."),
}


def failure_of(refused: Refused, *, is_in_erp: bool) -> Failure:
    """The failure that `refused` is; `is_in_erp` tells whether an earlier revision's document stands in the ERP."""
    owner, next_step = _OWNERS[refused.failure_class]
    return Failure(
        failure_class=refused.failure_class,
        code=refused.code,
        message=refused.message,
        owner=owner,
        next_step=next_step,
        in_erp=is_in_erp,
    )


def no_connection(company_id: str) -> Refused:
    """The refusal of an order whose company has no ERP connection."""
    return Refused(FailureClass.FIX_SETUP, f"The company {company_id} has no ERP connection.", "no_connection")


def unknown_connection(name: str | None) -> Refused:
    """The refusal of an order whose ERP connection is no longer configured."""
    return Refused(FailureClass.FIX_SETUP, f"The ERP connection {name} is not configured.", "unknown_connection")


def content_differs() -> Refused:
    """The refusal of an order whose content is not what was approved."""
    return Refused(
        FailureClass.FIX_SETUP,
        "The stored content is not the content that was approved: their hashes differ. Nothing was sent to the ERP.",
        "content_hash",
    )


def unmarked_document(numbers: str) -> Refused:
    """The refusal to write beside a document that bears our reference, but not our marker."""
    return Refused(
        FailureClass.FIX_SETUP,
        f"The ERP already holds {numbers} under this commitment's reference, without a marker of Countersign. "
        "Remove the reference there, so that no second document appears beside it.",
        "unmarked_document",
    )


def duplicate_reference(reference: str) -> Refused:
    """The refusal of an ERP that calls even the update of its only document a duplicate."""
    return Refused(
        FailureClass.FIX_SETUP, f"The ERP holds more than one document under {reference}.", "duplicate_reference"
    )


def given_up(transient_message: str, attempts: int) -> Refused:
    """The refusal that ends silent retries."""
    return Refused(
        FailureClass.RETRY_LATER, f"The ERP could not take it in {attempts} attempts. {transient_message}", "given_up"
    )
