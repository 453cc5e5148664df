"""The marker that identifies, in a document in the ERP, a revision and its exact content."""


def marker_of(commitment_id: str, revision: int, content_hash: str) -> str:
    """The marker of this content of this revision."""
    return f"{commitment_id}/{revision}/{content_hash}"


def marked_revision(marker: str | None, commitment_id: str) -> int | None:
    """The revision in `marker`; None if it is not a marker of this commitment."""
    if marker is None or not marker.startswith(f"{commitment_id}/"):
        return None
    revision, _, content_hash = marker.removeprefix(f"{commitment_id}/").partition("/")
    return int(revision) if revision.isascii() and revision.isdigit() and content_hash else None
