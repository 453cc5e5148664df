"""Documents are read as they were written, also by an earlier release."""

import json

from schemas.commitment import ErpDocument
from services.exporter.rules.approvers_words import Evidence, Replaced
from services.exporter.storage.document_json import replaced_in, replaced_json, resolved_in, resolved_json

DOCUMENT = ErpDocument(connection="main", id="1001", number="PO-1001")
PLAIN = {"connection": "main", "id": "1001", "number": "PO-1001"}


def test_what_is_written_is_read() -> None:
    replaced = frozenset({Replaced(1, DOCUMENT), Replaced(2, DOCUMENT, 3)})
    resolved = {2: Evidence(DOCUMENT, 2, 1)}

    assert replaced_in(json.loads(replaced_json(replaced) or "")) == replaced
    assert resolved_in(json.loads(resolved_json(resolved) or "")) == resolved


def test_nothing_is_written_as_null() -> None:
    assert (replaced_json(frozenset()), resolved_json({})) == (None, None)
    assert (replaced_in(None), resolved_in(None)) == (frozenset(), {})


def test_what_an_earlier_release_wrote_is_read() -> None:
    assert replaced_in([[2, PLAIN]]) == {Replaced(2, DOCUMENT)}
    assert resolved_in({"2": PLAIN}) == {2: Evidence(DOCUMENT)}
