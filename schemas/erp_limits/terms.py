"""What an ERP does not take of what an approver adds: the document number and the note."""

from schemas.erp_limits.rule import counted, named
from schemas.events.limits_profile import LimitsProfile

_HASH_CHARACTERS = 64
"""Of the content hash at the end of the marker."""


def wrong_document_number(code: str, limits: LimitsProfile, erp: str) -> str:
    """Why `erp` does not take `code` as a document's number, without a period at its end; empty if it does."""
    limit = limits.number_characters
    if limit and len(code) > limit:
        return f"{erp} takes {counted(limit, 'character')} in the document number; {code} has {len(code)}"
    found = "".join(each for each in limits.forbidden_number_characters or "" if each in code)
    return f"{erp} takes no {' or '.join(named(found))} in the document number, as in {code}" if found else ""


def long_memo(
    note: str | None, commitment_id: str, revision: int, limits: LimitsProfile, erp: str, reopened: int = 0
) -> str:
    """Why `note` does not fit the memo of `erp`, which begins with the revision's marker; empty if it does.

    The marker of a revision that was `reopened` says how often.
    """
    limit = limits.memo_characters
    if limit is None or not note:
        return ""
    again = f"/{reopened}" if reopened else ""
    marker_characters = len(f"{commitment_id}/{revision}/{again}") + _HASH_CHARACTERS
    room = max(limit - marker_characters - 1, 0)
    if len(note) <= room:
        return ""
    return (
        f"{erp} takes {limit:,} characters in the memo; {room:,} are left for a note, and this one has {len(note):,}."
    )
