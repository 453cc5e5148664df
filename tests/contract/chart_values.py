"""Makes the table of values in the chart's README from values.yaml: python -m tests.contract.chart_values."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.contract.chart import CHART

README = CHART / "README.md"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"


def described(text: str) -> dict[str, str]:
    """What the comments in `text` of a values.yaml say of each value, by its path."""
    found, path = dict[str, str](), list[str]()
    lines = text.splitlines()
    for above, line in zip(["", *lines], lines, strict=False):
        key = re.match(r"( *)(\w+):", line)
        if key:
            path[len(key[1]) // 2 :] = [key[2]]
            if comment := re.match(r" *# -- (.+)", above):
                found[".".join(path)] = comment[1]
    return found


def paths(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with its path; an object that a user gives as a whole counts as one value."""
    for name, value in values.items():
        path = f"{prefix}{name}"
        is_whole = not isinstance(value, dict) or not value or name in {"resources", "dashboardLabels"} or "to" in value
        yield from [(path, value)] if is_whole else paths(value, f"{path}.")


def undescribed(text: str) -> list[str]:
    """Values in `text` without a comment; those of an anchor are described where it is."""
    known = described(text)
    known |= {f"{service}.{rest}": words for service in ("exporter", "notifier") for rest, words in _shared(known)}
    return [path for path, _ in paths(yaml.safe_load(text)) if path not in known]


def _shared(known: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (path.partition(".")[2], words) for path, words in known.items() if path.startswith("approval.autoscaling.")
    ]


def table(text: str) -> str:
    """The table of all values in `text`, in their order."""
    known = described(text)
    known |= {f"{service}.{rest}": words for service in ("exporter", "notifier") for rest, words in _shared(known)}
    rows = [
        f"| `{path}` | `{json.dumps(value)}` | {known.get(path, '')} |" for path, value in paths(yaml.safe_load(text))
    ]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows]) + "\n"


def with_table(readme: str, text: str) -> str:
    """The README with the table of `text` in its place."""
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{BEGIN}\n{table(text)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(with_table(README.read_text(), (CHART / "values.yaml").read_text()))
