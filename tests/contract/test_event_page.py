"""docs/events.md covers every topic, member, limit and reason, and its examples are the published ones."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import BaseModel

from schemas import commitment, events, limits
from schemas.message import Attributes
from schemas.publish import PUBLISHED
from schemas.topics import TOPICS, Topic
from services.approval import handlers as approval
from services.digest import handlers as digest
from services.exporter import handlers as exporter
from services.notifier import handlers as notifier

ROOT = PUBLISHED.parent.parent
PAGE = (ROOT / "docs" / "events.md").read_text()
PARTS = (
    commitment.Commitment,
    commitment.Line,
    commitment.Project,
    commitment.Vendor,
    commitment.Person,
    commitment.Summary,
    commitment.ErpDocument,
    events.UnlinkedDocument,
    events.DelegatedLimit,
    events.DecisionLink,
    events.Change,
    events.Failure,
    events.LimitsProfile,
    events.ErpPoller,
    events.ErpList,
    events.MappedNames,
    events.DigestSection,
    events.DigestRow,
    events.CurrencyTotal,
)


def rows(heading: str) -> dict[str, list[str]]:
    """The cells of each table row under `heading`, by the plain text of its first cell."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {re.sub(r"\[?`([^`]+)`.*", r"\1", first): rest for first, *rest in lines}


def members(model: type[BaseModel]) -> list[str]:
    """The members of `model` as the page writes them: in order, optional ones with a question mark."""
    named = ((field.alias or name, field.is_required()) for name, field in model.model_fields.items())
    return [f"`{name}`" if is_required else f"`{name}`?" for name, is_required in named]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


HANDLED = {
    "approval": (
        *approval.HANDLERS,
        *approval.PEOPLE_HANDLERS,
        *approval.PREFERENCE_HANDLERS,
        *approval.CONNECTION_HANDLERS,
        *approval.REFERENCE_HANDLERS,
    ),
    "exporter": exporter.handlers(lambda _order, _used: None),
    "notifier": (*notifier.COMMITMENT_HANDLERS, *notifier.DIGEST_HANDLERS),
    "digest": (*digest.ITEM_HANDLERS, *digest.PERSON_HANDLERS, *digest.PREFERENCE_HANDLERS),
}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_page_names_the_services_that_read_a_topic(topic: Topic) -> None:
    documented = rows("Topics")[topic.name][0].partition(" → ")[2].split(", ")
    readers = {name for name, handlers in HANDLED.items() if topic.name in {on.data_type.topic for on in handlers}}

    assert set(documented) & HANDLED.keys() == readers


def test_the_page_lists_every_topic_with_its_retention() -> None:
    documented = rows("Topics")
    assert documented.keys() - {"topic"} == {topic.name for topic in TOPICS}
    compacted = set(re.findall(r"^\| `([a-z._]+)` \(compacted\) ", PAGE, re.MULTILINE))
    assert compacted == {topic.name for topic in TOPICS if topic.is_compacted}
    assert all(len(cells) == 3 and all(cells) for cells in documented.values())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_page_lists_every_member_of(topic: Any) -> None:
    assert rows("Members")[topic.name][0].split(", ") == members(topic.event)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_page_lists_every_member_of_the_part(part: type[BaseModel]) -> None:
    assert rows("Members")[part.__name__][1].split(", ") == members(part)


def test_the_page_covers_every_part_of_an_event() -> None:
    published = [orjson.loads(path.read_bytes()) for path in PUBLISHED.glob("*.schema.json")]
    defined = {name for schema in published for name, part in schema["$defs"].items() if part["type"] == "object"}
    documented = {part.__name__ for part in PARTS} | {topic.event.__name__ for topic in TOPICS}
    assert defined <= documented


def test_the_page_lists_every_attribute_of_the_envelope() -> None:
    assert rows("The envelope").keys() - {"attribute"} == set(Attributes.model_fields)


def test_the_page_states_every_limit() -> None:
    section = PAGE.partition("\n## Limits\n")[2].partition("\n## ")[0]
    stated = {int(figure.replace(",", "")) for figure in re.findall(r"\d[\d,]*", section)}
    named = {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}
    without_words = {"MAX_EMAIL_CHARACTERS"}  # few addresses are that long; the schema states it
    assert {name for name, value in named.items() if value not in stated} == without_words


def test_the_page_explains_every_reason_of_a_dead_letter() -> None:
    reasons = {"undecodable", "schema", "unknown_type", "key_mismatch", "too_large", "other_company"}
    source = (ROOT / "schemas" / "envelope.py").read_text()
    assert set(re.findall(r'UnreadableError\(\s*"(\w+)"', source)) | {"other_company"} == reasons
    assert rows("Dead letters").keys() - {"reason"} == reasons


def test_the_examples_on_the_page_are_published_ones() -> None:
    shown = blocks("json")
    published = {path.read_text() for path in PUBLISHED.rglob("*.json")}
    assert len(shown) == 2
    assert set(shown) <= published


@pytest.mark.parametrize("snippet", blocks("python"))
def test_the_code_on_the_page_runs(snippet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(snippet, "docs/events.md", "exec"), {})  # noqa: S102 - our own page


@pytest.mark.parametrize("page", ["docs/events.md", "schemas/README.md"])
def test_links_lead_to_existing_files(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\(([^)#]+)\)", path.read_text())
    assert targets
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def test_the_readme_lists_every_module() -> None:
    readme = (PUBLISHED.parent / "README.md").read_text()
    modules = {path.name for path in Path(PUBLISHED.parent).glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if f"`{name}`" not in readme} == set()
