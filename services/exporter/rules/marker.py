"""The marker that identifies, in a document in the ERP, a revision and its exact content."""

import re

from schemas.limits import MAX_REVISION

_MAX_DIGITS = len(str(MAX_REVISION))
_MARKER = re.compile(r"(?P<commitment_id>.+)/[0-9]+/[0-9a-f]{64}(/(?P<reopened>[0-9]{1,7}))?")


def marker_of(commitment_id: str, revision: int, content_hash: str, reopened: int = 0) -> str:
    """The marker of this content of this revision; what is written again has another one than before."""
    again = f"/{reopened}" if reopened else ""
    return f"{commitment_id}/{revision}/{content_hash}{again}"


def written_as(marker: str | None, commitment_id: str) -> tuple[int, int] | None:
    """(revision, reopened) in `marker`, the higher the later; None if it is not a marker of this commitment."""
    revision = marked_revision(marker, commitment_id)
    return None if revision is None else (revision, marked_reopened(marker))


def marked_reopened(marker: str | None) -> int:
    """How often the revision had been reopened when it was written with `marker`; 0 if that does not say."""
    match = _MARKER.fullmatch(marker or "")
    return int(match["reopened"] or 0) if match else 0


def is_of_another(marker: str | None, commitment_id: str) -> bool:
    """Whether `marker` is that of another commitment."""
    match = _MARKER.fullmatch(marker or "")
    return match is not None and match["commitment_id"] != commitment_id


def marked_revision(marker: str | None, commitment_id: str) -> int | None:
    """The revision in `marker`; None if it is not a marker of this commitment."""
    if marker is None or not marker.startswith(f"{commitment_id}/"):
        return None
    revision, _, content_hash = marker.removeprefix(f"{commitment_id}/").partition("/")
    is_revision = revision.isascii() and revision.isdigit() and len(revision) <= _MAX_DIGITS
    return int(revision) if is_revision and content_hash else None
