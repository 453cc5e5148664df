"""Rules about the schedule of values; each looks at every line once, and only where its limit is known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schemas.commitment import Commitment, Line
from schemas.erp_limits.rule import counted, excerpt
from schemas.events.limits_profile import LimitsProfile
from schemas.fields import Kind

MAX_NAMED_LINES = 3


@dataclass(frozen=True, slots=True)
class LineRule:
    """What all rules about lines share."""

    name: str
    remedy: str

    def is_cut(self, limits: LimitsProfile) -> bool:
        """No ERP that we know cuts anything in a line."""
        del limits
        return False


@dataclass(frozen=True, slots=True)
class LineTextLength(LineRule):
    """A field of a line has at most so many characters."""

    field: str
    limit: Callable[[LimitsProfile], int | None]
    text: Callable[[Line], str | None]

    def taken(self, limits: LimitsProfile) -> str:
        """So many characters."""
        limit = self.limit(limits)
        return f"{counted(limit, 'character')} in the {self.field} of a line" if limit else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The lines with a longer one."""
        limit, text = self.limit(limits), self.text
        if limit is None:
            return ""
        longer = [line for line in commitment.lines if len(text(line) or "") > limit]
        return f"{commitment.number} has more in {_named(longer, text)}" if longer else ""


@dataclass(frozen=True, slots=True)
class LineDigits(LineRule):
    """A figure of a line has at most so many digits before and after the point; zeros at its ends do not count."""

    field: str
    whole: Callable[[LimitsProfile], int | None]
    decimals: Callable[[LimitsProfile], int | None]
    figure: Callable[[Line], str]

    def taken(self, limits: LimitsProfile) -> str:
        """So many digits."""
        whole, decimals = self.whole(limits), self.decimals(limits)
        before = "" if whole is None else f"{counted(whole, 'digit')} before"
        after = "" if decimals is None else f"{decimals} after" if before else f"{counted(decimals, 'digit')} after"
        sides = " and ".join(side for side in (before, after) if side)
        return f"{sides} the point in the {self.field} of a line" if sides else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The lines with more digits."""
        whole, decimals, figure = self.whole(limits), self.decimals(limits), self.figure
        if whole is None and decimals is None:
            return ""
        longer = [line for line in commitment.lines if _has_more_digits(figure(line), whole, decimals)]
        return f"{commitment.number} has more in {_named(longer, figure)}" if longer else ""


@dataclass(frozen=True, slots=True)
class LineCode(LineRule):
    """Every line has a certain code."""

    field: str
    is_needed: Callable[[LimitsProfile], bool]
    code: Callable[[Line], str | None]

    def taken(self, limits: LimitsProfile) -> str:
        """No line without it."""
        return f"no line without a {self.field}" if self.is_needed(limits) else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The lines without it."""
        if not self.is_needed(limits):
            return ""
        code = self.code
        without = [line for line in commitment.lines if not (code(line) or "").strip()]
        return f"{commitment.number} has none in {_named(without)}" if without else ""


@dataclass(frozen=True, slots=True)
class OneCostType(LineRule):
    """All lines that have a cost type have the same."""

    def taken(self, limits: LimitsProfile) -> str:
        """One for all."""
        return "one cost type for all lines" if limits.one_cost_type_only else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The first lines with each cost type."""
        if not limits.one_cost_type_only:
            return ""
        first = {line.cost_type: line for line in reversed(commitment.lines) if line.cost_type}
        lines = sorted(first.values(), key=lambda line: line.position)
        return f"{commitment.number} has {_named(lines, lambda line: line.cost_type)}" if len(lines) > 1 else ""


@dataclass(frozen=True, slots=True)
class SomeLine(LineRule):
    """There is a line."""

    def taken(self, limits: LimitsProfile) -> str:
        """Nothing without lines."""
        return "no commitment without lines" if limits.needs_lines else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """That it has none."""
        return f"{commitment.number} has none" if limits.needs_lines and not commitment.lines else ""


@dataclass(frozen=True, slots=True)
class OrderQuantities(LineRule):
    """Every line of a purchase order has a quantity and a unit cost."""

    def taken(self, limits: LimitsProfile) -> str:
        """No lump sums."""
        return "no line of a purchase order without a quantity and a unit cost" if limits.needs_order_quantities else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The lines of a purchase order that lack one of them."""
        if not limits.needs_order_quantities or commitment.kind is not Kind.PURCHASE_ORDER:
            return ""
        without = [line for line in commitment.lines if _is_zero(line.quantity) or _is_zero(line.unit_cost)]
        return f"{commitment.number} has none in {_named(without)}" if without else ""


def _has_more_digits(figure: str, whole: int | None, decimals: int | None) -> bool:
    before, _, after = figure.partition(".")
    is_larger = whole is not None and len(before.lstrip("-0")) > whole
    return is_larger or (decimals is not None and len(after.rstrip("0")) > decimals)


def _is_zero(figure: str) -> bool:
    return not figure.strip("-0.")


def _named(lines: Sequence[Line], value: Callable[[Line], str | None] | None = None) -> str:
    """The first of `lines`, with their values if asked for, and how many more there are."""
    shown = [f"line {line.position}{_shown(line, value)}" for line in lines[:MAX_NAMED_LINES]]
    more = len(lines) - len(shown)
    return f"{', '.join(shown)}{f' and {more:,} more' if more else ''}"


def _shown(line: Line, value: Callable[[Line], str | None] | None) -> str:
    return f" ({excerpt(value(line) or '')})" if value else ""
