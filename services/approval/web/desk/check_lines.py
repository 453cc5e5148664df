"""The checks that an approver reads before accepting: each rule with the value, the ERP's limit, and the finding."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.commitment import Commitment, Person
from schemas.events import ErpConnection, LimitsProfile
from services.approval.rules.amounts import line_sum
from services.approval.rules.finding import Finding
from services.approval.web.desk.wording import counted
from services.pipeline.formats import money


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One rule; `finding` is None if nothing is wrong."""

    rule: str
    value: str
    limit: str
    finding: Finding | None

    @property
    def verdict(self) -> str:
        """OK, Warning or Blocks."""
        if self.finding is None:
            return "OK"
        return "Blocks" if self.finding.is_blocking else "Warning"


def check_lines(
    content: Commitment, sent_by: Person, erp: ErpConnection | None, findings: Sequence[Finding]
) -> list[CheckLine]:
    """All rules with what `findings` say; a finding of any other rule gets a line of its own."""
    limits = erp.limits if erp else LimitsProfile()
    found = {finding.rule: finding for finding in findings}
    total, lines = (money(amount, content.currency) for amount in (content.total, line_sum(content)))
    vendor_limit = _limit(limits.vendor_name_characters)
    shown = [
        CheckLine("Total", total, f"{lines} in the lines", found.pop("total", None)),
        CheckLine("Sender", sent_by.name, "Admin on the project's Commitments tool", found.pop("sender", None)),
        _length("Number", content.number, _number_limit(limits), found.pop("number", None)),
        _length("Title", content.title, _limit(limits.title_characters), found.pop("title", None)),
        _length("Vendor name", content.vendor.name, vendor_limit, found.pop("vendor name", None)),
    ]
    return shown + [CheckLine(rule.capitalize(), "", "", finding) for rule, finding in found.items()]


def _length(rule: str, text: str, limit: str, finding: Finding | None) -> CheckLine:
    return CheckLine(rule, counted(len(text), "character"), limit, finding)


def _number_limit(limits: LimitsProfile) -> str:
    limit = _limit(limits.number_characters)
    return f"{limit}; longer ones are cut" if limits.truncates_number else limit


def _limit(characters: int | None) -> str:
    return counted(characters, "character") if characters else "No known limit"
