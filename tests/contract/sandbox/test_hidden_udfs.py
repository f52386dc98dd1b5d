"""Protected user-defined fields of installed products: masked and never written."""

import pytest

FIREWALL, SERVER = 29684172, 29684173
HIDDEN = (
    "<UserDefinedField><Name>Service Login</Name><Value>*****</Value>"
    "</UserDefinedField>"
)
REFUSED = (
    "The logged in Resource does not have the adequate permissions to update the "
    "user-defined field Service Login. ; on record number [1]."
)
NEEDED = "<Active>true</Active><ProductID>29683801</ProductID>"


def udf(name, value):
    shown = "" if value is None else f"<Value>{value}</Value>"
    return f"<UserDefinedField><Name>{name}</Name>{shown}</UserDefinedField>"


def product(soap, record_id):
    item = f'<field>id<expression op="Equals">{record_id}</expression></field>'
    return soap.query("InstalledProduct", item).http.text


def write(soap, operation, record_id, *udfs, more=NEEDED):
    inner = f"<UserDefinedFields>{''.join(udfs)}</UserDefinedFields>"
    return soap.write(
        operation, "InstalledProduct", f"<id>{record_id}</id>{inner}{more}"
    )


@pytest.mark.parametrize("version", ["1.5", "1.6"])
@pytest.mark.parametrize(("record_id", "place"), [(FIREWALL, "B 12"), (SERVER, "A 1")])
def test_they_are_masked_whether_filled_or_not(fresh, version, record_id, place):
    client = fresh if version == "1.6" else fresh.old

    text = product(client, record_id)

    assert HIDDEN in text
    assert f"<Value>{place}</Value>" in text  # an open one beside it
    assert "palisade" not in text


@pytest.mark.parametrize("value", ["*****", "new secret", "", None])
@pytest.mark.parametrize("operation", ["update", "create"])
def test_they_cannot_be_written(fresh, operation, value):
    more = NEEDED + ("<AccountID>0</AccountID>" if operation == "create" else "")
    before = fresh.fields("InstalledProduct", FIREWALL)

    reply = write(fresh, operation, FIREWALL, udf("Service Login", value), more=more)

    assert reply.errors == [REFUSED]
    assert fresh.fields("InstalledProduct", FIREWALL) == before


def test_others_of_the_record_are_written_and_they_stay(fresh):
    reply = write(fresh, "update", FIREWALL, udf("Rack &amp; Unit", "C 3"))

    assert reply.errors == []
    text = product(fresh, FIREWALL)
    assert HIDDEN in text
    assert "<Value>C 3</Value>" in text
    stays = (
        '<field udf="true">Service Login<expression op="Equals">palisade / hidden'
        "</expression></field>"
    )
    assert fresh.query("InstalledProduct", stays).ids == [FIREWALL]


def test_a_new_product_has_them_masked(fresh):
    (made,) = write(fresh, "create", 0, more=f"{NEEDED}<AccountID>0</AccountID>").ids

    assert HIDDEN in product(fresh, made)


def test_one_that_becomes_protected_is_masked_at_once(fresh):
    named = '<field>Name<expression op="Equals">Rack &amp; Unit</expression></field>'
    (definition,) = fresh.query("UserDefinedFieldDefinition", named).ids
    record = (
        f"<id>{definition}</id><Name>Rack &amp; Unit</Name><UdfType>9</UdfType>"
        "<DataType>1</DataType><IsActive>true</IsActive><IsProtected>true</IsProtected>"
    )

    assert fresh.write("update", "UserDefinedFieldDefinition", record).errors == []

    assert "B 12" not in product(fresh, FIREWALL)
    assert write(fresh, "update", FIREWALL, udf("Rack &amp; Unit", "x")).code == -1


def test_protected_ones_of_other_entities_are_shown(soap):
    info = soap.call("getUDFInfo", "<psTable>Account</psTable>")

    assert "Door Code" in info.texts("Name")
    items = '<field>id<expression op="GreaterThanorEquals">0</expression></field>'
    assert "*****" not in soap.query("Account", items).http.text


def test_a_reset_brings_them_back(fresh):
    write(fresh, "update", FIREWALL, udf("Rack &amp; Unit", "C 3"))
    fresh.session.post(f"{fresh.url}/sandbox/reset").raise_for_status()

    assert "<Value>B 12</Value>" in product(fresh, FIREWALL)
    assert HIDDEN in product(fresh, FIREWALL)
