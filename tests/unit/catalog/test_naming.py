"""Vendor field names in the facade's spelling."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalog.naming import facade_name

NAMES = st.text(string.ascii_letters + string.digits + "_", min_size=1)


@pytest.mark.parametrize(
    ("vendor", "facade"),
    [
        ("AccountName", "accountName"),
        ("OwnerResourceID", "ownerResourceID"),
        ("AccountID", "accountID"),
        ("TaxID", "taxID"),
        ("id", "id"),
        ("EMailAddress", "emailAddress"),
        ("EMailAddress2", "emailAddress2"),
        ("SICCode", "siccode"),
        ("MSRP", "msrp"),
        ("SKU", "sku"),
        ("UserDefinedFields", "userDefinedFields"),
        ("eQuoteActive", "eQuoteActive"),
        ("old_selected_service_sum", "old_selected_service_sum"),
        ("Address1", "address1"),
        ("AdvancedField5", "advancedField5"),
        ("", ""),
    ],
)
def test_documented_names(vendor, facade):
    assert facade_name(vendor) == facade


@given(NAMES)
def test_only_the_leading_capitals_change(vendor):
    facade = facade_name(vendor)

    rest = vendor.lstrip(string.ascii_uppercase)
    assert facade.endswith(rest)
    assert facade.lower() == vendor.lower()
    assert not facade[0].isupper()


@given(NAMES)
def test_a_facade_name_stays_as_it_is(vendor):
    facade = facade_name(vendor)

    assert facade_name(facade) == facade
