"""What any SOAP client does with the vendor, done with clients that are not ours."""

import pytest
import suds.client

PAGE = 500


def query(entity, *conditions):
    fields = "".join(
        f'<field>{name}<expression op="{operator}">{value}</expression></field>'
        for name, operator, value in conditions
    )
    return f"<queryxml><entity>{entity}</entity><query>{fields}</query></queryxml>"


def items(response):
    results = response.EntityResults
    return list(results.Entity) if results else []


def messages(response):
    assert response.ReturnCode == -1
    return [error.Message for error in response.Errors.ATWSError]


def person(client, **members):
    given = {
        "id": 0,
        "Active": 1,
        "AccountID": 0,
        "FirstName": "Ada & <Co>",
        "LastName": "Größe",
    }
    return client.make("Contact", **given | members)


def test_zone(client, early):
    found = client.call("getZoneInfo", early["username"])
    unknown = client.call("getZoneInfo", "nobody@nowhere.example")

    path = f"/ATServices/{client.version}/atws.asmx"
    assert (found.ErrorCode, found.URL) == (0, early["sandboxUrl"] + path)
    assert found.CI == 30049
    assert unknown.ErrorCode == -1


def test_metadata(client):
    infos = client.call("getEntityInfo")
    infos = infos if isinstance(infos, list) else infos.EntityInfo
    fields = client.call("GetFieldInfo", "Account")
    fields = fields if isinstance(fields, list) else fields.Field
    udfs = client.call("getUDFInfo", "Account")
    udfs = udfs if isinstance(udfs, list) else udfs.Field

    account = next(info for info in infos if info.Name == "Account")
    assert (account.CanCreate, account.HasUserDefinedFields) == (True, True)
    types = next(field for field in fields if field.Name == "AccountType")
    labels = {item.Value: item.Label for item in types.PicklistValues.PickListValue}
    assert labels["1"] == "Customer"
    assert "Door Code" in {udf.Name for udf in udfs}


def test_paging(client, control):
    rows = [
        {"AccountID": 0, "FirstName": f"P{number}", "LastName": "Paged", "Active": 1}
        for number in range(PAGE + 20)
    ]
    ids = control("POST", "seed", {"rows": {"Contact": rows}})["ids"]["Contact"]
    seen, after = [], min(ids) - 1

    while True:
        asked = query(
            "Contact", ("id", "GreaterThan", after), ("LastName", "Equals", "Paged")
        )
        page = items(client.call("query", asked))
        seen += [int(record.id) for record in page]
        after = seen[-1]
        if len(page) < PAGE:
            break

    assert seen == ids
    control("POST", "reset")


def test_create_update_delete(client):
    made = client.call("create", client.entities(person(client)))
    assert made.ReturnCode == 1
    number = items(made)[0].id

    (read,) = items(client.call("query", query("Contact", ("id", "Equals", number))))
    assert (read.FirstName, read.LastName) == ("Ada & <Co>", "Größe")

    changed = person(client, id=number, FirstName="Changed", Title="Boss")
    assert client.call("update", client.entities(changed)).ReturnCode == 1
    (read,) = items(client.call("query", query("Contact", ("id", "Equals", number))))
    assert (read.FirstName, read.Title) == ("Changed", "Boss")


def test_delete(client):
    note = client.make(
        "AccountToDo",
        id=0,
        AccountID=0,
        AssignedToResourceID=4,
        ActionType=1,
        StartDateTime="2021-06-01T09:00:00",
        EndDateTime="2021-06-01T10:00:00",
    )
    number = items(client.call("create", client.entities(note)))[0].id

    gone = client.call("delete", client.entities(client.make("AccountToDo", id=number)))

    assert gone.ReturnCode == 1
    assert not items(
        client.call("query", query("AccountToDo", ("id", "Equals", number)))
    )


def test_attachments(client):
    content = bytes(range(256)) * 4
    info = client.make(
        "AttachmentInfo",
        id=0,
        ParentID=29683561,
        ParentType=1,
        Type="FILE_ATTACHMENT",
        Title="Bytes",
        FullPath="bytes.bin",
        Publish=1,
    )

    number = client.call("CreateAttachment", client.file(content, info))
    kept = client.call("GetAttachment", number)

    assert client.data(kept) == content
    assert kept.Info.Title == "Bytes"
    assert not client.call("DeleteAttachment", number)


def test_business_errors(client):
    nobody = person(client, FirstName=None)

    refused = client.call("create", client.entities(nobody))
    unknown = client.call("query", query("Nothing", ("id", "Equals", 1)))

    assert messages(refused) == [
        "Value does not exist for the required field FirstName. ; on record number [1]."
    ]
    assert messages(unknown) == ["Unable to find entity Nothing."]


def test_a_wrong_integration_code(connect):
    stranger = connect()
    stranger.code = "A" * 27

    answer = stranger.call("query", query("Contact", ("id", "Equals", 4)))

    assert messages(answer) == ["IntegrationCode is invalid."]


def test_a_fault(client, refused):
    with pytest.raises(refused, match="Server was unable to process request"):
        client.call("GetFieldInfo", "Nothing")


def test_a_wrong_password(connect, refused):
    with pytest.raises(refused, match=r"401|Unauthorized|Access is denied"):
        connect(password="wrong").call("query", query("Contact", ("id", "Equals", 4)))


@pytest.mark.parametrize("kind", ["http503", "html200", "reset", "fault"])
def test_a_response_of_another_kind(client, control, refused, kind):
    control("POST", "faults", {"kind": kind})

    with pytest.raises(refused):
        client.call("query", query("Contact", ("id", "Equals", 4)))

    assert client.call("query", query("Contact", ("id", "Equals", 4))).ReturnCode == 1


def test_a_truncated_response(client, control, refused):
    # suds asks twice: without credentials first.
    control("POST", "faults", {"kind": "truncate", "times": 2})

    with pytest.raises(refused):
        client.call("query", query("Contact", ("id", "Equals", 4)))


def test_suds_on_our_own_description(early):
    client = suds.client.Client(early["sandboxWsdl"], cache=None)

    assert client.service.getZoneInfo(early["username"]).ErrorCode == 0
