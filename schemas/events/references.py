"""What is known of an ERP that is not called but asks for work: its client, its lists, and the names mapped to them."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated, ClassVar, Self

from pydantic import Field, TypeAdapter

from schemas.events.base import EventData, Removal
from schemas.fields import Code, Count, ErpId, Id, Instant, Name, NullIs, OpenKind, Record, Text, Version, valid_or_none
from schemas.limits import MAX_COUNT, MAX_MAPPED_BYTES, MAX_MAPPED_NAMES

VENDOR, ITEM, JOB = "vendor", "item", "job"
"""The lists that the desk checks; readers accept others."""

_ID: TypeAdapter[str] = TypeAdapter(Id)


def reference_key(connection: str, list_name: str, entry_id: str) -> str:
    """The key of the message about an entry of an ERP's list; its SHA-256 where the whole is no valid id."""
    whole = f"{connection}/{list_name}/{entry_id}"
    return whole if valid_or_none(_ID, whole) else sha256(whole.encode()).hexdigest()


class ErpReference(EventData):
    """A vendor, an item or a job of an ERP, as its client last read it."""

    topic: ClassVar[str] = "erp.reference"
    identity: ClassVar[tuple[str, ...]] = ("version",)

    connection: Id = Field(description="The ERP connection that has it.")
    list_name: OpenKind = Field(
        alias="list", description="The list that it stands in: `vendor`, `item`, `job`, or one that you do not know."
    )
    id: ErpId = Field(description="Its id in the ERP.")
    name: Name = Field(description="Its full name in the ERP; the ERP takes upper and lower case for the same.")
    is_active: Annotated[bool, Field(strict=True), NullIs(default=True)] = Field(
        default=True, description="Whether documents may name it; an ERP keeps what was used as inactive."
    )
    version: Version = Field(description="Rises with each change; readers keep the highest.")

    @property
    def subject(self) -> str:
        """`CONNECTION/LIST/ID`; the SHA-256 of that if it is longer than an id, or has spaces."""
        return reference_key(self.connection, self.list_name, self.id)


class ErpReferenceRemoved(Removal):
    """A tombstone on `erp.reference`: the ERP no longer has the entry."""

    topic: ClassVar[str] = "erp.reference"
    identity: ClassVar[tuple[str, ...]] = ()
    key_is: ClassVar[str] = "CONNECTION/LIST/ID"

    key: Id = Field(description="The key of the message about the entry.")

    @property
    def subject(self) -> str:
        """The key of the message about the entry."""
        return self.key

    @classmethod
    def of_key(cls, key: str) -> Self:
        """The removal of the entry with this key; ValueError if it cannot be one."""
        return cls(key=key)


class ErpPoller(Record):
    """The ERP's own client: it is not called, but asks for work."""

    last_asked: Instant | None = Field(default=None, description="When it last asked for work; absent if it never did.")
    every_seconds: Annotated[int, Field(strict=True, ge=1, le=MAX_COUNT)] = Field(
        description="How often it is expected to ask."
    )
    trouble: Text | None = Field(
        default=None, description="Why its last conversation could not do anything, in words; absent if it could."
    )
    is_away: Annotated[bool, Field(strict=True), NullIs(default=False)] = Field(
        default=False, description="Whether it has stayed away for longer than expected."
    )


class ErpList(Record):
    """A list of an ERP, whose entries travel on `erp.reference`."""

    name: OpenKind = Field(description="`vendor`, `item`, `job`, or one that you do not know.")
    read_at: Instant | None = Field(
        default=None, description="When it was last read to its end; absent before, and then no entry can be missed."
    )
    entries: Annotated[Count, NullIs(0)] = Field(default=0, description="How many entries it had then.")


Mapped = Annotated[dict[Code, Code], NullIs({})]


class MappedNames(Record):
    """What a connection makes of the names of a commitment before it asks the ERP for them."""

    vendor: Mapped = Field(default_factory=dict, description="The ERP's vendor for a vendor's code.")
    item: Mapped = Field(default_factory=dict, description="The ERP's item for a cost code.")
    job: Mapped = Field(default_factory=dict, description="The ERP's job for a project's job code or number.")
    default_item: Code | None = Field(default=None, description="The item of a line without a cost code.")
    is_complete: Annotated[bool, Field(strict=True), NullIs(default=True)] = Field(
        default=True, description="False if there are too many names to tell; then none is told."
    )

    @classmethod
    def told(
        cls, vendor: Mapping[str, str], item: Mapping[str, str], job: Mapping[str, str], default_item: str | None = None
    ) -> Self:
        """All these names; none, and not complete, if there are more than a message should hold."""
        names = [name for mapping in (vendor, item, job) for pair in mapping.items() for name in pair]
        if len(names) > 2 * MAX_MAPPED_NAMES or sum(len(name.encode()) for name in names) > MAX_MAPPED_BYTES:
            return cls(default_item=default_item, is_complete=False)
        return cls(vendor=dict(vendor), item=dict(item), job=dict(job), default_item=default_item)
