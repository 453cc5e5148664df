"""Whatever happens to a commitment, it ends, or people see that it waits for them: the rules without any server."""

from collections import Counter
from collections.abc import Callable
from random import Random

from schemas.fields import Status
from services.approval.rules.commitment import CurrentStatus, current_status
from tests.chaos.one_commitment import OneCommitment
from tests.unit.approval.rules.event_builders import ID

SHORT, LONG = 300, 20_000
STEPS = (20, 60, 150)


async def test_no_commitment_waits_for_what_nobody_can_do(
    size: int, chance: Random, report: Callable[[str], None]
) -> None:
    """Events, answers, faults, deaths and looks in any order; then peace, in which nobody answers."""
    ended = Counter[str]()
    for _ in range(size):
        commitment = OneCommitment(chance)
        for _ in range(chance.choice(STEPS)):
            await commitment.happens()
        assert await commitment.in_peace(), "\n".join(commitment.story)

        current = current_status(commitment.facts)
        assert current is not None
        ended[current.status] += 1
        assert _can_go_on(current), "\n".join(commitment.story)
        assert _is_what_it_seems(commitment, current), "\n".join(commitment.story)
        assert _is_told(commitment, current), "\n".join(commitment.story)
    report(
        f"dead ends: none in {size:,} courses; they ended as {', '.join(f'{n:,} {s}' for s, n in ended.most_common())}"
    )


def _can_go_on(current: CurrentStatus) -> bool:
    """Whether nobody waits for the ERP's answer, except an approver who is asked to look."""
    if current.status is Status.IN_DOUBT:
        return current.ruling is not None and current.ruling.doubt is not None and not current.ruling.doubt.next_probe
    return current.status is not Status.EXPORTING


def _is_what_it_seems(commitment: OneCommitment, current: CurrentStatus) -> bool:
    """Whether the ERP has the revision if the desk calls it synced, and only then, or the difference is to be found."""
    export = commitment.exports.by_revision.get(current.revision)
    if export is None or commitment.is_compared or current.status is Status.IN_DOUBT:
        return True
    unlinked = {document.id for document in commitment.facts.unlinked_documents}
    holders = {id_ for id_, marker in commitment.erp.documents.items() if marker == export.marker}
    return bool(holders - unlinked) == (current.status is Status.SYNCED)


def _is_told(commitment: OneCommitment, current: CurrentStatus) -> bool:
    """Whether people know each document with our marker, or are asked to look."""
    ours = {id_ for id_, marker in commitment.erp.documents.items() if marker.startswith(f"{ID}/")}
    unknown = ours - {written.document.id for written in commitment.facts.documents}
    return not unknown or current.status is Status.IN_DOUBT
