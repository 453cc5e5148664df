"""What QuickBooks remembers of message sets, with which a lost answer is found again."""

import pytest

from sandbox.quickbooks.books import company_file
from sandbox.quickbooks.company_file import CompanyFile
from sandbox.quickbooks.journal import Did, Journal
from tests.qbxml_requests import an_add, answered, message_set

ID = "a" * 23


@pytest.fixture
def file() -> CompanyFile:
    return company_file(Journal())


def test_a_check_returns_the_saved_response(file: CompanyFile) -> None:
    given = file.process(message_set(an_add(), newMessageSetID=ID))

    assert file.process(message_set(newMessageSetID=ID, oldMessageSetID=ID)) == given
    assert file.process(message_set(newMessageSetID=ID, oldMessageSetID=ID)) == given
    assert answered(given).set_code == "0"
    assert answered(given).root[0].get("newMessageSetID") == ID


def test_the_same_set_again_is_not_carried_out_again(file: CompanyFile) -> None:
    given = file.process(message_set(an_add(), newMessageSetID=ID))

    assert file.process(message_set(an_add(), newMessageSetID=ID)) == given
    assert len(file.orders) == 1
    assert [each.did for each in file.journal.entries] == [Did.CREATED, Did.RECALLED]


def test_a_refusal_is_saved_like_any_other_response(file: CompanyFile) -> None:
    refused = file.process(message_set(an_add(VendorRef={"FullName": "?"}), newMessageSetID=ID))

    assert file.process(message_set(newMessageSetID=ID, oldMessageSetID=ID)) == refused
    assert answered(refused).code == 3140


def test_another_set_with_a_known_id_is_not_carried_out(file: CompanyFile) -> None:
    file.process(message_set(an_add(), newMessageSetID=ID))

    assert answered(file.process(message_set(an_add(RefNumber="PO-1"), newMessageSetID=ID))).set_code == "9001"
    assert len(file.orders) == 1


def test_what_was_never_sent_is_not_known(file: CompanyFile) -> None:
    answer = answered(file.process(message_set(newMessageSetID=ID, oldMessageSetID=ID)))

    assert (answer.set_code, len(answer.root[0])) == ("9002", 0)


def test_a_set_that_could_not_be_read_is_not_known_either(file: CompanyFile) -> None:
    with pytest.raises(Exception, match="parsing"):
        file.process(message_set("<Nothing/>", newMessageSetID=ID))

    assert answered(file.process(message_set(newMessageSetID=ID, oldMessageSetID=ID))).set_code == "9002"


def test_an_old_id_alone_makes_quickbooks_forget(file: CompanyFile) -> None:
    file.process(message_set(an_add(), newMessageSetID=ID))
    codes = [
        answered(file.process(message_set(**ids))).set_code
        for ids in ({"oldMessageSetID": ID}, {"oldMessageSetID": ID}, {"newMessageSetID": ID, "oldMessageSetID": ID})
    ]

    assert codes == ["0", "600", "9002"]


def test_everything_can_be_forgotten_at_once(file: CompanyFile) -> None:
    file.process(message_set(an_add(), newMessageSetID="1"))
    file.process(message_set(an_add(), newMessageSetID="2", oldMessageSetID="1"))
    file.process(message_set(oldMessageSetID="ClearAllMessageSets"))

    assert all(each not in file.books.message_sets for each in ("1", "2"))
    assert len(file.orders) == 2


def test_an_id_that_is_too_long_carries_nothing_out(file: CompanyFile) -> None:
    assert answered(file.process(message_set(an_add(), newMessageSetID=f"{ID}a"))).set_code == "9004"
    assert not file.orders


def test_a_set_without_an_id_says_nothing_of_itself(file: CompanyFile) -> None:
    assert answered(file.process(message_set(an_add()))).set_code is None
