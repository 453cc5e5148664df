"""The lists of a company file to which purchase orders refer: vendors, items, and customers with their jobs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sandbox.quickbooks.elements import Element, name_of
from sandbox.quickbooks.qbxml import Answer, Values, element_of, texts_of
from sandbox.quickbooks.queries import Iterators, is_within, name_matches, stamp
from sandbox.quickbooks.wording import not_found


class ListKind(StrEnum):
    """A list; the value is what QuickBooks calls one of its members in messages."""

    VENDOR = "Vendor"
    ITEM = "Item"
    CUSTOMER = "Customer"


_RETURNED = {ListKind.VENDOR: "VendorRet", ListKind.ITEM: "ItemServiceRet", ListKind.CUSTOMER: "CustomerRet"}
QUERIES = {f"{kind}QueryRq": kind for kind in ListKind}


@dataclass(frozen=True, slots=True)
class Entry:
    """A member of a list; `full_name` has the names of its parents before it, with colons."""

    kind: ListKind
    list_id: str
    full_name: str
    changed_at: datetime
    title: str = ""
    is_active: bool = True

    @property
    def name(self) -> str:
        """Its own name, without those of its parents."""
        return self.full_name.rpartition(":")[2]

    @property
    def ref(self) -> Values:
        """How other elements refer to it."""
        return {"ListID": self.list_id, "FullName": self.full_name}

    @property
    def element(self) -> Element:
        """The element that a query returns."""
        values: Values = {
            "ListID": self.list_id,
            "TimeCreated": stamp(self.changed_at),
            "TimeModified": stamp(self.changed_at),
            "EditSequence": str(int(self.changed_at.timestamp())),
            "Name": self.name,
        }
        values |= {} if self.kind is ListKind.VENDOR else {"FullName": self.full_name}
        values["IsActive"] = str(self.is_active).lower()
        if self.kind is ListKind.CUSTOMER and ":" in self.full_name:
            values["ParentRef"] = {"FullName": self.full_name.rpartition(":")[0]}
        values |= {} if self.kind is ListKind.VENDOR else {"Sublevel": str(self.full_name.count(":"))}
        values |= {"CompanyName": self.title} if self.title and self.kind is not ListKind.ITEM else {}
        return element_of(_RETURNED[self.kind], values)


class Lists:
    """The vendors, items and customers of a company file, in the order of their names."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = {each.list_id: each for each in sorted(entries, key=lambda each: each.full_name)}

    def of(self, kind: ListKind) -> list[Entry]:
        """Return a list."""
        return [each for each in self.entries.values() if each.kind is kind]

    def referred(self, kind: ListKind, ref: Values) -> Entry | None:
        """Return what a reference means: by its ListID if it has one, otherwise by its full name in any case."""
        if list_id := ref.get("ListID"):
            found = self.entries.get(str(list_id))
            return found if found and found.kind is kind else None
        name = str(ref.get("FullName", "")).lower()
        return next((each for each in self.of(kind) if each.full_name.lower() == name), None)

    def set_active(self, list_id: str, *, is_active: bool) -> None:
        """Make an entry active or inactive, as a person does."""
        self.entries[list_id] = replace(self.entries[list_id], is_active=is_active)

    def add(self, kind: ListKind, full_name: str, at: datetime) -> Entry:
        """Add an entry, as a person does. ValueError if its name is taken, or its parent is not there."""
        if self.referred(kind, {"FullName": full_name}):
            raise ValueError(f"{full_name} is in the list already.")
        parent = full_name.rpartition(":")[0]
        if parent and not self.referred(kind, {"FullName": parent}):
            raise ValueError(f"{parent} is not in the list. Add it first.")
        number = max(int(each.partition("-")[0], 16) for each in self.entries) + 1
        entry = Entry(kind, f"{number:X}-{int(at.timestamp())}", full_name, at)
        self.entries = dict(sorted([*self.entries.items(), (entry.list_id, entry)], key=lambda item: item[1].full_name))
        return entry

    def query(self, request: Element, iterators: Iterators) -> Answer:
        """Answer VendorQuery, ItemQuery or CustomerQuery."""
        kind = QUERIES[name_of(request)]
        named = _named(self.of(kind), request)
        missing = next((name for name, entry in named.items() if entry is None), None)
        found = [each for each in named.values() if each] if named else self._filtered(kind, request)
        return iterators.answer(
            request, lambda: [each.element for each in found], not_found(missing) if missing is not None else None
        )

    def _filtered(self, kind: ListKind, request: Element) -> list[Entry]:
        wanted = {"ActiveOnly": {True}, "InactiveOnly": {False}, "All": {True, False}}[
            request.findtext("ActiveStatus") or "ActiveOnly"
        ]
        first, last = request.findtext("FromModifiedDate"), request.findtext("ToModifiedDate")
        criterion, names = request.find("NameFilter"), request.find("NameRangeFilter")
        return [
            each
            for each in self.of(kind)
            if each.is_active in wanted
            and is_within(first, last, each.changed_at)
            and name_matches(criterion, "Name", each.full_name)
            and _is_between(names, each.full_name)
        ]


def _named(entries: Sequence[Entry], request: Element) -> dict[str, Entry | None]:
    """Return what is under each ListID or FullName of a query, None if there is nothing."""
    by_id, by_name = {each.list_id: each for each in entries}, {each.full_name.lower(): each for each in entries}
    found = {each: by_id.get(each) for each in texts_of(request, "ListID")}
    return found | {each: by_name.get(each.lower()) for each in texts_of(request, "FullName")}


def _is_between(names: Element | None, name: str) -> bool:
    if names is None:
        return True
    first, last = names.findtext("FromName") or "", names.findtext("ToName") or ""
    return first.lower() <= name.lower() and (not last or name.lower() <= last.lower())
