"""An ERP in memory with the documents of one commitment, whose calls fail in every way while it is not calm."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from schemas.fields import FailureClass
from services.exporter.connectors.types import (
    ErpCopy,
    FindAnswer,
    FoundDocument,
    Gone,
    Landed,
    ReadAnswer,
    Refused,
    Transient,
    Unknown,
    UnreadableDocument,
    WriteAnswer,
    WriteRequest,
)

BAD_FINDS: tuple[FindAnswer, ...] = (
    Transient("It is away."),
    Transient("It answers without a list.", is_reached=True),
    Transient("It is busy.", retry_after_seconds=1, is_reached=True),
    Refused(FailureClass.FIX_SETUP, "The token is not accepted."),
    (),
    (UnreadableDocument("PO-?"),),
    (FoundDocument("77", "PO-77"),),
)
BAD_WRITES: tuple[WriteAnswer, ...] = (
    Transient("It is away."),
    Transient("It is busy.", retry_after_seconds=1, is_reached=True),
    Refused(FailureClass.FIX_DATA, "The vendor is not known.", "V-1"),
)
LOST_WRITES: tuple[Unknown, ...] = (
    Unknown("The answer was lost."),
    Unknown("It said 500.", Refused(FailureClass.FIX_SETUP, "It said 500.")),
)
LATE_SECONDS = (1, 2, 8, 100)
FIND_FAILS, WRITE_FAILS, PROCESS_DIES = 0.3, 0.5, 0.1


class ProcessDiedError(BaseException):
    """The exporter dies while the ERP works; no handler of errors may catch it."""


class FaultyErp:
    """A connector and its ERP: `documents` are the markers by id."""

    enforces_reference = False
    can_read = True

    def __init__(self, chance: Random, now: Callable[[], datetime]) -> None:
        self.documents: dict[str, str] = {}
        self.is_calm = False
        self._chance = chance
        self._now = now
        self._ids = 1000
        self._late: list[tuple[datetime, str, str]] = []

    async def find(self, reference: str) -> FindAnswer:  # noqa: ARG002 - there is one commitment only
        """List all documents, or fail."""
        self._store_late()
        if self._fails(FIND_FAILS):
            return self._chance.choice(BAD_FINDS)
        return tuple(self._found(each) for each in self.documents)

    async def read(self, name: str) -> ReadAnswer:
        """Show a document by its id or number."""
        self._store_late()
        document_id = name.removeprefix("PO-")
        if document_id in self.documents:
            return ErpCopy(self._found(document_id))
        return Gone(FailureClass.WAIT_FOR_DEPENDENCY, "There is none.")

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Store a new document, or fail."""
        self._ids += 1
        return self._write(str(self._ids), request.marker)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Change a document, or fail."""
        if document_id not in self.documents:
            return Gone(FailureClass.WAIT_FOR_DEPENDENCY, "There is none.")
        return self._write(document_id, request.marker)

    async def close(self) -> None:
        """Nothing is open."""

    def _write(self, document_id: str, marker: str) -> WriteAnswer:
        self._store_late()
        if self._fails(WRITE_FAILS):
            if self._chance.random() < PROCESS_DIES:
                self._store_perhaps(document_id, marker)
                raise ProcessDiedError
            if self._chance.random() < len(BAD_WRITES) / 8:
                return self._chance.choice(BAD_WRITES)
            self._store_perhaps(document_id, marker)
            return self._chance.choice(LOST_WRITES)
        self.documents[document_id] = marker
        return Landed((self._found(document_id),))

    def _fails(self, probability: float) -> bool:
        return not self.is_calm and self._chance.random() < probability

    def _store_perhaps(self, document_id: str, marker: str) -> None:
        """Store it now, later, or not at all."""
        when = self._chance.choice(("now", "late", "never"))
        if when == "now":
            self.documents[document_id] = marker
        elif when == "late":
            at = self._now() + timedelta(seconds=self._chance.choice(LATE_SECONDS))
            self._late.append((at, document_id, marker))

    def _store_late(self) -> None:
        due = [each for each in self._late if each[0] <= self._now()]
        self._late = [each for each in self._late if each not in due]
        self.documents |= {document_id: marker for _, document_id, marker in due}

    def _found(self, document_id: str) -> FoundDocument:
        return FoundDocument(document_id, f"PO-{document_id}", None, self.documents[document_id])
