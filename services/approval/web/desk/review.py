"""What an approver checks before accepting: each rule with the value, the target ERP's limit, and what was found."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from schemas.commitment import Commitment, Person
from schemas.events import ErpConnection, LimitsProfile
from services.approval.rules.checks import Finding
from services.approval.web.desk.wording import counted
from services.pipeline.formats import money


@dataclass(frozen=True, slots=True)
class Check:
    """One rule, applied; `finding` is None where nothing is wrong."""

    rule: str
    value: str
    limit: str
    finding: Finding | None

    @property
    def verdict(self) -> str:
        """In one word."""
        if self.finding is None:
            return "OK"
        return "Blocks" if self.finding.is_blocking else "Warning"


def line_sum(commitment: Commitment) -> Decimal:
    """The sum of the lines' amounts."""
    return sum((Decimal(line.amount) for line in commitment.lines), Decimal(0))


def difference(commitment: Commitment) -> Decimal:
    """By how much the stated total exceeds the lines."""
    return Decimal(commitment.total) - line_sum(commitment)


def checks(
    commitment: Commitment, sent_by: Person, erp: ErpConnection | None, findings: Sequence[Finding]
) -> list[Check]:
    """All rules with what was found; a finding of a rule that is not shown here gets a line of its own."""
    limits = erp.limits if erp else LimitsProfile()
    found = {finding.rule: finding for finding in findings}
    total, lines = (money(amount, commitment.currency) for amount in (commitment.total, line_sum(commitment)))
    shown = [
        Check("Total", total, f"{lines} in the lines", found.pop("total", None)),
        Check("Sender", sent_by.name, "Admin on the project's Commitments tool", found.pop("sender", None)),
        _length("Number", commitment.number, _number_limit(limits), found.pop("number", None)),
        _length("Title", commitment.title, _limit(limits.title_characters), found.pop("title", None)),
        _length(
            "Vendor name",
            commitment.vendor.name,
            _limit(limits.vendor_name_characters),
            found.pop("vendor name", None),
        ),
    ]
    return shown + [Check(rule.capitalize(), "", "", finding) for rule, finding in found.items()]


def _length(rule: str, text: str, limit: str, finding: Finding | None) -> Check:
    return Check(rule, counted(len(text), "character"), limit, finding)


def _number_limit(limits: LimitsProfile) -> str:
    limit = _limit(limits.number_characters)
    return f"{limit}; longer ones are cut" if limits.truncates_number else limit


def _limit(characters: int | None) -> str:
    return counted(characters, "character") if characters else "No known limit"
