"""The types that the exporter and a connector exchange: what to write, and every answer that a connector may give.

The most important choice is between Transient, Refused and Unknown. An answer may be Transient or Refused only if the
ERP has certainly stored nothing. In case of doubt it is Unknown: the exporter then asks the ERP before it writes again.
The names of these classes, in lower case, are values of the label `outcome` of the metric `erp_export_seconds`.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schemas.commitment import Commitment, document_name
from schemas.fields import FailureClass, Owner


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """One revision of a commitment, to be written to the ERP.

    `reference` is the commitment's id: every revision has the same one, so that a commitment becomes one document.
    `marker` identifies the revision and its content. The document must store both, and `find` must return the marker
    unchanged. The approver may have added `erp_code` (the document's number), `accounting_date` and `note`.
    """

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
    """A document in the ERP that has our reference; `marker` is None where the document has none."""

    id: str
    number: str | None = None
    url: str | None = None
    marker: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return document_name(self.number, self.id)


@dataclass(frozen=True, slots=True)
class UnreadableDocument:
    """A document that the ERP lists, without an id that can be used; it may be ours, so none is created beside it."""

    number: str | None = None


@dataclass(frozen=True, slots=True)
class Landed:
    """The revision is in the ERP, in more than one document only if the ERP has stored it twice."""

    documents: tuple[FoundDocument, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The ERP refused to create a second document with our reference, stored nothing and returned the existing one."""

    document: FoundDocument


@dataclass(frozen=True, slots=True)
class Refused:
    """The call stored nothing, and repeating it cannot succeed until somebody fixes the cause.

    `failure_class` says who that is; `message` is shown to that person; `code` is the ERP's own error code. `owner` and
    `next_step` are those of the class unless a connector knows better; `remedy` is what the project has to change, such
    as "shorten the number", where that is enough. `failure_table.py` makes refusals from data.
    """

    failure_class: FailureClass
    message: str
    code: str | None = None
    owner: Owner | None = None
    next_step: str | None = None
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Gone(Refused):
    """An update was refused because the ERP has no such document; as any refusal, it stored nothing.

    The exporter then searches for the document: if the ERP does not list it either, an approver decides whether to
    create it anew.
    """


@dataclass(frozen=True, slots=True)
class Transient:
    """The call stored nothing, and the same call may succeed later, but not before `retry_after_seconds`.

    `is_reached` is whether the ERP itself answered; calls that do not reach it count towards opening the circuit.
    """

    message: str
    code: str | None = None
    retry_after_seconds: float = 0.0
    is_reached: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The call was sent but its answer was lost or is unclear: the document may or may not be in the ERP.

    `refusal` is set if the ERP answered completely, but showed no document: it is how the export fails if the document
    does not turn up, for the same call would get the same answer. Without it the call is repeated then. `is_reached` is
    whether the ERP itself answered.
    """

    message: str
    refusal: Refused | None = None
    is_reached: bool = False


@dataclass(frozen=True, slots=True)
class ErpLine:
    """A line of a document as the ERP has it; `position` is that of our line, None where the ERP does not keep it."""

    amount: Decimal
    position: int | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ErpCopy:
    """A document as the ERP has it now; each of its parts is None where the ERP does not tell it."""

    document: FoundDocument
    reference: str | None = None
    total: Decimal | None = None
    currency: str | None = None
    lines: tuple[ErpLine, ...] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that a check of a connection looked at; `problem` says what is wrong and what to do."""

    what: str
    problem: str | None = None


ReadAnswer = ErpCopy | Gone | Refused | Transient
"""The answer to `read`; Gone if the ERP has no such document."""

FindAnswer = tuple[FoundDocument | UnreadableDocument, ...] | Refused | Transient
"""The answer to `find`; it writes nothing, so a lost answer is Transient."""

WriteAnswer = Landed | Exists | Refused | Transient | Unknown
"""The answer to `create` and `update`; Gone is a refusal that only `update` gives."""
