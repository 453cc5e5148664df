"""A submitted commitment that keeps what was received, word for word, beside the typed view of it."""

import hashlib
from dataclasses import field
from typing import Any

import orjson
import rfc8785
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SerializationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from schemas import limits
from schemas.commitment import Commitment, Line, Person, Project, Vendor, read_commitment
from schemas.values import value

_LARGEST_EXACT_INTEGER = 2**53 - 1
_COMMITMENT_MEMBERS, _PROJECT_MEMBERS, _VENDOR_MEMBERS, _PERSON_MEMBERS, _LINE_MEMBERS = (
    frozenset(model.model_fields) for model in (Commitment, Project, Vendor, Person, Line)
)


class TooLargeError(Exception):
    """A submission exceeds the limits; no part of it is read."""


@value
class Snapshot:
    """A commitment as received: `text` is its JSON, unknown members included; `content_hash` names that content."""

    text: str
    content_hash: str
    commitment: Commitment = field(compare=False)

    @classmethod
    def of(cls, received: dict[str, Any]) -> "Snapshot":
        """The snapshot of a decoded JSON object.

        Raises TooLargeError beyond the limit of lines or bytes, and ValueError when it is not a commitment, is
        nested too deeply, or holds a number that was, or would be, rounded.
        """
        lines = received.get("lines")
        if isinstance(lines, list) and len(lines) > limits.MAX_LINES:
            raise TooLargeError(f"{len(lines)} lines; at most {limits.MAX_LINES} are taken")
        text = _written(received)
        commitment = read_commitment(received)
        is_plain = _is_plain(_unknown_members(received))
        if not is_plain:
            _refuse_rounded(received)
        digest = hashlib.sha256(_canonical(received, is_plain=is_plain)).hexdigest()
        return cls(text, digest, commitment)

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


def _written(received: dict[str, Any]) -> str:
    try:
        written = orjson.dumps(received)
    except orjson.JSONEncodeError as error:
        raise ValueError(f"is nested too deeply or holds what JSON cannot: {error}") from error
    # Numbers grow when they are written again (1e15 takes 18 bytes), so the limit on the message does not imply this.
    if len(written) > limits.MAX_SUBMISSION_BYTES:
        raise TooLargeError(
            f"a commitment of {len(written):,} bytes; at most {limits.MAX_SUBMISSION_BYTES:,} are taken"
        )
    return written.decode()


def content_hash(received: dict[str, Any]) -> str:
    """SHA-256, in hex, of the RFC 8785 form of `received`; ValueError where that form does not exist."""
    return hashlib.sha256(canonical(received)).hexdigest()


def canonical(received: dict[str, Any]) -> bytes:
    """The RFC 8785 form of a decoded JSON object; ValueError where an integer exceeds 2^53 - 1."""
    return _canonical(received, is_plain=_is_plain(received))


def _canonical(received: dict[str, Any], *, is_plain: bool) -> bytes:
    return orjson.dumps(received, option=orjson.OPT_SORT_KEYS) if is_plain else rfc8785.dumps(received)


def _unknown_members(valid: dict[str, Any]) -> list[Any]:
    """The members of a valid commitment that are not ours; ours are texts and small integers, and so are plain."""
    parts = [
        (valid, _COMMITMENT_MEMBERS),
        (valid["project"], _PROJECT_MEMBERS),
        (valid["vendor"], _VENDOR_MEMBERS),
        (valid["creator"], _PERSON_MEMBERS),
        *((line, _LINE_MEMBERS) for line in valid.get("lines", ())),
    ]
    return [{name: part[name]} for part, known in parts if not part.keys() <= known for name in part.keys() - known]


def _is_plain(value: Any) -> bool:
    """Whether sorted orjson is provably the RFC 8785 form: ASCII keys, no floats, exact integers."""
    # A plain loop, since a generator would double its time.
    if isinstance(value, dict):
        for key, member in value.items():
            if not key.isascii() or not (isinstance(member, str) or _is_plain(member)):
                return False
        return True
    if isinstance(value, list):
        return all(_is_plain(member) for member in value)
    if isinstance(value, int):
        return abs(value) <= _LARGEST_EXACT_INTEGER
    return value is None or isinstance(value, str)


def _refuse_rounded(value: Any) -> None:
    """Raise ValueError for a number that lost digits: a long integer arrives as the nearest float."""
    if isinstance(value, (int, float)) and abs(value) > _LARGEST_EXACT_INTEGER:
        raise ValueError("holds a number beyond 2^53 - 1, which readers round; send it as a string")
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for member in members:
        _refuse_rounded(member)


def _validated(value: Any) -> Snapshot:
    if isinstance(value, Snapshot):
        return value
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object")  # noqa: TRY004 - pydantic reports ValueError, not TypeError
    return Snapshot.of(value)


def _serialised(snapshot: Snapshot, info: SerializationInfo) -> Any:
    return orjson.loads(snapshot.text) if info.mode == "json" else orjson.Fragment(snapshot.text)
