"""The JSON Schema of the file of ERP connections, made of the models of all installed connectors, for editors.

`python -m services.exporter.connections_schema` writes it; with `--check`, it exits 1 if the committed one differs.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic.json_schema import GenerateJsonSchema

from services.exporter.connections_file import connector_types

COMMITTED = Path("ops/erp/connections.schema.json")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def main(arguments: list[str] | None = None) -> int:
    """Write or check the committed schema; 1 when a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the file differs")
    parser.add_argument("--to", type=Path, default=COMMITTED, help="the file of the schema")
    asked = parser.parse_args(arguments)
    content = written(schema())
    if not asked.check:
        asked.to.write_bytes(content)
    elif not asked.to.is_file() or asked.to.read_bytes() != content:
        sys.stderr.write(f"{asked.to}: differs from the models. Run `make schemas` and commit what it writes.\n")
        return 1
    return 0


def written(content: dict[str, Any]) -> bytes:
    """The schema as the file has it."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def schema() -> dict[str, Any]:
    """The JSON Schema of the whole file: a list of connections, each of an installed kind."""
    definitions: dict[str, Any] = {}
    kinds = []
    for kind, connector in sorted(connector_types().items()):
        model = connector.settings_type.model_json_schema(
            by_alias=True, ref_template=f"#/$defs/{kind}.{{model}}", schema_generator=_Untitled
        )
        definitions |= {f"{kind}.{name}": part for name, part in model.pop("$defs", {}).items()}
        model["properties"]["kind"] = {"const": kind, "description": model["properties"]["kind"]["description"]}
        definitions[kind] = model
        kinds.append({"$ref": f"#/$defs/{kind}"})
    return {
        "$schema": _DIALECT,
        "title": "ERP connections of Countersign",
        "description": "The file that ERP_CONNECTIONS names; of several connections, the first that takes a commitment "
        "gets it.",
        "type": "object",
        "properties": {
            "connection": {
                "description": "The ERPs, in the order in which they are asked.",
                "type": "array",
                "items": {"oneOf": kinds},
            }
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


class _Untitled(GenerateJsonSchema):
    """JSON Schemas without a title on each member, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


if __name__ == "__main__":
    sys.exit(main())
