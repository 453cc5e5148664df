"""Runs all checks at the same time, each within its own time, so that one that hangs holds up no other."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from services.doctor.checks import Check
from services.doctor.configuration import EXAMPLE
from services.doctor.findings import Finding, NotCheckedError, Verdict, not_checked, wrong
from services.doctor.surroundings import Surroundings
from services.pipeline.errors import BrokerError, CountersignError, SettingsError


@dataclass(frozen=True, slots=True)
class Checked:
    """What one check has found."""

    name: str
    findings: Sequence[Finding]


async def check_up(checks: Sequence[Check], around: Surroundings) -> list[Checked]:
    """Return what all `checks` find, in their order."""

    async def run(check: Check) -> Checked:
        return Checked(check.name, await _look(check, around))

    return await asyncio.gather(*map(run, checks))


async def _look(check: Check, around: Surroundings) -> Sequence[Finding]:
    try:
        return await asyncio.wait_for(check.look(around), check.seconds)
    except NotCheckedError as error:
        return [not_checked("all", str(error))]
    except TimeoutError:
        return [_unanswered(check, f"the check did not end within {check.seconds:g} s")]
    except SettingsError as error:
        return [_unanswered(check, str(error), "SETTINGS")]
    except CountersignError as error:
        return [_unanswered(check, str(error), "KAFKA" if isinstance(error, BrokerError) else "DATABASE")]
    except Exception as error:  # noqa: BLE001 - one check that is broken must not hide what the others find
        text = f"the check itself failed ({type(error).__name__}: {error})"
        return [wrong("all", text, "Report it, with this line.")]


def _unanswered(check: Check, why: str, what: str = "") -> Finding:
    """Return that a server did not answer: what is wrong for the check of this server, and a reason for all others."""
    if not check.is_of_server:
        return not_checked("all", why)
    remedies = {
        "SETTINGS": EXAMPLE,
        "KAFKA": "See whether the brokers run, and KAFKA_BOOTSTRAP_SERVERS and its credentials are right.",
        "DATABASE": "See whether PostgreSQL runs, and DATABASE_URL and its password are right.",
    }
    return wrong("all", why, remedies.get(what, "See whether the server runs, and how busy it is."))


def worst(checked: Sequence[Checked]) -> Verdict:
    """Return the worst verdict of all findings."""
    order = list(Verdict)
    return max((finding.verdict for each in checked for finding in each.findings), key=order.index, default=Verdict.OK)
