"""An exported history is checked with Python alone, and the check says what was done to it."""

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision_chain import Decision, decision_form, linked
from services import audit_check
from services.audit_check import Checked, UnreadableExportError, check
from services.command import main
from services.pipeline.legible import HIDDEN_CHARACTERS, legible
from tests.unit.approval.rules.event_builders import NOW, accepted, rejected

Export = dict[str, Any]
SCRIPT = Path(audit_check.__file__)


def export() -> Export:
    """A history with four decisions, and a line about a mail."""
    chained: list[Decision] = []
    for event in (rejected(1), accepted(2), accepted(2, 2), rejected(2, 2)):
        last = chained[-1].link if chained else None
        chained.append(linked(event.data, (last.position, last.hash) if last else None, NOW))
    lines = [line(each) for each in chained]
    mail = {"kind": "mail.settled", "at": NOW.isoformat(), "actor": None, "revision": None, "round": None}
    document = {"history": [lines[0], mail, *lines[1:]], "revisions": []}
    ids = {"commitment_id": chained[0].commitment_id, "company_id": chained[0].company_id}
    end = {"decisions": 4, "head": lines[-1]["chain"]["hash"]}
    return json.loads(json.dumps(document | ids | {"chain": end}))


def line(decision: Decision) -> Export:
    assert decision.link
    chain = {
        "position": decision.link.position,
        "hash": decision.link.hash,
        "decision": json.loads(decision_form(decision)),
    }
    return {
        "at": decision.link.decided_at.isoformat(),
        "kind": decision.topic,
        "actor": decision.decided_by.name,
        "revision": decision.revision,
        "round": decision.round,
        "text": "In words.",
        "chain": chain,
    }


def decision(exported: Export, position: int) -> Export:
    return next(each for each in exported["history"] if each.get("chain", {}).get("position") == position)


def change_reason(exported: Export) -> None:
    decision(exported, 1)["chain"]["decision"]["data"]["reason"] = "Another reason."


def change_what_is_left_out(exported: Export) -> None:
    """A member with its default value, or one that nobody knows, is a change as well."""
    decision(exported, 2)["chain"]["decision"]["data"]["note"] = "Approved by the owner."


def change_line(exported: Export) -> None:
    decision(exported, 2)["actor"] = "Kim Osei"


def change_time(exported: Export) -> None:
    decision(exported, 3)["at"] = "2026-11-01T08:00:00+00:00"


def change_and_hash_anew(exported: Export) -> None:
    """Somebody who knows how the hash is made changes one decision, and its hash."""
    told = decision(exported, 2)["chain"]
    told["decision"]["data"]["decided_by"]["name"] = "Kim Osei"
    told["hash"] = audit_check._hash(told["decision"]["data"]["link"]["previous"], told["decision"])
    decision(exported, 2)["actor"] = "Kim Osei"


def leave_out_one(exported: Export) -> None:
    exported["history"].remove(decision(exported, 2))


def leave_out_the_first_two(exported: Export) -> None:
    exported["history"] = [decision(exported, 3), decision(exported, 4)]


def swap_lines(exported: Export) -> None:
    one, other = (exported["history"].index(decision(exported, place)) for place in (2, 3))
    lines = exported["history"]
    lines[one], lines[other] = lines[other], lines[one]


def swap_places(exported: Export) -> None:
    one, other = decision(exported, 2), decision(exported, 3)
    one["chain"]["position"], other["chain"]["position"] = 3, 2


def cut_off(exported: Export) -> None:
    exported["history"].remove(decision(exported, 4))


def cut_off_all(exported: Export) -> None:
    exported["history"] = []


def tell_twice(exported: Export) -> None:
    exported["history"].append(decision(exported, 4))


def take_from_another(exported: Export) -> None:
    exported["commitment_id"] = "commitment-1"


def list_another_content(exported: Export) -> None:
    exported["revisions"] = [{"revision": 2, "content_hash": "0" * 64}]


def drop_what_was_decided(exported: Export) -> None:
    decision(exported, 3)["chain"]["decision"] = None


TAMPERED: tuple[tuple[Callable[[Export], None], str], ...] = (
    (change_reason, "Changed: decision 1 is not what was recorded."),
    (change_what_is_left_out, "Changed: decision 2 is not what was recorded."),
    (change_line, "Changed: the line of decision 2 gives another actor than the decision."),
    (change_time, "Changed: the line of decision 3 gives another time than the decision."),
    (change_and_hash_anew, "Broken: decision 3 does not follow decision 2 as it stands here."),
    (leave_out_one, "Missing: decision 2."),
    (leave_out_the_first_two, "Missing: decisions 1 to 2."),
    (swap_lines, "Reordered: decision 3 stands before decision 2."),
    (swap_places, "Reordered: what stands as decision 2 was decision 3."),
    (cut_off, "Cut off: there should be 4 decisions, the last one here is 3."),
    (cut_off_all, "Cut off: there should be 4 decisions, the last one here is 0."),
    (tell_twice, "Repeated: decision 4 is there more than once."),
    (take_from_another, "Foreign: decision 1 belongs to another commitment."),
    (list_another_content, "Changed: revision 2 is listed with another content than decision 2 accepted."),
    (drop_what_was_decided, "Changed: what was decided as decision 3 is not there."),
)


def test_an_export_as_it_was_made_is_in_order() -> None:
    exported = export()
    assert check(exported) == Checked(4, exported["chain"]["head"], 0, [])


def test_the_list_of_the_api_is_in_order_too_newest_first() -> None:
    assert check(list(reversed(export()["history"]))).problems == []


@pytest.mark.parametrize(("tamper", "problem"), TAMPERED, ids=lambda each: getattr(each, "__name__", ""))
def test_the_check_says_what_was_done(tamper: Callable[[Export], None], problem: str) -> None:
    exported = export()
    tamper(exported)
    assert problem in check(exported).problems


def test_an_end_that_was_cut_off_everywhere_is_found_by_the_hash_that_was_noted() -> None:
    exported = export()
    noted = exported["chain"]["head"]
    cut_off(exported)
    exported["chain"] = {"decisions": 3, "head": decision(exported, 3)["chain"]["hash"]}

    assert check(exported).problems == []
    assert check(exported, noted).problems == [
        "Cut off or changed: the last decision is not the one with the hash that you gave."
    ]


def test_decisions_outside_the_chain_are_counted() -> None:
    exported = export()
    exported["history"].insert(0, {"kind": "decision.rejected", "chain": None})
    assert check(exported).unprotected == 1


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
))  # fmt: skip
def test_the_canonical_form_is_that_of_rfc_8785(value: Any) -> None:
    assert audit_check.canonical(value).encode() == rfc8785.dumps(value)


@given(st.data())
def test_no_text_of_a_decision_can_be_changed_unseen(data: st.DataObject) -> None:
    exported = export()
    told = decision(exported, data.draw(st.integers(1, 4)))["chain"]["decision"]["data"]
    name = data.draw(st.sampled_from(sorted(name for name, value in told.items() if isinstance(value, str))))
    told[name] = data.draw(st.text().filter(lambda text: text != told[name]))
    assert check(exported).problems


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '{"history": 1}', '{"history": [], "history": []}'])
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(UnreadableExportError):
        audit_check.check_file(path)


def test_the_script_needs_only_python(tmp_path: Path) -> None:
    imported = {
        name.name if isinstance(node, ast.Import) else node.module or ""
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names

    path, tampered = tmp_path / "export.json", export()
    path.write_text(json.dumps(export()))
    good = run_script(path)
    assert (good.returncode, good.stdout.splitlines()[0]) == (
        0, "Nothing was changed, left out, reordered or cut off."
    )  # fmt: skip
    change_reason(tampered)
    path.write_text(json.dumps(tampered))
    bad = run_script(path)
    assert (bad.returncode, bad.stdout.splitlines()[0]) == (1, "Changed: decision 1 is not what was recorded.")


def run_script(path: Path) -> "subprocess.CompletedProcess[str]":
    """Run the script isolated: without the packages that are installed here."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path)], capture_output=True, text=True, check=False
    )


def test_the_command_checks_an_export(tmp_path: Path) -> None:
    path, exported = tmp_path / "export.json", export()
    path.write_text(json.dumps(exported))
    good = CliRunner().invoke(main, ["audit", "verify", str(path), "--head", exported["chain"]["head"]])
    assert (good.exit_code, good.stdout.splitlines()[0]) == (0, "Nothing was changed, left out, reordered or cut off.")

    tampered = deepcopy(exported)
    leave_out_one(tampered)
    path.write_text(json.dumps(tampered))
    bad = CliRunner().invoke(main, ["audit", "verify", str(path), "--json"])
    assert bad.exit_code == 1
    assert "Missing: decision 2." in json.loads(bad.stdout)["problems"]


@pytest.mark.parametrize("place", ["x", None, 1.5, True, [1], 9])
@pytest.mark.parametrize("which", [1, 2, 4])
def test_a_position_that_was_changed_is_said_in_words(place: Any, which: int) -> None:
    exported = export()
    decision(exported, which)["chain"]["position"] = place
    assert check(exported).problems


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where an export has a value, the export itself left out."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in members:
        yield (*path, name)
        yield from places(each, (*path, name))


@pytest.mark.parametrize("new", [None, "x", 7, 1.5, True, [], [1], {}, [{}]])
def test_whatever_is_changed_is_a_problem_in_words_or_none(new: Any) -> None:
    for path in places(export()):
        exported = export()
        inside: Any = exported
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = new
        try:
            check(exported, head="0" * 64)
        except UnreadableExportError as error:
            assert str(error)  # noqa: PT017 - there are two right outcomes


def test_a_name_with_characters_that_are_not_shown_is_no_change() -> None:
    for each in filter(HIDDEN_CHARACTERS.fullmatch, map(chr, range(0xE1000))):
        name = f"Dana{each}Ruiz"
        assert audit_check._visible(legible(name)) == audit_check._visible(name), hex(ord(each))
    assert audit_check._visible("Dana Ruiz") != audit_check._visible("DanaRuiz")
