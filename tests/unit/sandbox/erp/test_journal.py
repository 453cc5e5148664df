"""The journal on disk outlives the ERP, and counts created documents."""

from datetime import UTC, datetime
from pathlib import Path

from sandbox.erp.journal import Did, Entry, Journal
from tests.erp_orders import an_order

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def an_entry(reference: str, did: Did) -> Entry:
    return Entry(at=NOW, method="POST", reference=reference, did=did, answered=None, order=an_order())


def test_a_journal_on_disk_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal.at(path)
    first.add(an_entry("c-1", Did.CREATED))
    second = Journal.at(path)
    second.add(an_entry("c-2", Did.NOTHING))
    assert Journal.at(path).entries == [*first.entries, *second.entries[1:]]


def test_created_documents_are_counted_by_reference() -> None:
    did = [("c-1", Did.CREATED), ("c-1", Did.UPDATED), ("c-2", Did.NOTHING), ("c-1", Did.CREATED)]
    journal = Journal(an_entry(*entry) for entry in did)
    assert journal.created() == {"c-1": 2}
    assert len(journal.about("c-2")) == 1
