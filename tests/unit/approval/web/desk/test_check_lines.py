"""The check lines that an approver reads before accepting."""

from datetime import UTC, datetime

from schemas.events import ErpConnection, ErpList, ErpPoller, LimitsProfile
from schemas.examples.cast import COMPANY, CONCRETE_1, DIRECTORY, SAM
from schemas.fields import ToolLevel
from services.approval.rules.checks import findings
from services.approval.rules.finding import Finding
from services.approval.rules.numbers import Namesake
from services.approval.web.desk.check_lines import check_lines

QUICKBOOKS = ErpConnection(
    name="qb",
    version=1,
    kind="http",
    title="QuickBooks",
    companies=(COMPANY,),
    limits=LimitsProfile(number_characters=4, truncates_number=True, title_characters=31),
)


def test_every_rule_is_shown_with_value_limit_and_verdict() -> None:
    shown = check_lines(
        CONCRETE_1,
        SAM,
        QUICKBOOKS,
        findings(CONCRETE_1, SAM, erp=QUICKBOOKS, namesake=Namesake("SC-013", "Steel", "Riverside")),
        sender=DIRECTORY[SAM.id],
    )
    assert [(check.rule, check.value, check.limit, check.verdict) for check in shown[1:]] == [
        ("Sender", "Sam Lee", "Admin on the project's Commitments tool", "OK"),
        ("Number", "6 characters", "4 characters; longer ones are cut", "Blocks"),
        ("Title", "14 characters", "31 characters", "OK"),
        ("Vendor name", "13 characters", "Not known", "Not known"),
    ]


def test_what_is_not_known_is_never_ok() -> None:
    unlinked = CONCRETE_1.model_copy(update={"vendor": CONCRETE_1.vendor.model_copy(update={"erp_code": None})})
    books = QUICKBOOKS.model_copy(update={"limits": LimitsProfile()})

    for erp in (None, books):
        shown = check_lines(unlinked, SAM, erp, findings(unlinked, SAM, erp=erp))

        verdicts = {check.rule: check.verdict for check in shown}
        assert verdicts == {
            "Total": "OK",
            "Sender": "Not known",
            "Number": "Not known",
            "Title": "Not known",
            "Vendor name": "Not known",
            "Vendor code": "Not known",
        }


def test_a_sender_whose_level_the_directory_does_not_tell_is_not_known_to_be_right() -> None:
    elsewhere = DIRECTORY[SAM.id].model_copy(update={"commitments_tool": {"project-99": ToolLevel.ADMIN}})

    for sender, verdict in ((DIRECTORY[SAM.id], "OK"), (elsewhere, "Not known"), (None, "Not known")):
        shown = check_lines(CONCRETE_1, SAM, QUICKBOOKS, (), sender=sender)
        assert [check.verdict for check in shown if check.rule == "Sender"] == [verdict]


def test_a_cut_number_that_stays_unique_is_a_warning() -> None:
    shown = check_lines(CONCRETE_1, SAM, QUICKBOOKS, findings(CONCRETE_1, SAM, erp=QUICKBOOKS))
    assert [check.verdict for check in shown if check.rule == "Number"] == ["Warning"]


def test_a_rule_of_another_kind_gets_a_line_of_its_own() -> None:
    shown = check_lines(CONCRETE_1, SAM, None, (Finding("period", "The period is closed."),))
    assert (shown[-1].rule, shown[-1].verdict) == ("Period", "Blocks")


def test_the_other_limits_of_an_erp_are_shown_with_what_they_take() -> None:
    limits = LimitsProfile(
        unit_characters=1, needs_cost_code=True, needs_vendor_code=True, forbidden_number_characters="/"
    )
    spectrum = QUICKBOOKS.model_copy(update={"limits": limits})

    shown = check_lines(CONCRETE_1, SAM, spectrum, findings(CONCRETE_1, SAM, erp=spectrum))

    assert [(check.rule, check.value, check.limit, check.verdict) for check in shown[5:]] == [
        ("Number characters", "", "No / in the number", "OK"),
        ("Vendor code", "", "No vendor without a code", "OK"),
        ("Cost codes", "5 lines", "No line without a cost code", "OK"),
        ("Units", "5 lines", "1 character in the unit of a line", "Blocks"),
    ]


def test_a_title_that_is_cut_is_shown_as_such() -> None:
    cutting = QUICKBOOKS.model_copy(update={"limits": LimitsProfile(title_characters=8, truncates_title=True)})

    shown = check_lines(CONCRETE_1, SAM, cutting, findings(CONCRETE_1, SAM, erp=cutting))

    assert [(check.limit, check.verdict) for check in shown if check.rule == "Title"] == [
        ("8 characters; longer ones are cut", "Warning")
    ]


def test_each_list_of_an_erp_is_shown_with_what_is_looked_for_and_when_it_was_read() -> None:
    read_at = datetime(2026, 11, 16, 15, 2, tzinfo=UTC)
    lists = (
        ErpList(name="vendor", read_at=read_at, entries=1),
        ErpList(name="item", read_at=read_at, entries=1204),
        ErpList(name="job"),
        ErpList(name="class"),
    )
    asking = QUICKBOOKS.model_copy(
        update={"limits": LimitsProfile(), "lists": lists, "poller": ErpPoller(every_seconds=300)}
    )

    shown = check_lines(CONCRETE_1, SAM, asking, findings(CONCRETE_1, SAM, erp=asking), "America/Chicago")

    read = "read Nov 16, 2026, 09:02 CST"
    assert [(check.rule, check.value, check.limit, check.verdict) for check in shown[5:]] == [
        ("Vendor in QuickBooks", "ACME (for Acme Concrete)", f"1 vendor, {read}", "Warning"),
        ("Item in QuickBooks", "5 items", f"1,204 items, {read}", "Warning"),
        ("Job in QuickBooks", "J-2607", "Not read yet", "Not known"),
    ]
