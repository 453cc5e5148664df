"""The checks that an approver reads before accepting: each rule with the value, the ERP's limit, and the finding."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from schemas.commitment import Commitment, Person
from schemas.erp_limits import LINE_RULES, RULES
from schemas.events import VENDOR, DirectoryPerson, ErpConnection, LimitsProfile
from schemas.zones import UTC_NAME
from services.approval.rules.amounts import line_sum
from services.approval.rules.erp import erp_title
from services.approval.rules.finding import Finding
from services.approval.rules.references import RULES as LIST_RULES
from services.approval.rules.references import UNKNOWN, asked, checked_lists, is_known
from services.approval.rules.times import moment
from services.pipeline.counting import counted
from services.pipeline.formats import money

ALWAYS_SHOWN = frozenset({"number", "title", "vendor name"})
"""The limits that every ERP may have; the others are shown where it has them."""

_UNKNOWN_LIMIT = "Not known"


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One rule; `finding` is None if nothing is wrong."""

    rule: str
    value: str
    limit: str
    finding: Finding | None
    is_known: bool = True
    """Whether it is known what the ERP takes; without that, nothing wrong was found but nothing is right either."""

    @property
    def verdict(self) -> str:
        """OK, Warning, Not known or Blocks."""
        if self.finding is None:
            return "OK" if self.is_known else "Not known"
        if not self.finding.is_known:
            return "Not known"
        return "Blocks" if self.finding.is_blocking else "Warning"


def check_lines(
    content: Commitment,
    sent_by: Person,
    erp: ErpConnection | None,
    findings: Sequence[Finding],
    time_zone: str = UTC_NAME,
    *,
    sender: DirectoryPerson | None = None,
) -> list[CheckLine]:
    """All rules with what `findings` say, times in `time_zone`; a finding of any other rule gets a line of its own.

    `sender` is who sent it as the directory lists them, None if it does not.
    """
    limits = erp.limits if erp else LimitsProfile()
    found = {finding.rule: finding for finding in findings}
    total, lines = (money(amount, content.currency) for amount in (content.total, line_sum(content)))
    number_limit = _limit(limits.number_characters, is_cut=limits.truncates_number)
    title_limit = _limit(limits.title_characters, is_cut=limits.truncates_title)
    shown = [
        CheckLine("Total", total, f"{lines} in the lines", found.pop("total", None)),
        _sender(content, sent_by, sender, found.pop("sender", None)),
        _length("Number", content.number, number_limit, found.pop("number", None)),
        _length("Title", content.title, title_limit, found.pop("title", None)),
        _length(
            "Vendor name", content.vendor.name, _limit(limits.vendor_name_characters), found.pop("vendor name", None)
        ),
        *_vendor_code(content, erp),
        *_other_limits(content, limits, found),
        *_lists(content, erp, found, time_zone),
    ]
    return shown + [CheckLine(_sentence(rule), "", "", finding) for rule, finding in found.items()]


def _sender(content: Commitment, sent_by: Person, sender: DirectoryPerson | None, finding: Finding | None) -> CheckLine:
    level = sender and sender.commitments_tool.get(content.project.id)
    needed = "Admin on the project's Commitments tool"
    return CheckLine("Sender", sent_by.name, needed, finding, is_known=level is not None)


def _other_limits(content: Commitment, limits: LimitsProfile, found: dict[str, Finding]) -> Iterator[CheckLine]:
    """The other limits of the ERP; their findings are taken out of `found`."""
    lines = counted(len(content.lines), "line")
    for rule in RULES:
        if rule.name not in ALWAYS_SHOWN and (taken := rule.taken(limits)):
            value = lines if rule in LINE_RULES else ""
            yield CheckLine(_sentence(rule.name), value, _sentence(taken), found.pop(rule.name, None))


def _lists(
    content: Commitment, erp: ErpConnection | None, found: dict[str, Finding], time_zone: str
) -> Iterator[CheckLine]:
    """A line for each list of the ERP that something is looked for in; the findings are taken out of `found`."""
    unknown = found.pop(UNKNOWN, None)
    names = asked(content, erp)
    for each in checked_lists(erp):
        of_list = [name.words for name in names if name.list_name == each.name]
        if erp is None or not of_list:
            continue
        value = of_list[0] if len(of_list) == 1 else counted(len(of_list), each.name)
        entries = counted(each.entries, each.name)
        limit = f"{entries}, read {moment(each.read_at, time_zone)}" if each.read_at else "Not read yet"
        finding = found.pop(LIST_RULES[each.name], None) if is_known(erp, each) else unknown
        yield CheckLine(f"{_sentence(each.name)} in {erp.title}", value, limit, finding)


def _length(rule: str, text: str, limit: str, finding: Finding | None) -> CheckLine:
    return CheckLine(rule, counted(len(text), "character"), limit, finding, is_known=limit != _UNKNOWN_LIMIT)


def _vendor_code(content: Commitment, erp: ErpConnection | None) -> Iterator[CheckLine]:
    """That a vendor is not linked, where it is not known whether the ERP needs that."""
    is_looked_for = any(each.name == VENDOR for each in checked_lists(erp))
    if not (content.vendor.erp_code or is_looked_for or (erp and erp.limits.needs_vendor_code)):
        yield CheckLine("Vendor code", "None", f"Not known whether {erp_title(erp)} needs one", None, is_known=False)


def _limit(characters: int | None, *, is_cut: bool = False) -> str:
    if characters is None:
        return _UNKNOWN_LIMIT
    return f"{counted(characters, 'character')}; longer ones are cut" if is_cut else counted(characters, "character")


def _sentence(words: str) -> str:
    """`words` with a capital letter at their beginning."""
    return f"{words[:1].upper()}{words[1:]}"
