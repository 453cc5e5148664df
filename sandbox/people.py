"""The people of the sandbox's one company and one project, as everybody in the sandbox knows them."""

from schemas.commitment import Person, Project
from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel

COMPANY_ID = "c-rivera"
COMPANY_NAME = "Rivera Construction"
PROJECT = Project(id="pr-riverside", number="2026-07", name="Riverside Tower", erp_job_code="J-2607")
TIME_ZONE = "America/Chicago"


def _directory_person(
    person_id: str,
    name: str,
    *,
    erp_tool: ToolLevel,
    commitments_tool: ToolLevel,
    can_push_to_accounting: bool = False,
) -> DirectoryPerson:
    return DirectoryPerson(
        company_id=COMPANY_ID,
        person_id=person_id,
        version=1,
        name=name,
        email=f"{name.lower().replace(' ', '.')}@rivera.example",
        time_zone=TIME_ZONE,
        erp_tool=erp_tool,
        can_push_to_accounting=can_push_to_accounting,
        commitments_tool={PROJECT.id: commitments_tool},
    )


SAM = _directory_person("p-sam", "Sam Lee", erp_tool=ToolLevel.READ_ONLY, commitments_tool=ToolLevel.ADMIN)
ANA = _directory_person("p-ana", "Ana Gil", erp_tool=ToolLevel.NONE, commitments_tool=ToolLevel.STANDARD)
DANA = _directory_person(
    "p-dana",
    "Dana Ruiz",
    erp_tool=ToolLevel.STANDARD,
    commitments_tool=ToolLevel.READ_ONLY,
    can_push_to_accounting=True,
)
VERA = _directory_person("p-vera", "Vera Novak", erp_tool=ToolLevel.READ_ONLY, commitments_tool=ToolLevel.READ_ONLY)

PEOPLE = {person.person_id: person for person in (SAM, ANA, DANA, VERA)}
JOBS = {
    SAM.person_id: "Project manager",
    ANA.person_id: "Project engineer",
    DANA.person_id: "Accounting approver",
    VERA.person_id: "Viewer",
}
"""What each person does, in the words of a sign-in page."""


def person(entry: DirectoryPerson) -> Person:
    """The person behind a directory entry, as events name people."""
    return Person(id=entry.person_id, name=entry.name, email=entry.email)
