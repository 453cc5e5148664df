"""Reads which document a person names for an export in doubt: by its number, by the ERP's own id, or by both."""

import re
from typing import Any

from pydantic import BaseModel, Field
from pydantic_core import PydanticCustomError

from schemas.commitment import ErpDocument, id_of_number
from schemas.fields import Code, ErpId, Id, Url

_AS_AN_ID = re.compile(r"\s*id\s+(\S.*?)\s*", re.IGNORECASE)


class NamedDocument(BaseModel):
    """A document that was found; its number or the ERP's own id has to be there."""

    connection: Id = Field(description="The name of the ERP connection that holds the document.")
    id: ErpId | None = Field(default=None, description="The ERP's own id; may be left out where `number` is given.")
    number: Code | None = Field(
        default=None,
        description="The number that accountants read; `ID 2`, as one without a number is called, means the id 2.",
    )
    url: Url | None = Field(default=None, description="Where the document opens in the ERP.")


def id_said(name: str) -> str:
    """The ERP's own id if `name` says that it is one, as documents without a number are called; else empty."""
    said = _AS_AN_ID.fullmatch(name)
    return said[1] if said else ""


def read_named(document: Any) -> Any:
    """The members of an ErpDocument for those of a NamedDocument; what is neither is returned as it is.

    A number that says that it is an id is one; without an id, the number stands in for it.
    """
    members = document.model_dump() if isinstance(document, ErpDocument) else document
    if not isinstance(members, dict):
        return members
    own_id, number = members.get("id"), members.get("number")
    if not own_id and not number:
        raise PydanticCustomError("unnamed_document", "Give the document's number, or the ERP's own id")
    if not isinstance(number, str):
        return members
    stand_in = id_of_number(number)
    if said := id_said(number):
        return {**members, "id": said if own_id in (None, "", stand_in) else own_id, "number": None}
    return {**members, "id": own_id or stand_in}
