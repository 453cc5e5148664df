"""The books of a real Tryton, as the conformance tests look at them and change them."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.tryton.books import SUPPLIERS
from sandbox.tryton.rpc import TrytonRpc
from services.exporter.connector_tests import Books, Document

PURCHASE = "purchase.purchase"


@dataclass
class TrytonBooks(Books):
    """The purchases after `last_id`; what a test does to `documents` is done in Tryton by `write_back`."""

    admin: TrytonRpc = field(kw_only=True)
    last_id: int = field(kw_only=True)
    comments: dict[int, str | None] = field(default_factory=dict)
    """The comment that Tryton has in each purchase, as far as we know."""

    def create(self, reference: str, marker: str, content: Any = None) -> Document:
        """Create a purchase as accounting would: without lines, and without a number until it is quoted."""
        del content
        self.write_back()
        party = self.admin.id_of("party.party", code=next(iter(SUPPLIERS)))
        created = self.admin.create(PURCHASE, party=party, reference=reference, comment=marker)
        self.read_again()
        return next(each for each in self.documents if each.id == str(created))

    def write_back(self) -> None:
        """Delete in Tryton what is no longer among the documents, and change the comments that have changed."""
        kept = {int(each.id): each for each in self.documents}
        if gone := self.comments.keys() - kept.keys():
            self.admin.call(PURCHASE, "delete", [*gone])
        changed = {each: kept[each].marker for each in kept if kept[each].marker != _marker_in(self.comments[each])}
        for purchase_id, marker in changed.items():
            self.admin.call(PURCHASE, "write", [purchase_id], {"comment": marker})
        if gone or changed:
            self.read_again()

    def read_again(self) -> None:
        """Read what Tryton has now; a document that a test holds stays the same one."""
        known = {each.id: each for each in self.documents}
        rows = self.admin.search(PURCHASE, [["id", ">", self.last_id]], "reference", "comment")
        self.documents[:] = [known.get(str(row["id"]), Document(str(row["id"]), None, None)) for row in rows]
        self.comments = {row["id"]: row["comment"] for row in rows}
        for document, row in zip(self.documents, rows, strict=True):
            document.reference, document.marker = row["reference"], _marker_in(row["comment"])


def _marker_in(comment: str | None) -> str | None:
    return (comment or "").partition("\n")[0] or None
