"""Our marker in the memo of an order: it stands first, and people may have moved it or written around it."""

import re

_MARKER = re.compile(r"(?P<commitment_id>\S+)/[0-9]{1,7}/[0-9a-f]{64}(/[0-9]{1,7})?")


def marker_in(memo: str | None) -> str | None:
    """Return the first word of `memo` that is a marker of ours, of whichever commitment; None without one."""
    return next((word for word in (memo or "").split() if _MARKER.fullmatch(word)), None)


def marker_of(memo: str | None, reference: str) -> str | None:
    """Return the marker of `memo` if it is of the commitment `reference`; further ones may be quotations."""
    marker = marker_in(memo)
    return marker if reference_in(marker) == reference else None


def reference_in(marker: str | None) -> str | None:
    """Return the id of the commitment that `marker` is of; None if it is no marker."""
    match = _MARKER.fullmatch(marker or "")
    return match["commitment_id"] if match else None
