"""A submitted commitment that keeps what was received, word for word, beside the typed view of it."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import orjson
import rfc8785
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas import limits
from schemas.commitment import Commitment

_LARGEST_EXACT_INTEGER = 2**53 - 1


class TooLargeError(Exception):
    """A submission exceeds the limits; no part of it is read."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A commitment as received: `text` is its JSON, unknown members included; `content_hash` names that content."""

    text: str
    content_hash: str
    commitment: Commitment = field(compare=False)

    @classmethod
    def of(cls, received: dict[str, Any]) -> "Snapshot":
        """The snapshot of a decoded JSON object.

        Raises TooLargeError beyond the limit of lines, and ValueError when it is not a commitment or when its
        numbers have no RFC 8785 form.
        """
        lines = received.get("lines")
        if isinstance(lines, list) and len(lines) > limits.MAX_LINES:
            raise TooLargeError(f"{len(lines)} lines; at most {limits.MAX_LINES} are taken")
        commitment = Commitment.model_validate(received)
        return cls(orjson.dumps(received).decode(), content_hash(received), commitment)

    @classmethod
    def from_text(cls, text: str) -> "Snapshot":
        """The snapshot stored as `text` earlier."""
        return cls.of(orjson.loads(text))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate from a decoded JSON object; serialise back to exactly that object."""
        del source
        return core_schema.no_info_plain_validator_function(
            _validated,
            json_schema_input_schema=handler.generate_schema(Commitment),
            serialization=core_schema.plain_serializer_function_ser_schema(_serialised, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The JSON Schema of a snapshot is the commitment's."""
        del schema
        return handler(Commitment.__pydantic_core_schema__)


def content_hash(received: dict[str, Any]) -> str:
    """SHA-256, in hex, of the RFC 8785 form of `received`; ValueError where that form does not exist."""
    return hashlib.sha256(canonical(received)).hexdigest()


def canonical(received: dict[str, Any]) -> bytes:
    """The RFC 8785 form of a decoded JSON object; ValueError where an integer exceeds 2^53 - 1."""
    if _is_plain(received):
        return orjson.dumps(received, option=orjson.OPT_SORT_KEYS)
    return rfc8785.dumps(received)


def _is_plain(value: Any) -> bool:
    """Whether sorted orjson is provably the RFC 8785 form: ASCII keys, no floats, exact integers."""
    if value is None or isinstance(value, (str, bool)):
        return True
    if isinstance(value, int):
        return abs(value) <= _LARGEST_EXACT_INTEGER
    if isinstance(value, dict):
        return all(key.isascii() and _is_plain(member) for key, member in value.items())
    if isinstance(value, list):
        return all(_is_plain(member) for member in value)
    return False


def _validated(value: Any) -> Snapshot:
    if isinstance(value, Snapshot):
        return value
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - pydantic reports ValueError, not TypeError
    return Snapshot.of(value)


def _serialised(snapshot: Snapshot, info: SerializationInfo) -> Any:
    return orjson.loads(snapshot.text) if info.mode == "json" else orjson.Fragment(snapshot.text)
