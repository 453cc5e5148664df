"""What the Web Connector is told when QuickBooks cannot be reached or cannot read a request.

The codes and their meanings are those of Intuit's page “Status codes in response messages” and of
IntuitDeveloper/QBXML_SDK_Samples, WCWebService.
"""

from enum import StrEnum


class Hresult(StrEnum):
    """The code of a failure of QuickBooks as a whole, as the Web Connector writes it."""

    UNREADABLE = "0x80040400"
    NO_ACCESS = "0x80040401"
    UNEXPECTED = "0x80040402"
    NOT_STARTED = "0x80040408"
    OTHER_FILE = "0x8004040A"
    DIALOG = "0x80040414"
    NO_FILE = "0x80040417"

    @property
    def meaning(self) -> str:
        """The sentence that comes with the code."""
        return _MEANINGS[self]


_MEANINGS = {
    Hresult.UNREADABLE: "QuickBooks found an error when parsing the provided XML text stream.",
    Hresult.NO_ACCESS: "Could not access QuickBooks.",
    Hresult.UNEXPECTED: "Unexpected error. Check the qbsdklog.txt file for possible, additional information.",
    Hresult.NOT_STARTED: "Could not start QuickBooks.",
    Hresult.OTHER_FILE: "A QuickBooks company data file is already open and it is different from the one requested.",
    Hresult.DIALOG: "A modal dialog box is showing in the QuickBooks user interface.",
    Hresult.NO_FILE: "No QuickBooks company data file is open.",
}


class HresultError(Exception):
    """QuickBooks failed as a whole: there is no response, only a code and words; `detail` stays in QuickBooks' log."""

    def __init__(self, hresult: Hresult, detail: str = "") -> None:
        super().__init__(f"{hresult.meaning} ({detail})" if detail else hresult.meaning)
        self.hresult = hresult
        self.detail = detail
