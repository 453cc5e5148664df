"""The marker that identifies, in a document in the ERP, a revision and its exact content."""

from schemas.limits import MAX_REVISION

_MAX_DIGITS = len(str(MAX_REVISION))


def marker_of(commitment_id: str, revision: int, content_hash: str) -> str:
    """The marker of this content of this revision."""
    return f"{commitment_id}/{revision}/{content_hash}"


def marked_revision(marker: str | None, commitment_id: str) -> int | None:
    """The revision in `marker`; None if it is not a marker of this commitment."""
    if marker is None or not marker.startswith(f"{commitment_id}/"):
        return None
    revision, _, content_hash = marker.removeprefix(f"{commitment_id}/").partition("/")
    is_revision = revision.isascii() and revision.isdigit() and len(revision) <= _MAX_DIGITS
    return int(revision) if is_revision and content_hash else None
