"""docs/kafka-security.md says of every role what the table of rights says."""

from pathlib import Path

from services.kafka_access.roles import OPERATOR, Role, roles
from services.pipeline.kafka_rights import Operation, Resource

PAGE = (Path(__file__).parents[2] / "docs/kafka-security.md").read_text()
NOTHING = "-"
OF_OPERATOR = "`Create`, `Describe`, `AlterConfigs` on every topic; `Describe` on the services' groups"


def missing_rows(page: str) -> list[str]:
    """The rows that the page lacks."""
    return [row for row in map(row_of, roles()) if row not in page]


def row_of(role: Role) -> str:
    """One line of the page's table."""
    reads = _names(role, Resource.TOPIC, Operation.READ)
    writes = _names(role, Resource.TOPIC, Operation.WRITE)
    group = _names(role, Resource.GROUP, Operation.READ)
    return f"| `{role.name}` | {len(role.rights)} | {reads} | {writes} | {group} | {_besides(role)} |"


def _names(role: Role, resource: Resource, operation: Operation) -> str:
    found = [right.name for right in role.rights if (right.resource, right.operation) == (resource, operation)]
    return ", ".join(f"`{name}`" for name in found) or NOTHING


def _besides(role: Role) -> str:
    if role.name == OPERATOR:
        return OF_OPERATOR
    checks = any(right.operation is Operation.DESCRIBE_CONFIGS for right in role.rights)
    return "`DescribeConfigs` on all of these topics" if checks else NOTHING


def test_the_page_has_a_row_for_every_role() -> None:
    assert missing_rows(PAGE) == []


def test_a_row_that_lacks_a_topic_is_found() -> None:
    [row] = missing_rows(PAGE.replace("| `digest.ready` |", f"| {NOTHING} |", 1))
    assert row.startswith("| `digest` |")


def test_every_right_is_in_a_row() -> None:
    told = {Operation.READ, Operation.WRITE, Operation.DESCRIBE_CONFIGS}
    others = {role.name for role in roles() for right in role.rights if right.operation not in told}
    assert others == {OPERATOR}
