"""The shipped element: its published constants, and its names against the WSDL."""

import json
from importlib import resources

import pytest
from lxml import etree

from bridge.catalog.loader import load_element
from bridge.catalog.model import DateKind, Discriminator, Verb
from bridge.catalog.naming import facade_name
from bridge.ceql.parser import parse_where

SCHEMA = {"s": "http://www.w3.org/2001/XMLSchema"}
LGCU = {Verb.LIST, Verb.GET, Verb.CREATE, Verb.UPDATE}

DAYS = {
    "BillingItem": {"ItemDate", "PostedDate"},
    "Contract": {"EndDate", "StartDate"},
    "ContractServiceAdjustment": {"EffectiveDate"},
    "ContractServiceBundleAdjustment": {"EffectiveDate"},
    "ContractServiceUnit": {"EndDate", "StartDate"},
    "Holiday": {"HolidayDate"},
    "Invoice": {"DueDate", "FromDate", "InvoiceDateTime", "PaidDate", "ToDate"},
    "Opportunity": {"ClosedDate", "CreateDate", "ProjectedCloseDate"},
    "Project": {"CreateDateTime", "EndDateTime", "StartDateTime"},
    "Resource": {"HireDate"},
    "TimeEntry": {"DateWorked"},
}
BY_VALUE = {
    "ChangeOrderCost": {"DatePurchased"},
    "ContactBillingProductAssociation": {"EffectiveDate", "ExpirationDate"},
    "ContractBillingRule": {"EndDate", "StartDate"},
    "ContractBlock": {"DatePurchased", "EndDate", "StartDate"},
    "ContractCost": {"DatePurchased"},
    "ContractMilestone": {"DateDue"},
    "ContractRetainer": {"DatePurchased", "EndDate", "StartDate"},
    "ContractServiceBundleUnit": {"EndDate", "StartDate"},
    "ContractTicketPurchase": {"DatePurchased", "EndDate", "StartDate"},
    "ExpenseItem": {"ExpenseDate"},
    "ExpenseReport": {"WeekEnding"},
    "InstalledProduct": {"InstallDate", "WarrantyExpirationDate"},
    "InstalledProductBillingProductAssociation": {"EffectiveDate", "ExpirationDate"},
    "Opportunity": {
        "LostDate",
        "ProjectedLiveDate",
        "PromisedFulfillmentDate",
        "ThroughDate",
    },
    "Phase": {"DueDate", "StartDate"},
    "Project": {"CompletedDateTime"},
    "ProjectCost": {"DatePurchased"},
    "PurchaseOrder": {"LatestEstimatedArrivalDate", "ShippingDate"},
    "PurchaseOrderItem": {"EstimatedArrivalDate"},
    "Quote": {"EffectiveDate", "ExpirationDate"},
    "SalesOrder": {"PromisedDueDate", "SalesOrderDate"},
    "Subscription": {"EffectiveDate", "ExpirationDate"},
    "SubscriptionPeriod": {"PeriodDate"},
    "Task": {"EndDateTime", "StartDateTime"},
    "TicketCost": {"DatePurchased"},
}


@pytest.fixture(scope="module")
def element():
    return load_element("autotaskcrm")


@pytest.fixture(scope="module")
def wsdl_fields():
    """Return the field names of every entity type in the offline WSDL."""
    wsdl = resources.files("bridge.wsdl_cache") / "atws-1.6.wsdl"
    tree = etree.fromstring(wsdl.read_bytes())
    return {
        kind.get("name"): {
            field.get("name") for field in kind.iterfind(".//s:element", SCHEMA)
        }
        for kind in tree.iterfind(".//s:complexType[@name]", SCHEMA)
        if kind.find(".//s:extension[@base='tns:Entity']", SCHEMA) is not None
    }


def test_constants(element):
    assert (element.id, element.key, element.hub["key"]) == (50, "autotaskcrm", "crm")
    assert element.name == "Autotask CRM"


def test_embedded_document_has_the_published_members_in_order(element):
    assert list(element.document) == [
        *("id", "name", "hookName", "key", "description", "image", "active"),
        *("deleted", "typeOauth", "trialAccount", "configDescription", "signupURL"),
        *("defaultTransformations", "objectMetadata", "transformationsEnabled"),
        *("bulkDownloadEnabled", "bulkUploadEnabled", "cloneable", "extendable"),
        *("beta", "authentication", "extended", "hub", "protocolType"),
        *("parameters", "private"),
    ]


def test_embedded_document_has_the_published_types(element):
    kinds = {name: type(value) for name, value in element.document.items()}

    texts = {name for name, kind in kinds.items() if kind is str}
    assert texts == {
        *("name", "hookName", "key", "description", "image", "configDescription"),
        *("signupURL", "hub", "protocolType"),
    }
    lists = ("defaultTransformations", "objectMetadata", "parameters")
    assert [element.document[name] for name in lists] == [[], [], []]
    assert element.document["authentication"] == {"type": "basic"}
    true = {name for name, value in element.document.items() if value is True}
    assert true == {
        *("active", "transformationsEnabled", "bulkDownloadEnabled"),
        *("bulkUploadEnabled", "extendable"),
    }


def test_configuration_keys_and_their_stable_ids(element):
    assert {key.id: key.key for key in element.configuration} == {
        4101: "crm.autotask.username",
        4102: "crm.autotask.password",
        4103: "crm.autotask.server.url",
        4104: "event.notification.enabled",
        4105: "event.vendor.type",
        4106: "event.notification.callback.url",
        4107: "event.notification.callback.headers",
        4108: "event.notification.signature.key",
        4109: "event.poller.refresh_interval",
        4110: "event.poller.configuration",
        4111: "event.poller.urls",
        4112: "filter.response.nulls",
        4113: "bulk.query.download_format",
        4114: "event.notification.basic.username",
        4115: "event.notification.basic.password",
        4116: "crm.autotask.integration.code",
        4117: "crm.autotask.zone",
        4118: "crm.autotask.impersonate.resource.id",
        4119: "crm.autotask.timezone",
        4120: "crm.autotask.backend",
    }


def test_what_is_required_what_is_secret_and_what_is_shown_unasked(element):
    keys = element.configuration

    assert [key.key for key in keys if key.required] == [
        "crm.autotask.username",
        "crm.autotask.password",
        "crm.autotask.server.url",
    ]
    assert [key.key for key in keys if key.secret] == [
        "crm.autotask.password",
        "event.notification.signature.key",
        "event.notification.basic.password",
        "crm.autotask.integration.code",
    ]
    assert {key.key: key.default for key in keys if key.shown_by_default} == {
        "event.notification.enabled": "false",
        "filter.response.nulls": "true",
    }


def test_poller_default_is_json_with_a_member_for_each_polled_resource(element):
    [poller] = (
        key for key in element.configuration if key.key == "event.poller.configuration"
    )

    entries = json.loads(poller.default.replace("\n", "").replace("\t", ""))

    assert list(entries) == ["accounts", "contacts", "tasks"]
    for name, entry in entries.items():
        path, where = entry["url"].split("?where=")
        assert path == f"/hubs/crm/{name}"
        moment = "${date:yyyy-MM-dd'T'HH:mm:ssZ}"
        predicate = parse_where(where.replace(moment, "2019-03-14T09:26:53+0000"))
        assert predicate.field == entry["datesConfiguration"]["updatedDateField"]


def test_poller_default_names_fields_of_the_entities(element, wsdl_fields):
    [poller] = (
        key for key in element.configuration if key.key == "event.poller.configuration"
    )

    for name, entry in json.loads(poller.default).items():
        known = {
            facade_name(field) for field in wsdl_fields[element.resources[name].entity]
        }
        dates = entry["datesConfiguration"]
        assert {dates["updatedDateField"], dates["createdDateField"]} <= known


@pytest.mark.parametrize(
    ("name", "entity", "singular", "verbs"),
    [
        ("accounts", "Account", "account", LGCU),
        ("leads", "Account", "lead", LGCU),
        ("contacts", "Contact", "contact", LGCU),
        ("opportunities", "Opportunity", "opportunity", LGCU),
        ("tasks", "Task", "task", LGCU),
        ("users", "ClientPortalUser", "user", LGCU),
        ("customers", "ClientPortalUser", "customer", LGCU),
        ("products", "Product", "product", LGCU),
        ("billing-items", "BillingItem", "billing item", {Verb.LIST, Verb.GET}),
        ("invoices", "Invoice", "invoice", LGCU - {Verb.CREATE}),
        ("sales-orders", "SalesOrder", "sales order", LGCU - {Verb.CREATE}),
    ],
)
def test_resource(element, name, entity, singular, verbs):
    resource = element.resources[name]

    assert (resource.entity, resource.singular) == (entity, singular)
    assert resource.verbs == verbs


def test_there_is_no_other_resource(element):
    assert len(element.resources) == 11


@pytest.mark.parametrize(
    ("kind", "expected"), [(DateKind.DAY, DAYS), (DateKind.BY_VALUE, BY_VALUE)]
)
def test_date_fields_that_are_not_instants(element, kind, expected):
    named = {
        name: {field for field, known in facts.date_kinds.items() if known is kind}
        for name, facts in element.facts.items()
    }

    assert {name: fields for name, fields in named.items() if fields} == expected


def test_entities_whose_values_may_be_protected(element):
    named = [name for name, facts in element.facts.items() if facts.protected_udfs]

    assert named == ["InstalledProduct"]


def test_what_metadata_does_not_say(element):
    assert {n: f.required for n, f in element.facts.items() if f.required} == {
        "ClientPortalUser": {"Password"}
    }
    assert element.resources["users"].facts.required == {"Password"}
    assert {n: r.fixed for n, r in element.resources.items() if r.fixed} == {
        "leads": Discriminator(field="AccountType", value="2", label="Lead")
    }


def test_every_entity_and_field_named_is_in_the_wsdl(element, wsdl_fields):
    for resource in element.resources.values():
        assert resource.entity in wsdl_fields
        named = {*resource.rename, *([resource.fixed.field] if resource.fixed else [])}
        assert named <= wsdl_fields[resource.entity], resource.name
    for entity, facts in element.facts.items():
        named = {*facts.date_kinds, *facts.required, *facts.unique, *facts.named_by}
        assert named <= wsdl_fields[entity], entity


def test_no_two_fields_of_a_resource_get_the_same_name(element, wsdl_fields):
    for resource in element.resources.values():
        fields = wsdl_fields[resource.entity]
        names = {
            resource.rename.get(name, facade_name(name)).lower() for name in fields
        }
        assert len(names) == len(fields), resource.name
