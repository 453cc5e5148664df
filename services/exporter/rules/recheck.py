"""Looks at the ERP again after a doubt has ended: a slow ERP may store a second document when nobody waits any more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from schemas.commitment import ErpDocument
from schemas.envelope import Event
from schemas.events import EventData
from services.exporter.connectors.types import FindAnswer, FoundDocument, Transient
from services.exporter.rules.approvers_words import Evidence
from services.exporter.rules.export import CommitmentExports, Doubt, Export, ExportState
from services.exporter.rules.marker import marked_reopened, marked_revision, written_as
from services.exporter.rules.policy import RECHECK_RETRY, RECHECKS
from services.exporter.rules.published_events import Events, succeeded_event

_ENDED = (ExportState.SUCCEEDED, ExportState.FAILED, ExportState.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class Recheck:
    """When to look next for late documents of one commitment in one ERP; `told` are the ids of those found there."""

    commitment_id: str
    company_id: str
    connection: str
    due_at: datetime
    looks: int = 0
    told: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look leads to: the exports, the documents that nobody knew, their events, and the next look, if any.

    `is_overwritten` says that the document of the newest success holds what was written before: a late update.
    """

    exports: CommitmentExports
    late: tuple[FoundDocument, ...] = ()
    publish: Events = ()
    following: Recheck | None = None
    is_overwritten: bool = False


def first_rechecks(before: CommitmentExports, after: CommitmentExports) -> tuple[Recheck, ...]:
    """When to look first in each ERP of which a doubt has ended between `before` and `after`.

    The first of several writes may still be on its way, whichever outcome has ended the doubt. It is on its way to the
    ERP that the export was sent to: the commitment's document, or the export's next round, may be in another one.
    """
    planned: dict[str, Recheck] = {}
    for revision, export in after.by_revision.items():
        known = before.by_revision.get(revision)
        if known and known.connection and (_has_ended(known, export) or _goes_elsewhere(known, export)):
            due_at = export.state_since + RECHECKS[0]
            planned[known.connection] = Recheck(export.commitment_id, export.company_id, known.connection, due_at)
    return tuple(planned.values())


def after_look(
    exports: CommitmentExports, recheck: Recheck, found: FindAnswer, now: datetime, names: Collection[str] = ()
) -> Looked:
    """Decide what a look leads to. A look that found nothing out is repeated; a refused one counts, so that it ends.

    `names` are all that the connection has, or had. The commitment may have gone to another ERP meanwhile: a document
    that it has there, with whatever id, is none of those that were found here.
    """
    if isinstance(found, Transient):
        return Looked(exports, following=replace(recheck, due_at=now + RECHECK_RETRY))
    counted = replace(recheck, looks=recheck.looks + 1)
    here = frozenset((recheck.connection, *names))
    ours = _ours(exports, found)
    again = _in_doubt_again(exports, recheck.connection, here, ours, now)
    if again is not exports:
        return Looked(again, following=_following(counted, now))
    late, success = _late_documents(exports, recheck, ours, here), exports.newest_success
    if success is None:
        return Looked(exports, following=_following(_not_the_last(counted) if late else counted, now))
    told = replace(counted, told=recheck.told | {document.id for document in late})
    events = tuple(_event(exports, success, recheck.connection, document, now) for document in late)
    return Looked(exports, late, events, _following(told, now), _is_overwritten(success, ours, here))


def _has_ended(before: Export, after: Export) -> bool:
    return before.quiet_until is not None and after.state in _ENDED and before.state is not after.state


def _goes_elsewhere(before: Export, after: Export) -> bool:
    """Whether an order sends to another ERP what waited to be sent again to the one that lost it."""
    if before.quiet_until is None or before.state in _ENDED:
        return False
    return after.state is ExportState.PENDING and before.connection != after.connection


def _ours(exports: CommitmentExports, found: FindAnswer) -> tuple[FoundDocument, ...]:
    """Return the documents with a marker of ours."""
    return tuple(
        document
        for document in (found if isinstance(found, tuple) else ())
        if isinstance(document, FoundDocument) and marked_revision(document.marker, exports.commitment_id) is not None
    )


def _late_documents(
    exports: CommitmentExports, recheck: Recheck, ours: Sequence[FoundDocument], here: Collection[str]
) -> tuple[FoundDocument, ...]:
    """Return those of `ours` that no event has named yet."""
    known = [
        each.model_copy(update={"connection": recheck.connection})
        for each in _known(exports)
        if each.connection in here
    ]
    return tuple(
        document
        for document in ours
        if document.id not in recheck.told
        and not any(each.is_same_as(_erp_document(recheck.connection, document)) for each in known)
    )


def _is_overwritten(success: Export, ours: Sequence[FoundDocument], here: Collection[str]) -> bool:
    """Whether an update that had been given up has landed on what was written to the document since."""
    known = success.document
    if known is None or known.connection not in here:
        return False
    return any(
        written < success.written and known.is_same_as(_erp_document(known.connection, document))
        for document in ours
        if (written := written_as(document.marker, success.commitment_id))
    )


def _known(exports: CommitmentExports) -> Collection[ErpDocument]:
    """The documents that somebody was told of; evidence that turned out to be none was never told."""
    written = [export.document for export in exports.by_revision.values() if export.document]
    confirmed = [
        each.document for revision, each in exports.resolved.items() if not _is_refused(exports, revision, each)
    ]
    return [*written, *confirmed, *(each.document for each in exports.replaced)]


def _is_refused(exports: CommitmentExports, revision: int, evidence: Evidence) -> bool:
    export = exports.by_revision.get(revision)
    return export is not None and export.reopened == evidence.reopened and evidence.number <= export.refused_evidence


def _event(
    exports: CommitmentExports, success: Export, connection: str, document: FoundDocument, now: datetime
) -> Event[EventData]:
    revision = marked_revision(document.marker, exports.commitment_id) or success.revision
    export = exports.by_revision.get(revision, success)
    written = replace(export, reopened=min(marked_reopened(document.marker), export.reopened))
    return succeeded_event(written, _erp_document(connection, document), now)


def _in_doubt_again(
    exports: CommitmentExports, connection: str, here: Collection[str], ours: Sequence[FoundDocument], now: datetime
) -> CommitmentExports:
    """Put a failed export that turned up after all into doubt again: its next probe settles it as any other.

    One that is in doubt, and for which somebody has to look, is probed again.

    It may be a new document, or the one that is known if an update was late. The ERP that shows it is asked, also if
    the export has failed in another one since.
    """
    if exports.lease is None and (waiting := _waits_for_a_person(exports, here, ours)):
        return exports.with_export(replace(waiting, due_at=now))
    started = any(each.state in (ExportState.IN_FLIGHT, ExportState.IN_DOUBT) for each in exports.by_revision.values())
    failed = [
        export
        for document in ours
        if (export := exports.by_revision.get(marked_revision(document.marker, exports.commitment_id) or 0))
        and export.state is ExportState.FAILED
        and document.marker == export.marker
    ]
    if started or not failed:
        return exports
    message = "The export had failed, and the ERP shows its document now."
    doubted = replace(
        failed[0].moved_to(ExportState.IN_DOUBT, now, due_at=now), doubt=Doubt(message=message, has_failed=True)
    )
    if doubted.connection not in here:
        doubted = replace(doubted, connection=connection)
    is_asked_here = exports.connection_for(doubted) in here
    return exports.with_export(doubted) if is_asked_here else exports


def _waits_for_a_person(
    exports: CommitmentExports, here: Collection[str], ours: Sequence[FoundDocument]
) -> Export | None:
    """Return the export that somebody has to look for, if the ERP shows it by now."""
    export = exports.current
    if export is None or export.state is not ExportState.IN_DOUBT or export.due_at is not None:
        return None
    is_shown = any(document.marker == export.marker for document in ours)
    return export if is_shown and exports.connection_for(export) in here else None


def _erp_document(connection: str, document: FoundDocument) -> ErpDocument:
    return ErpDocument(connection=connection, id=document.id, number=document.number, url=document.url)


def _not_the_last(recheck: Recheck) -> Recheck:
    """Let the looks go on as long as they have found what nobody could be told of, since no export has an outcome."""
    return replace(recheck, looks=min(recheck.looks, len(RECHECKS) - 1))


def _following(recheck: Recheck, now: datetime) -> Recheck | None:
    if recheck.looks >= len(RECHECKS):
        return None
    return replace(recheck, due_at=now + RECHECKS[recheck.looks])
