"""Who acts next, and what they do, in every status."""

from typing import Any

import pytest

from schemas.envelope import Event
from schemas.events import ErpConnection, ErpPoller
from services.approval.rules.commitment import current_status
from services.approval.rules.next_steps import NextStep, next_step
from tests.unit.approval.rules.event_builders import (
    COMPANY,
    NOW,
    B,
    accepted,
    after,
    drifted,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    succeeded,
)

CALLED = ErpConnection(name="books", version=1, kind="http", title="QuickBooks", companies=(COMPANY,))
ASKING = CALLED.model_copy(update={"poller": ErpPoller(last_asked=NOW, every_seconds=300)})
AWAY = CALLED.model_copy(update={"poller": ErpPoller(last_asked=NOW, every_seconds=300, is_away=True)})
OUTSIDE = ASKING.model_copy(update={"circuit_open_since": NOW, "reason": "QuickBooks is closed."})
HELD_BACK = CALLED.model_copy(update={"circuit_open_since": NOW})
EXPORTING = (sent(), accepted())
IN_DOUBT = (*EXPORTING, in_doubt(is_probed=False))
ASKED_AGAIN = (*EXPORTING, in_doubt())
APPROVER, PROJECT, SYSTEM = "An accounting approver", "The project manager", "Countersign"


def step_after(*events: Event[Any], erp: ErpConnection | None = CALLED, **why: str) -> NextStep:
    facts = after(*events)
    current = current_status(facts)
    assert current
    return next_step(facts, current, erp, **why)


@pytest.mark.parametrize(
    ("events", "who", "what"),
    [
        ((sent(),), APPROVER, "Accept or reject it on the desk."),
        ((sent(), sent(content=B)), "An accounting approver, or the project manager", "Reject it on the desk, or"),
        ((sent(), retrieved()), PROJECT, "Correct it in the project, and send it again."),
        ((sent(), rejected()), PROJECT, "Correct it in the project, and send it again."),
        (EXPORTING, SYSTEM, "Nothing to do: it is queued for QuickBooks, or being sent."),
        (IN_DOUBT, APPROVER, "Look for it in QuickBooks, and settle it on the desk with what you find."),
        (ASKED_AGAIN, SYSTEM, "Nothing to do: QuickBooks is asked whether it has it."),
        ((*IN_DOUBT, resolved()), SYSTEM, "Nothing to do: QuickBooks is asked whether it has it."),
        ((*EXPORTING, succeeded()), "Nobody", "Nothing to do."),
        ((*EXPORTING, succeeded(), drifted()), APPROVER, "Decide on the desk what is right"),
        ((*EXPORTING, succeeded(), succeeded(number="PO-2")), APPROVER, "Remove all of its documents but one"),
    ],
    ids=str,
)
def test_every_status_has_somebody_who_acts(events: tuple[Event[Any], ...], who: str, what: str) -> None:
    step = step_after(*events)
    assert (step.who, step.what[: len(what)]) == (who, what)


def test_a_failure_says_itself_who_acts() -> None:
    event = failed()
    assert step_after(*EXPORTING, event).what == event.data.failure.next_step


def test_what_cannot_be_accepted_has_to_be_rejected() -> None:
    step = step_after(sent(), blocked_by="The total is wrong.")
    assert step == NextStep(APPROVER, "Reject it on the desk, since it cannot be accepted. The total is wrong.")


@pytest.mark.parametrize(
    ("erp", "who", "what"),
    [
        (ASKING, SYSTEM, "Nothing to do: it goes to QuickBooks when the Web Connector asks."),
        (AWAY, "The ERP administrator", "See to the Web Connector of QuickBooks, as the line says."),
        (
            OUTSIDE,
            "The ERP administrator",
            "See to it that the Web Connector gets into QuickBooks: QuickBooks is closed. It goes on by itself then.",
        ),
        (HELD_BACK, SYSTEM, "Nothing to do: QuickBooks is tried again by itself."),
        (None, "The ERP administrator", "No ERP connection takes SC-014."),
    ],
    ids=["asks for work", "stays away", "does not get in", "held back", "none"],
)
def test_while_it_is_exporting_it_depends_on_the_erp(erp: ErpConnection | None, who: str, what: str) -> None:
    assert step_after(*EXPORTING, erp=erp, unreachable="No ERP connection takes SC-014.") == NextStep(who, what)
