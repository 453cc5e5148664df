"""Write the JSON Schemas and examples that other teams read, or check that the committed ones are current.

`python -m schemas.publish` writes them; `python -m schemas.publish --check` exits 1 and names each file that drifted.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field, create_model
from pydantic.json_schema import GenerateJsonSchema

from schemas.envelope import encode
from schemas.examples import EXAMPLES, Example
from schemas.message import Attributes
from schemas.topics import TOPICS, Topic

PUBLISHED = Path(__file__).parent / "published"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the published files; 1 when a check finds drift."""
    parser = argparse.ArgumentParser(prog="python -m schemas.publish", description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 naming each file that drifted")
    parser.add_argument("--to", type=Path, default=PUBLISHED, help="the folder of the published files")
    asked = parser.parse_args(arguments)
    drifted = drift(asked.to)
    if not asked.check:
        write(asked.to)
        return 0
    for path, what in drifted.items():
        sys.stderr.write(f"{path}: {what}\n")
    if drifted:
        sys.stderr.write("Run `python -m schemas.publish` and commit what it writes.\n")
    return int(bool(drifted))


def drift(folder: Path) -> dict[Path, str]:
    """The files in `folder` that are not as the models want them, each with what is wrong with it."""
    wanted = files()
    found = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    missing = {folder / name: "is missing" for name in wanted.keys() - found.keys()}
    orphaned = {folder / name: "belongs to no topic or example" for name in found.keys() - wanted.keys()}
    changed = {
        folder / name: "differs from the models"
        for name in wanted.keys() & found.keys()
        if found[name].read_bytes() != wanted[name]
    }
    return dict(sorted((missing | orphaned | changed).items()))


def write(folder: Path) -> None:
    """Make the files in `folder` what the models want, and remove those that they do not."""
    wanted = files()
    for path in drift(folder):
        content = wanted.get(path.relative_to(folder))
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def files() -> dict[Path, bytes]:
    """All published files by their path below the published folder."""
    schemas = {Path(f"{topic.event_type}.schema.json"): _pretty(schema(topic)) for topic in TOPICS}
    structured = {_path("examples", example): _pretty(_message(example)) for example in EXAMPLES}
    binary = {_path("examples-binary", example): _pretty(binary_message(example)) for example in EXAMPLES}
    return schemas | structured | binary


class _Untitled(GenerateJsonSchema):
    """JSON Schemas without a title on each member, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def schema(topic: Topic) -> dict[str, Any]:
    """The JSON Schema of a whole structured message on `topic`."""
    message = create_model(
        topic.event_type,
        __base__=Attributes,
        __doc__=topic.event.__doc__,
        data=(topic.event, Field(description="What happened.")),
    )
    written = message.model_json_schema(schema_generator=_Untitled)
    written["properties"]["type"]["const"] = topic.event_type
    definitions = written.pop("$defs")
    return {"$schema": _DIALECT, "$id": f"{topic.event_type}.schema.json", **written, "$defs": definitions}


def binary_message(example: Example) -> dict[str, Any]:
    """`example` in the binary mode of CloudEvents on Kafka: key, headers and value."""
    attributes = _message(example)
    value = attributes.pop("data")
    content_type = attributes.pop("datacontenttype")
    headers = {f"ce_{name}": text for name, text in attributes.items()} | {"content-type": content_type}
    return {"key": example.event.subject, "headers": headers, "value": value}


def _path(folder: str, example: Example) -> Path:
    return Path(folder) / f"{example.event.data.topic}.v1" / f"{example.name}.json"


def _message(example: Example) -> dict[str, Any]:
    message: dict[str, Any] = orjson.loads(encode(example.event))
    return message


def _pretty(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    sys.exit(main())
