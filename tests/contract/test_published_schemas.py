"""The published schemas describe exactly what we read, and the published examples are valid messages."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError

from schemas.envelope import decode
from schemas.publish import PUBLISHED
from schemas.topics import BY_TYPE, TOPICS

EXAMPLES = sorted(PUBLISHED.glob("examples/*/*.json"))
BINARY = sorted(PUBLISHED.glob("examples-binary/*/*.json"))
AT = datetime(2026, 11, 22, tzinfo=UTC)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def load(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def validator(event_type: str) -> Draft202012Validator:
    schema = load(PUBLISHED / f"{event_type}.schema.json")
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def members(schema: dict[str, Any], node: Any) -> list[tuple[str, dict[str, Any]]]:
    """Every member in `node` with its name; members of a referenced definition are merged in."""
    if isinstance(node, list):
        return [found for inner in node for found in members(schema, inner)]
    if not isinstance(node, dict):
        return []
    named = [
        (name, schema["$defs"].get(str(member.get("$ref")).rpartition("/")[2], {}) | member)
        for name, member in node.get("properties", {}).items()
    ]
    return named + [found for inner in node.values() for found in members(schema, inner)]


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_an_example_is_valid_and_decodes(path: Path) -> None:
    message = load(path)
    validator(path.parent.name).validate(message)
    topic = BY_TYPE[message["type"]]
    event = decode(topic.name, message["subject"].encode(), path.read_bytes(), [], AT)
    assert type(event.data) is topic.event
    assert str(event.id) == message["id"]


@pytest.mark.parametrize("path", BINARY, ids=name_of)
def test_a_binary_example_decodes_to_its_structured_twin(path: Path) -> None:
    binary = load(path)
    twin = PUBLISHED / "examples" / path.parent.name / path.name
    topic = path.parent.name.removesuffix(".v1")
    key, headers = binary["key"].encode(), [(name, text.encode()) for name, text in binary["headers"].items()]
    read = decode(topic, key, orjson.dumps(binary["value"]), headers, AT)
    assert read == decode(topic, key, twin.read_bytes(), [], AT)


def test_exactly_the_schemas_and_examples_of_every_topic_are_published() -> None:
    types = {topic.event_type for topic in TOPICS}
    assert {path.name for path in PUBLISHED.glob("*.json")} == {f"{event_type}.schema.json" for event_type in types}
    assert {path.parent.name for path in EXAMPLES} == types
    assert {path.parent.name for path in BINARY} == types
    assert {path.suffix for path in PUBLISHED.rglob("*") if path.is_file()} == {".json"}


@pytest.mark.parametrize("event_type", BY_TYPE)
def test_a_schema_has_its_id_and_describes_every_member(event_type: str) -> None:
    schema = load(PUBLISHED / f"{event_type}.schema.json")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"{event_type}.schema.json"
    assert schema["description"]
    assert {name for name, member in members(schema, schema) if not member.get("description")} == set()
    assert all(defined.get("description") for defined in schema["$defs"].values())


@pytest.mark.parametrize(
    ("path", "to"),
    [
        (("id",), "sc-014"),
        (("type",), "commitment.resent.v1"),
        (("specversion",), "0.3"),
        (("time",), "2026-11-16T15:02:00"),
        (("datacontenttype",), "application/xml"),
        (("data",), None),
        (("data", "revision"), 0),
        (("data", "revision"), True),
        (("data", "revision"), "1"),
        (("data", "commitment", "total"), "480,250.00"),
        (("data", "commitment", "total"), 480250),
        (("data", "commitment", "title"), "Concrete\x00works"),
        (("data", "commitment", "kind"), "lease"),
        (("data", "commitment", "lines"), [{}]),
        (("data", "sent_by", "email"), "nobody"),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_the_published_schema_refuses_what_we_refuse(path: tuple[str, ...], to: Any) -> None:
    message = load(PUBLISHED / "examples/commitment.sent.v1/concrete-works.json")
    inner = message
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    with pytest.raises(ValidationError):
        validator("commitment.sent.v1").validate(message)


def test_the_published_schema_accepts_what_we_ignore() -> None:
    message = load(PUBLISHED / "examples/commitment.sent.v1/concrete-works.json")
    message |= {"partitionkey": "x"}
    message["data"]["mood"] = message["data"]["commitment"]["mood"] = message["data"]["sent_by"]["mood"] = "fine"
    del message["time"], message["traceparent"], message["datacontenttype"]
    validator("commitment.sent.v1").validate(message)


def test_the_published_schema_limits_the_lines() -> None:
    message = load(PUBLISHED / "examples/commitment.sent.v1/concrete-works.json")
    commitment = message["data"]["commitment"]
    commitment["lines"] = commitment["lines"][:1] * 2_000
    validator("commitment.sent.v1").validate(message)
    commitment["lines"] = commitment["lines"][:1] * 2_001
    with pytest.raises(ValidationError, match="is too long"):
        validator("commitment.sent.v1").validate(message)
