"""The marker by which a document in the ERP is recognised as one revision's very content."""


def marker_of(commitment_id: str, revision: int, content_hash: str) -> str:
    """The text that a document carries so that exactly this content of this revision is recognised in it."""
    return f"{commitment_id}/{revision}/{content_hash}"


def marked_revision(marker: str | None, commitment_id: str) -> int | None:
    """The revision that `marker` names; None where it is not a marker of this commitment."""
    if marker is None or not marker.startswith(f"{commitment_id}/"):
        return None
    revision, _, content_hash = marker.removeprefix(f"{commitment_id}/").partition("/")
    return int(revision) if revision.isascii() and revision.isdigit() and content_hash else None
