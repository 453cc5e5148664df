"""`countersign explain` beside the running system: a troubled export, and an exporter that is away."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.erp import Erp
from sandbox.erp.faults import ErpFault, ErpFaultKind
from sandbox.story.actors import Actors
from sandbox.variables import command_environment
from sandbox.world import World, WorldOptions, running_world
from schemas.fields import FailureClass
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(280)
COMMAND = [sys.executable, "-m", "services.command", "explain"]
WITHIN_SECONDS = 60
NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
LOCKED = "Error 3176: the vendor is being edited by another user."


async def explain(world: World, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the command with what the demo prints for another terminal."""
    environment = command_environment(world.environment, world.erp.secrets) | changes
    command = [*COMMAND, *arguments]
    return await asyncio.to_thread(
        subprocess.run, command, env=os.environ | environment, capture_output=True, text=True, check=False
    )


async def until(
    world: World, is_so: Callable[[subprocess.CompletedProcess[str]], bool], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run the command until what it tells is so: on a busy machine, a service may take longer than it is given."""
    told: list[subprocess.CompletedProcess[str]] = []

    async def is_told() -> bool:
        told[:] = [await explain(world, *arguments)]
        return is_so(told[0])

    await eventually(is_told, WITHIN_SECONDS)
    return told[0]


async def accepted(dana: Actors, number: str, title: str) -> str:
    """Have a commitment sent and accepted; return its id."""
    commitment_id = await dana.create(number, title)
    await dana.send(commitment_id)
    await accept(dana, commitment_id)
    return commitment_id


async def accept(dana: Actors, commitment_id: str) -> None:
    await eventually(lambda: dana.row("ready", commitment_id), WITHIN_SECONDS)
    row = await dana.row("ready", commitment_id)
    assert row is not None
    await dana.accept(row)


async def test_the_whole_story_of_a_troubled_export_is_told_by_all_services(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, Actors(world) as dana:
        commitment_id = await dana.create("SC-014", "Concrete works")
        trouble(world.erp, commitment_id)
        await dana.send(commitment_id)
        await accept(dana, commitment_id)
        await eventually(lambda: dana.row("failed", commitment_id), WITHIN_SECONDS)
        world.erp.lose_answer_once(commitment_id)
        failed = await dana.row("failed", commitment_id)
        assert failed is not None
        await dana.retry(failed)
        await eventually(lambda: dana.ribbon(commitment_id, "GREEN", "synced"), WITHIN_SECONDS)
        await eventually(lambda: all_mails_settled(world), WITHIN_SECONDS)

        told = await until(world, lambda each: each.stderr == "", "SC-014")
        as_json = await until(world, lambda each: each.stderr == "", "SC-014", "--json")

    sys.stdout.write(told.stdout)
    assert (told.returncode, told.stderr) == (0, "")
    assert "Status: Synced" in told.stdout
    check_order(
        told.stdout,
        "Sam Lee sent revision 1.  [commitment.sent/",
        "Dana Ruiz accepted revision 1.  [decision.accepted/",
        f"Revision 1: Small ERP could not take it yet: Refused. {LOCKED}"[:-1],
        "Revision 1: Small ERP did not take it: Refused. The accounting period is closed",
        "Revision 1 was not exported. ",
        "Dana Ruiz ordered export 2 of revision 1.  [decision.accepted/",
        "Revision 1: The answer of Small ERP was lost: ",
        "Asked after a lost answer: Small ERP has it as PO-1001.",
        "Revision 1 is in the ERP as PO-1001.  [export.succeeded/",
    )
    assert told.stdout.count("Mail about the failed export to ") == 6  # three people, each with its moment
    assert set(json.loads(as_json.stdout)["sources"].values()) == {"service"}


async def test_while_the_exporter_is_away_the_command_says_where_the_order_is(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, Actors(world) as dana:
        world.services["exporter"].kill()
        commitment_id = await accepted(dana, "SC-015", "Formwork")

        told = await until(world, lambda each: "so 1 message unread" in each.stdout, "SC-015")
        alone = await explain(world, commitment_id, DATABASE_URL=NOWHERE)
        headless = await explain(world, commitment_id, DATABASE_URL=NOWHERE, APPROVAL_URL="http://127.0.0.1:9")

    sys.stdout.write(told.stderr + told.stdout)
    assert told.returncode == 0, told.stderr
    assert "exporter: it cannot be reached (ConnectError); read from its database." in told.stderr.splitlines()
    lines = told.stdout.splitlines()
    at = next(place for place, each in enumerate(lines) if each.startswith("Does not fit: "))
    assert lines[at].startswith("Does not fit: The exporter has not received the order to export it from approval.")
    assert lines[at + 1] == "  Countersign's operator: See that the exporter runs and reads."
    assert lines[at + 2].endswith("so 1 message unread")
    assert lines[at + 3] == "  $ countersign lag exporter"
    assert "Who acts next: Countersign's operator" in lines
    # without its database as well, the part is missing, and the others still tell
    assert alone.returncode == 0
    assert "Missing: what exporter knows (it cannot be reached (ConnectError); " in alone.stdout
    assert "Dana Ruiz accepted revision 1." in alone.stdout
    # without approval's, what the others tell is no whole story
    assert headless.returncode == 1
    assert "Missing: what approval knows (it cannot be reached (ConnectError); " in headless.stdout
    assert "Mails: none" in headless.stdout
    assert "The story is incomplete: approval's part is missing (it cannot be reached" in headless.stderr


def trouble(erp: object, commitment_id: str) -> None:
    """Have the ERP first be busy with a record, then refuse for good, at the first round."""
    assert isinstance(erp, Erp)
    busy = FailureClass.RETRY_LATER
    erp.faults.switch_on(
        ErpFault(kind=ErpFaultKind.REFUSE, times=1, reference=commitment_id, failure_class=busy, message=LOCKED)
    )
    erp.refuse_once(commitment_id, "The accounting period is closed.")


async def all_mails_settled(world: World) -> bool:
    found = json.loads((await explain(world, "SC-014", "--json")).stdout)["parts"]
    mails = found["notifier"]["mails"]
    return len(mails) == 3 and all(each["state"] == "sent" for each in mails)


def check_order(text: str, *parts: str) -> None:
    """Each of `parts` is in the time line, behind the one before."""
    at = text.index("Time line")
    for part in parts:
        at = text.find(part, at)
        assert at >= 0, f"{part!r} is not where it should be:\n{text}"
