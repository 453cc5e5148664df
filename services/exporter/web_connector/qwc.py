"""Writes the .qwc file that tells a Web Connector about one connection.

Elements: `HTTPSWebService.qwc` of Intuit's QBXML_SDK_Samples, and the parameters that its "QuickBooks Web Connector
Programmer's Guide" adds for version 2.0. Whoever adds the file again must find the same ids, or QuickBooks takes it for
another application.
"""

from uuid import UUID, uuid5

from lxml import etree
from lxml.builder import E

from services.exporter.connectors.pull import PullSettings
from services.exporter.web_connector.endpoint_url import endpoint_url, support_url

OWNER_ID = UUID("0e4a39c7-5f0b-4a5e-9d0c-6a1f0c0b7b52")
"""The product, the same for everybody."""
_EVERY_EDITION = "0xF"


def qwc(settings: PullSettings, url: str) -> bytes:
    """Return the file for a connection whose endpoint is at `url`; SettingsError if the address breaks a rule."""
    endpoint, first_name = endpoint_url(url), first_name_of(settings)
    root = E.QBWCXML(
        E.AppName(f"Countersign {first_name}"),
        E.AppID(""),
        E.AppURL(endpoint),
        E.AppDescription(f"Writes approved commitments into {settings.title}"),
        E.AppSupport(support_url(endpoint)),
        E.UserName(settings.user),
        E.OwnerID(_braced(OWNER_ID)),
        E.FileID(_braced(file_id(settings))),
        E.QBType("QBFS"),
        E.Style("Document"),
        E.Scheduler(E.RunEveryNMinutes(str(settings.poll_minutes))),
        E.AuthFlags(_EVERY_EDITION),
        E.IsReadOnly("false"),
        E.UnattendedModePref("umpOptional"),
        E.PersonalDataPref("pdpNotNeeded"),
        E.AppDisplayName(f"Countersign: {settings.title}"),
    )
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True)


def first_name_of(settings: PullSettings) -> str:
    """Return the first name that the connection had: a renamed one keeps its ids."""
    return settings.formerly[0] if settings.formerly else settings.name


def file_id(settings: PullSettings) -> UUID:
    """Return the id by which a company file remembers this connection."""
    return uuid5(OWNER_ID, first_name_of(settings))


def _braced(identity: UUID) -> str:
    return f"{{{str(identity).upper()}}}"
