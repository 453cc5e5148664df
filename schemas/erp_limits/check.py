"""The table of all rules about an ERP's limits, and what of a commitment breaks them."""

from dataclasses import dataclass

from schemas.commitment import Commitment
from schemas.erp_limits.header_rules import NoCharacters, TextLength, VendorCode
from schemas.erp_limits.line_rules import LineCode, LineDigits, LineTextLength, OneCostType, OrderQuantities, SomeLine
from schemas.erp_limits.rule import LimitRule
from schemas.events.limits_profile import LimitsProfile


@dataclass(frozen=True, slots=True)
class BrokenLimit:
    """A limit that a commitment breaks, in one sentence; `remedy` is what its project has to do.

    If it `is_cut`, the ERP takes the commitment and keeps only the beginning.
    """

    rule: str
    text: str
    remedy: str
    is_cut: bool = False


HEADER_RULES: tuple[LimitRule, ...] = (
    TextLength(
        "number", lambda limits: limits.number_characters, lambda it: it.number, lambda limits: limits.truncates_number
    ),
    NoCharacters("number", lambda limits: limits.forbidden_number_characters, lambda it: it.number),
    TextLength(
        "title", lambda limits: limits.title_characters, lambda it: it.title, lambda limits: limits.truncates_title
    ),
    NoCharacters("title", lambda limits: limits.forbidden_title_characters, lambda it: it.title),
    TextLength("vendor name", lambda limits: limits.vendor_name_characters, lambda it: it.vendor.name),
    VendorCode(),
    TextLength("job code", lambda limits: limits.job_code_characters, lambda it: it.project.erp_job_code),
)
LINE_RULES: tuple[LimitRule, ...] = (
    SomeLine("lines", "add its lines"),
    LineCode(
        "cost codes",
        "give every line a cost code",
        "cost code",
        lambda limits: limits.needs_cost_code,
        lambda line: line.cost_code,
    ),
    LineCode(
        "cost types",
        "give every line a cost type",
        "cost type",
        lambda limits: limits.needs_cost_type,
        lambda line: line.cost_type,
    ),
    OneCostType("one cost type", "make it one commitment for each cost type"),
    OrderQuantities("order quantities", "give every line a quantity and a unit cost"),
    LineTextLength(
        "line descriptions",
        "shorten the descriptions of these lines",
        "description",
        lambda limits: limits.line_description_characters,
        lambda line: line.description,
    ),
    LineTextLength(
        "units",
        "shorten the units of these lines",
        "unit",
        lambda limits: limits.unit_characters,
        lambda line: line.unit,
    ),
    LineDigits(
        "quantities",
        "write the quantities of these lines with fewer digits",
        "quantity",
        lambda limits: limits.quantity_whole_digits,
        lambda limits: limits.quantity_decimals,
        lambda line: line.quantity,
    ),
    LineDigits(
        "unit costs",
        "write the unit costs of these lines with fewer digits",
        "unit cost",
        lambda limits: limits.unit_cost_whole_digits,
        lambda limits: limits.unit_cost_decimals,
        lambda line: line.unit_cost,
    ),
    LineDigits(
        "amounts",
        "write the amounts of these lines with fewer digits",
        "amount",
        lambda limits: limits.amount_whole_digits,
        lambda limits: limits.amount_decimals,
        lambda line: line.amount,
    ),
)
RULES = (*HEADER_RULES, *LINE_RULES)


def broken_limits(commitment: Commitment, limits: LimitsProfile, erp: str) -> tuple[BrokenLimit, ...]:
    """All that `erp`, as people call it, does not take of `commitment` as it is, in the order of the rules."""
    broken = ((rule, rule.broken_by(commitment, limits)) for rule in RULES)
    return tuple(
        BrokenLimit(rule.name, f"{erp} takes {rule.taken(limits)}; {how}.", rule.remedy, rule.is_cut(limits))
        for rule, how in broken
        if how
    )
