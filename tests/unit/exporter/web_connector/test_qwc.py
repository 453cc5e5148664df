"""The .qwc file has what Intuit's samples have, and ids that outlive a rename."""

import re
from urllib.parse import urlsplit

from lxml import etree

from services.exporter.connectors.pull import PullSettings
from services.exporter.web_connector.qwc import qwc

# Of HTTPSWebService.qwc, HTTPWebService.qwc and TestService.qwc in Intuit's QBXML_SDK_Samples; what all three have.
REQUIRED = {
    *("AppName", "AppID", "AppURL", "AppDescription", "AppSupport", "UserName"),
    *("OwnerID", "FileID", "QBType", "Style", "AuthFlags"),
}
# What Intuit's guide adds for version 2.0, and the schedule.
OPTIONAL = {
    *("CertURL", "Notify", "AppDisplayName", "AppUniqueName", "IsReadOnly", "UnattendedModePref"),
    *("PersonalDataPref", "Scheduler"),
}
GUID = re.compile(r"\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}")
URL = "https://erp.example/quickbooks"


def settings(name: str = "main", formerly: tuple[str, ...] = (), title: str = "Books & Sons") -> PullSettings:
    return PullSettings(
        name=name,
        formerly=formerly,
        kind="pulled",
        title=title,
        companies=("co-1",),
        user="countersign-main",
        poll_minutes=7,
    )


def written(of: PullSettings) -> dict[str, str]:
    root = etree.fromstring(qwc(of, URL))
    assert root.tag == "QBWCXML"
    return {str(each.tag): "".join(each.itertext()) for each in root}


def test_it_has_every_element_of_the_samples_and_none_that_is_unknown() -> None:
    elements = written(settings())

    assert set(elements) >= REQUIRED
    assert set(elements) <= REQUIRED | OPTIONAL


def test_it_says_who_signs_in_where_and_how_often() -> None:
    elements = written(settings())

    assert elements["AppURL"] == URL
    assert urlsplit(elements["AppSupport"]).hostname == urlsplit(elements["AppURL"]).hostname
    assert elements["UserName"] == "countersign-main"
    assert elements["AppDescription"] == "Writes approved commitments into Books & Sons"
    assert (elements["QBType"], elements["Style"], elements["IsReadOnly"]) == ("QBFS", "Document", "false")
    schedule = etree.fromstring(qwc(settings(), URL)).find("Scheduler/RunEveryNMinutes")
    assert schedule is not None
    assert schedule.text == "7"


def test_the_ids_are_stable_and_differ_between_connections() -> None:
    one, again, other = written(settings()), written(settings()), written(settings("other"))

    assert GUID.fullmatch(one["OwnerID"])
    assert GUID.fullmatch(one["FileID"])
    assert one == again
    assert one["OwnerID"] == other["OwnerID"]
    assert one["FileID"] != other["FileID"]
    assert one["AppName"] != other["AppName"]


def test_they_are_what_they_were_in_the_first_release() -> None:
    elements = written(settings())

    assert elements["OwnerID"] == "{0E4A39C7-5F0B-4A5E-9D0C-6A1F0C0B7B52}"
    assert elements["FileID"] == "{94BF9BF5-A793-50AD-9481-CEE55026652D}"


def test_a_renamed_connection_keeps_its_ids_and_its_name_in_quickbooks() -> None:
    before = written(settings())
    after = written(settings("books", formerly=("main", "later")))

    assert [after[each] for each in ("OwnerID", "FileID", "AppName")] == [
        before[each] for each in ("OwnerID", "FileID", "AppName")
    ]


def test_no_secret_is_in_it() -> None:
    assert "assword" not in qwc(settings(), URL).decode()
