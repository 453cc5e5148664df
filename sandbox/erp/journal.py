"""A record of every call to the ERP and what it did, in memory and on disk, from which tests count documents."""

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from sandbox.erp.faults import ErpFaultKind
from sandbox.erp.order import Order
from schemas.fields import Revision


class Did(StrEnum):
    """What a call did in the ERP."""

    SEARCHED = "searched"
    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    NOTHING = "nothing"


class Entry(BaseModel):
    """One call; `answered` is the status sent, or None if the connection was cut instead."""

    model_config = ConfigDict(frozen=True)

    at: AwareDatetime
    method: str
    reference: str | None = None
    marker: str | None = None
    revision: Revision | None = None
    did: Did
    document_id: str | None = None
    answered: int | None
    fault: ErpFaultKind | None = None
    order: Order | None = None


class Journal:
    """The calls in the order in which they took effect; with a `path`, each is on disk before it is answered."""

    def __init__(self, entries: Iterable[Entry] = (), path: Path | None = None) -> None:
        self.entries = list(entries)
        self._path = path

    @classmethod
    def at(cls, path: Path | None) -> Self:
        """The journal at `path`, with the entries of an earlier ERP; in memory only if `path` is None."""
        if path is None or not path.exists():
            return cls(path=path)
        return cls([Entry.model_validate_json(line) for line in path.read_text().splitlines()], path)

    def add(self, entry: Entry) -> None:
        """Append `entry`; on disk, it survives a killed process."""
        self.entries.append(entry)
        if self._path:
            with self._path.open("a") as file:
                file.write(entry.model_dump_json() + "\n")

    def about(self, reference: str | None) -> list[Entry]:
        """The calls about `reference`; all calls if it is None."""
        return [entry for entry in self.entries if reference is None or entry.reference == reference]

    def created(self) -> Counter[str]:
        """The number of documents created for each reference; more than 1 means that a document was written twice."""
        return Counter(entry.reference for entry in self.entries if entry.did == Did.CREATED and entry.reference)
