"""Counts what became of commitments: in the ERP's own journal, and in what the desk shows people."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.erp.journal import Did, Entry
from tests.chaos.storm_people import Row, Sent, waits_for_people

OPEN = ("failed", "in_doubt")
Books = Mapping[str, Sequence["Stored"]]


@dataclass(frozen=True, slots=True)
class Stored:
    """A document in the ERP, and the marker of what was written to it last."""

    id: str
    marker: str

    @property
    def number(self) -> str:
        """What people call it."""
        return f"PO-{self.id}"


def books_of(entries: Iterable[Entry]) -> Books:
    """Return the documents of each commitment, by the calls that took effect."""
    documents: dict[str, tuple[str, str]] = {}
    for entry in entries:
        if entry.did in (Did.CREATED, Did.UPDATED) and entry.document_id:
            documents[entry.document_id] = entry.reference or "", entry.marker or ""
    books = defaultdict(list)
    for document_id, (reference, marker) in documents.items():
        books[reference].append(Stored(document_id, marker))
    return books


@dataclass(frozen=True, slots=True)
class Outcome:
    """One commitment at the end: what was sent last, what the ERP has, and what the desk shows."""

    commitment_id: str
    sent: Sent
    documents: Sequence[Stored]
    row: Row | None

    @property
    def status(self) -> str:
        """The status on the desk."""
        return str(self.row["status"]) if self.row else "unknown to the desk"

    @property
    def is_open(self) -> bool:
        """Whether people see on the desk that it waits for them, or for an answer of the ERP."""
        return self.status in OPEN

    @property
    def is_right(self) -> bool:
        """Whether the desk shows the last revision as synced, and the ERP has exactly that."""
        is_synced = self.row is not None and self.status == "synced" and self.row["revision"] == self.sent.revision
        return is_synced and self.written is not None

    @property
    def is_untold(self) -> bool:
        """Whether the ERP has more than one document, and the desk does not name each of them."""
        words = str(self.row["message"]) if self.row else ""
        return len(self.documents) > 1 and not all(document.number in words for document in self.documents)

    @property
    def why_open(self) -> str:
        """Why it waits, in a few words."""
        if self.row is None:
            return self.status
        doubt = "waits for an approver" if waits_for_people(self.row) else "is still being asked for"
        return f"{self.status}: {self.row['failure_code'] or self.row['failure_class'] or doubt}"

    @property
    def written(self) -> str | None:
        """The id of the document that has its last revision."""
        marker = f"{self.commitment_id}/{self.sent.revision}/{self.sent.content_hash}"
        return next((each.id for each in self.documents if each.marker == marker), None)


def outcomes(sent: Mapping[str, Sent], books: Books, rows: Mapping[str, Row]) -> list[Outcome]:
    """Return what became of everything that was sent."""
    return [Outcome(each, sent[each], books.get(each, ()), rows.get(each)) for each in sent]


def is_over(sent: Mapping[str, Sent], rows: Mapping[str, Row]) -> bool:
    """Whether nothing moves any more: each is synced at its last revision, or waits for people."""
    return all((row := rows.get(each)) and _has_ended(row, sent[each].revision) for each in sent)


def is_unfinished(each: Outcome) -> bool:
    """Whether it is neither in the ERP at its last revision nor waiting for people."""
    return not each.is_right and not (each.row and waits_for_people(each.row))


def _has_ended(row: Row, revision: int) -> bool:
    return waits_for_people(row) or (row["status"] == "synced" and row["revision"] == revision)


def counted(counts: Counter[str]) -> str:
    """Return counts in words, the most frequent first."""
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common()) or "none"


def open_items(ended: Iterable[Outcome]) -> list[str]:
    """Name the commitments that wait, by why they do."""
    names = defaultdict(list)
    for each in ended:
        if each.is_open:
            names[each.why_open].append(each.commitment_id)
    return [f"{why}: {', '.join(ids)}" for why, ids in sorted(names.items())]
