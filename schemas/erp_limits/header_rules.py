"""Rules about a commitment's own fields: number, title, vendor and job."""

from collections.abc import Callable
from dataclasses import dataclass

from schemas.commitment import Commitment
from schemas.erp_limits.rule import counted, excerpt, named
from schemas.events.limits_profile import LimitsProfile


def _is_never_cut(limits: LimitsProfile) -> bool:
    del limits
    return False


@dataclass(frozen=True, slots=True)
class TextLength:
    """A field has at most so many characters; some ERPs cut a longer one in silence."""

    name: str
    limit: Callable[[LimitsProfile], int | None]
    text: Callable[[Commitment], str | None]
    is_cut: Callable[[LimitsProfile], bool] = _is_never_cut

    @property
    def remedy(self) -> str:
        """Shorten it."""
        return f"shorten the {self.name}"

    def taken(self, limits: LimitsProfile) -> str:
        """So many characters."""
        limit = self.limit(limits)
        return f"{counted(limit, 'character')} in the {self.name}" if limit else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The length of a field that is too long, or what is left of it."""
        limit, text = self.limit(limits), self.text(commitment) or ""
        if limit is None or len(text) <= limit:
            return ""
        if self.is_cut(limits):
            return f"{_of(commitment, text)} would become {excerpt(text[:limit])}"
        return f"{_of(commitment, text)} has {len(text):,}"


@dataclass(frozen=True, slots=True)
class NoCharacters:
    """A field contains none of certain characters."""

    field: str
    forbidden: Callable[[LimitsProfile], str | None]
    text: Callable[[Commitment], str]
    is_cut: Callable[[LimitsProfile], bool] = _is_never_cut

    @property
    def name(self) -> str:
        """The field's characters."""
        return f"{self.field} characters"

    @property
    def remedy(self) -> str:
        """Write it without them."""
        return f"write the {self.field} without it"

    def taken(self, limits: LimitsProfile) -> str:
        """None of the characters."""
        return (
            f"no {' or '.join(named(forbidden))} in the {self.field}" if (forbidden := self.forbidden(limits)) else ""
        )

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The characters that the field has."""
        text = self.text(commitment)
        found = "".join(each for each in self.forbidden(limits) or "" if each in text)
        return f"{_of(commitment, text)} has {' and '.join(named(found))}" if found else ""


@dataclass(frozen=True, slots=True)
class VendorCode:
    """The vendor is linked to the ERP's."""

    name: str = "vendor code"
    remedy: str = "link the vendor to the ERP's"
    is_cut: Callable[[LimitsProfile], bool] = _is_never_cut

    def taken(self, limits: LimitsProfile) -> str:
        """No vendor without a code."""
        return "no vendor without a code" if limits.needs_vendor_code else ""

    def broken_by(self, commitment: Commitment, limits: LimitsProfile) -> str:
        """The vendor that has none."""
        is_missing = limits.needs_vendor_code and not (commitment.vendor.erp_code or "").strip()
        return f"{commitment.vendor.name}, the vendor of {commitment.number}, has none" if is_missing else ""


def _of(commitment: Commitment, text: str) -> str:
    """What `text` is called: the commitment's number is enough for itself."""
    return commitment.number if text == commitment.number else f"that of {commitment.number} ({excerpt(text)})"
