"""The words between us and an ERP: what is to be written, what was found, and what a call can come to."""

from dataclasses import dataclass
from datetime import date

from schemas.commitment import Commitment
from schemas.fields import FailureClass


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One revision as it is to stand in the ERP; `reference` is the commitment's id, the same for every revision."""

    reference: str
    marker: str
    company_id: str
    revision: int
    commitment: Commitment
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class FoundDocument:
    """A document that the ERP holds under our reference; `marker` is None where it carries none."""

    id: str
    number: str | None = None
    url: str | None = None
    marker: str | None = None


@dataclass(frozen=True, slots=True)
class Landed:
    """The revision is in the ERP; more than one document only where the ERP holds it twice."""

    documents: tuple[FoundDocument, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The ERP refused a second document with our reference and showed the first; nothing was stored by this call."""

    document: FoundDocument


@dataclass(frozen=True, slots=True)
class Refused:
    """The ERP, or our own set-up, says no, and will say no again until somebody mends it."""

    failure_class: FailureClass
    message: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Transient:
    """Certainly nothing was stored, and a later attempt may succeed; `is_reached` tells whether the ERP answered."""

    message: str
    code: str | None = None
    retry_after_seconds: float = 0.0
    is_reached: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call was sent and its answer is lost: the document may or may not be in the ERP."""

    message: str


FindAnswer = tuple[FoundDocument, ...] | Refused | Transient
"""What asking an ERP for documents can come to; a lost answer to a question is merely transient."""

WriteAnswer = Landed | Exists | Refused | Transient | Unknown
"""What writing a document can come to."""
