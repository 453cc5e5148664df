"""The address of the endpoint keeps Intuit's rules, or nobody gets a .qwc file with it."""

import pytest

from services.exporter.web_connector.endpoint_url import endpoint_url, support_url
from services.pipeline.errors import SettingsError


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("https://erp.example", "https://erp.example/quickbooks"),
        ("https://erp.example/", "https://erp.example/quickbooks"),
        (" https://erp.example:8443/quickbooks/ ", "https://erp.example:8443/quickbooks"),
        ("https://erp.example/books/quickbooks", "https://erp.example/books/quickbooks"),
        ("http://localhost:8002", "http://localhost:8002/quickbooks"),
        ("HTTPS://erp.example", "https://erp.example/quickbooks"),
    ],
)
def test_an_address_by_the_rules_is_taken(given: str, url: str) -> None:
    assert endpoint_url(given) == url


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("http://erp.example/quickbooks", "is not encrypted, and the Web Connector refuses that (QBWC1010)"),
        ("http://127.0.0.1:8002", "has an IP address, which the Web Connector refuses (QBWC1001)"),
        ("https://192.0.2.7/quickbooks", "has an IP address"),
        ("https://[2001:db8::1]/quickbooks", "has an IP address"),
        ("https://user:secret@erp.example", "the address has a user or a password"),
        ("https://user:secret@erp.example:99999", "the address has a user or a password"),
        ("https://erp.example/quickbooks?wsdl", "has a query or a fragment"),
        ("https://erp.example/quickbooks#x", "has a query or a fragment"),
        ("erp.example/quickbooks", "is not a complete address"),
        ("ftp://erp.example", "is not a complete address"),
        ("https://", "is not a complete address"),
        ("", "is not a complete address"),
        ("https://erp.example:99999", "is not an address"),
        ("https://[erp.example", "is not an address"),
    ],
)
def test_an_address_that_the_web_connector_would_refuse_is_an_error(given: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        endpoint_url(given)
    assert words in str(refused.value)
    assert str(refused.value).startswith("WEB_CONNECTOR_URL: ")
    assert "secret" not in str(refused.value)


def test_the_page_with_help_is_on_the_same_host() -> None:
    assert support_url("https://erp.example/quickbooks") == "https://erp.example/quickbooks/support"
