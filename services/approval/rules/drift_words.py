"""Says in a few words how a document in the ERP differs from what was exported."""

from collections.abc import Sequence

from schemas.events import Change

_NAMED = 3
"""How many differences a sentence names."""


def drift_words(*, is_missing: bool, differences: Sequence[Change]) -> str:
    """What differs, as the end of a sentence without its full stop."""
    if is_missing:
        return "the ERP no longer has it"
    if not differences:
        return "nothing differs"
    named = "; ".join(
        f"{each.field} was {each.before or 'absent'}, is {each.after or 'absent'}" for each in differences[:_NAMED]
    )
    others = len(differences) - _NAMED
    return f"{named}; and {others} more" if others > 0 else named


def _difference(change: Change) -> str:
    return f"{change.field} was {change.before or 'absent'}, is {change.after or 'absent'}"
