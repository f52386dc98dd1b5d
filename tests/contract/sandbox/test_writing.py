"""create, update and delete: rules, texts, both error shapes, all or nothing."""

import re

import pytest

AT_1 = " ; on record number [1]."
NO_RECORD = (
    "No matching records found. The logged in resource may not have the required "
    "permissions to update the data."
)


def typed(**members):
    return "".join(
        f'<{name} xsi:type="xsd:string">{value}</{name}>'
        for name, value in members.items()
    )


def contact(**more):
    members = {"Active": 1, "AccountID": 0, "FirstName": "Noor", "LastName": "Haddad"}
    members |= more
    return "<id>0</id>" + typed(**{k: v for k, v in members.items() if v is not None})


def account(**more):
    members = {
        "AccountName": "Fernhollow Clinic",
        "OwnerResourceID": 4,
        "Phone": "518-555-0190",
        "AccountType": 1,
    }
    return "<id>0</id>" + typed(**members | more)


def by_id(soap, entity, record_id):
    item = f'<field>id<expression op="Equals">{record_id}</expression></field>'
    (found,) = soap.query(entity, item).entities
    return found


def test_create_returns_the_stored_record_with_a_new_id(soap):
    first = soap.write(
        "create", "Contact", contact(Note="a &amp; &lt;b&gt;", Fax="lost")
    )
    second = soap.write("create", "Contact", contact())

    assert first.code == 1
    assert 29_700_000 <= first.ids[0] < second.ids[0]
    (record,) = first.entities
    assert record["Note"] == "a & <b>"
    assert "Fax" not in record
    assert re.fullmatch(r"20[0-9T:.-]+", record["CreateDate"])
    stored = soap.row("Contact", first.ids[0]).text
    assert stored in first.http.text
    assert '<AccountID xsi:type="xsd:int">0</AccountID>' in stored


def test_value_types_need_not_be_the_fields_own(soap):
    record = (
        '<id>0</id><ProjectID xsi:type="xsd:long">4</ProjectID>'
        '<Status xsi:type="xsd:string">1</Status><TaskType>1</TaskType>'
        '<Title xsi:type="xsd:string">Survey site</Title>'
    )

    reply = soap.write("create", "Task", record)

    assert reply.texts("EntityResultType") == ["Task"]
    (task,) = reply.entities
    assert re.fullmatch(r"T20[0-9]{6}\.[0-9]{4}", task["TaskNumber"])
    assert [
        task[n] for n in ("ProjectID", "Status", "EstimatedHours", "CreatorType")
    ] == [
        "4",
        "1",
        "0",
        "1",
    ]


@pytest.mark.parametrize("prefix", ["xmlns:z", "xmlns"])
def test_the_entity_type_is_a_qualified_name(soap, prefix):
    space = "http://autotask.net/ATWS/v1_6/"
    name = "z:Contact" if prefix == "xmlns:z" else "Contact"
    body = (
        f'<a:create xmlns:a="{space}"><a:Entities><a:Entity {prefix}="{space}" '
        f'xsi:type="{name}"><a:id>0</a:id><a:Active>1</a:Active>'
        "<a:AccountID>0</a:AccountID><a:FirstName>Q</a:FirstName>"
        "<a:LastName>Name</a:LastName></a:Entity></a:Entities></a:create>"
    )

    assert soap.post(soap.envelope(body)).code == 1


@pytest.mark.parametrize(
    ("entity", "record", "message"),
    [
        (
            "Contact",
            contact(AccountID=None),
            "Value does not exist for the required field AccountID." + AT_1,
        ),
        (
            "Account",
            account(AccountType=99),
            "Picklist value [99] does not exist for AccountType." + AT_1,
        ),
        (
            "Account",
            account(OwnerResourceID=77777),
            "Reference value on field: OwnerResourceID of type: Resource does not "
            "exist or is invalid." + AT_1,
        ),
        (
            "Account",
            account(AssetValue="many"),
            "Can not convert data to numeric in field: AssetValue." + AT_1,
        ),
        (
            "Account",
            account(TaxExempt="maybe"),
            "Can not convert data to boolean in field: TaxExempt." + AT_1,
        ),
        (
            "AccountToDo",
            typed(
                AccountID=0,
                AssignedToResourceID=4,
                ActionType=1,
                StartDateTime="2021-03-14T02:30:00",
                EndDateTime="2021-03-14T04:00:00",
            ),
            "Can not convert data to datetime in field: StartDateTime." + AT_1,
        ),
        (
            "Account",
            account(AccountName="x" * 101),
            "String value exceeds maximum length (field:AccountName). ",
        ),
        (
            "Account",
            account() + "<Fax/>",
            "Conversion from type 'Object' to type 'String' is not valid.",
        ),
        (
            "Account",
            account() + "<UserDefinedFields><UserDefinedField><Name>Nope</Name>"
            "<Value>1</Value></UserDefinedField></UserDefinedFields>",
            "Unable to find UDF Nope in the Account Entity." + AT_1,
        ),
        (
            "Resource",
            typed(FirstName="x"),
            (
                "The logged in Resource does not have the adequate permissions to "
                "create this entity type."
            ),
        ),
    ],
)
def test_an_invalid_record_is_refused_with_the_vendors_text(
    soap, entity, record, message
):
    reply = soap.write("create", entity, record)

    assert reply.http.status_code == 200
    assert (reply.code, reply.errors) == (-1, [message])
    assert reply.texts("EntityResultType") == [entity.lower()]
    assert "<EntityReturnInfoResults />" in reply.http.text


def test_a_reference_that_is_a_text_names_no_record(soap):
    reply = soap.write("create", "ContractNote", typed(ContractID="x", Title="T"))

    assert (
        "Reference value on field: ContractID of type: Contract does not exist or is "
        "invalid." + AT_1 in reply.errors
    )


def test_all_faults_of_all_records_and_nothing_saved(soap):
    before = soap.write("create", "Account", account()).ids[0]

    reply = soap.write(
        "create",
        "Account",
        account(),
        account(AccountType=99, Phone=""),
        account(OwnerResourceID=77777, City="c" * 31),
    )

    assert reply.errors == [
        "Value does not exist for the required field Phone. ; on record number [2].",
        "Picklist value [99] does not exist for AccountType. ; on record number [2].",
        (
            "Reference value on field: OwnerResourceID of type: Resource does "
            "not exist or is invalid. ; on record number [3]."
        ),
        "String value exceeds maximum length (field:City). ",
    ]
    newer = f'<field>id<expression op="GreaterThan">{before}</expression></field>'
    assert soap.query("Account", newer).ids == []


def test_update_replaces_all_but_read_only_fields_and_udfs(soap):
    udf = soap.call("getUDFInfo", "<psTable>Contact</psTable>").texts("Name")
    definition = next(n for n in udf if n)
    item = '<field>LastName<expression op="IsNotNull"/></field>'
    contacts = soap.query("Contact", item).entities
    target = next(c for c in contacts if c["UserDefinedFields"] == "" and c["Active"])
    record_id = target["id"]
    (before,) = [c for c in contacts if c["id"] == record_id]

    reply = soap.write(
        "update",
        "Contact",
        f"<id>{record_id}</id>"
        + typed(Active=1, FirstName="New", LastName="Name", AccountID=12345678),
    )

    assert reply.errors == []
    assert definition
    after = by_id(soap, "Contact", record_id)
    assert (after["FirstName"], after["LastName"]) == ("New", "Name")
    assert after["AccountID"] == before["AccountID"]
    assert after["CreateDate"] == before["CreateDate"]
    assert not after.get("Phone")
    assert not after.get("EMailAddress")


def test_udfs_that_are_not_sent_stay_and_those_sent_without_value_are_cleared(soap):
    def udfs(**values):
        members = "".join(
            f"<UserDefinedField><Name>{name}</Name>{value}</UserDefinedField>"
            for name, value in values.items()
        )
        return f"<UserDefinedFields>{members}</UserDefinedFields>"

    names = soap.call("getUDFInfo", "<psTable>Account</psTable>")
    texts = [
        field.findtext("{*}Name")
        for field in names.find_all("Field")
        if field.findtext("{*}Type") == "string"
        and field.findtext("{*}IsPickList") == "false"
    ]
    name = texts[0].replace("&", "&amp;")
    (created,) = soap.write(
        "create", "Account", account() + udfs(**{name: "<Value>kept</Value>"})
    ).ids

    soap.write("update", "Account", account().replace(">0<", f">{created}<", 1))
    kept = soap.fields("Account", created)
    soap.write(
        "update",
        "Account",
        account().replace(">0<", f">{created}<", 1) + udfs(**{name: ""}),
    )

    assert f"<Name>{name}</Name><Value>kept</Value>" in kept
    assert "<UserDefinedFields />" in soap.fields("Account", created)


def test_update_errors_come_in_pairs(soap):
    (created,) = soap.write("create", "Contact", contact()).ids
    record = contact().replace(">0<", f">{created}<", 1)

    bad = soap.write("update", "Contact", record, record + "<Title />")
    missing = soap.write("update", "Contact", contact().replace(">0<", ">424242<", 1))

    assert bad.errors == [
        "Conversion from type 'Object' to type 'String' is not valid.",
        "Error updating entity for record number [2].",
    ]
    assert missing.errors == [NO_RECORD]


def test_an_inactive_picklist_value_or_reference_may_stay(soap):
    infos = soap.call("GetFieldInfo", "<psObjectType>Resource</psObjectType>")
    assert infos.http.status_code == 200
    reply = soap.query(
        "Resource", '<field>Active<expression op="Equals">0</expression></field>'
    )

    (inactive, *_) = reply.ids
    refused = soap.write("create", "Account", account(OwnerResourceID=inactive))

    assert "OwnerResourceID of type: Resource" in refused.errors[0]


def test_a_cleared_text_is_empty_and_one_never_set_is_absent(soap):
    (created,) = soap.write("create", "Contact", contact(Title="Dr", City="")).ids

    assert '<City xsi:type="xsd:string" />' in soap.fields("Contact", created)
    assert "<Phone" not in soap.fields("Contact", created)
    soap.write("update", "Contact", contact().replace(">0<", f">{created}<", 1))
    assert '<Title xsi:type="xsd:string" />' in soap.fields("Contact", created)


def test_batches_end_at_200_and_have_one_type(soap):
    assert len(soap.write("create", "Contact", *[contact()] * 200).ids) == 200
    assert soap.write("create", "Contact", *[contact()] * 201).errors == [
        "You can only create, update or delete up to 200 entities at a time."
    ]
    mixed = (
        f'<Entities><Entity xsi:type="Contact">{contact()}</Entity>'
        f'<Entity xsi:type="Account">{account()}</Entity></Entities>'
    )
    assert soap.call("create", mixed).errors == [
        "All entities in a call must be of the same type."
    ]


def test_delete_where_the_entity_allows_it(soap):
    (created,) = soap.write("create", "Contact", contact()).ids

    done = soap.write("delete", "Contact", f"<id>{created}</id>")
    again = soap.write("delete", "Contact", f'<id xsi:type="xsd:int">{created}</id>')
    never = soap.write("delete", "Account", "<id>0</id>")

    assert (done.code, done.ids, done.texts("EntityReturnInfo")) == (1, [], [])
    assert done.texts("EntityResultType") == ["contact"]
    assert "delete the data" in again.errors[0]
    assert never.errors == [
        (
            "The logged in Resource does not have the adequate permissions to "
            "delete this entity type."
        )
    ]


@pytest.mark.parametrize(
    ("entities", "inner"),
    [
        (
            '<Entity xsi:type="Contact"><id></id></Entity>',
            "System.FormatException: Input string was not in a correct format.",
        ),
        (
            (
                '<Entity xsi:type="Contact"><Active xsi:type="xsd:int">x</Active>'
                "</Entity>"
            ),
            "System.FormatException: Input string was not in a correct format.",
        ),
        (
            "<Entity><id>0</id></Entity>",
            "The specified type is abstract: name='Entity'",
        ),
        (
            '<Entity xsi:type="Foo"><id>0</id></Entity>',
            (
                "The specified type was not recognized: name='Foo', "
                "namespace='http://autotask.net/ATWS/v1_6/'"
            ),
        ),
        (
            '<Entity xsi:type="xsd:Contact"><id>0</id></Entity>',
            (
                "The specified type was not recognized: name='Contact', "
                "namespace='http://www.w3.org/2001/XMLSchema'"
            ),
        ),
    ],
)
def test_what_the_reader_cannot_bind_is_a_fault(soap, entities, inner):
    reply = soap.call("create", f"<Entities>{entities}</Entities>")

    assert reply.http.status_code == 500
    assert "<faultcode>soap:Client</faultcode>" in reply.http.text
    assert reply.fault.startswith(
        "System.Web.Services.Protocols.SoapException: Server was unable to read "
        "request."
    )
    assert inner in reply.fault


def portal_user(contact_id, name, **more):
    members = {
        "ContactID": contact_id,
        "UserName": name,
        "Password": "abc123",
        "SecurityLevel": 5,
        "DateFormat": 1,
        "TimeFormat": 19,
        "NumberFormat": 22,
        "ClientPortalActive": "true",
    }
    members |= more
    return typed(**{k: v for k, v in members.items() if v is not None})


def test_portal_users(fresh):
    def create(*arguments, **more):
        return fresh.write(
            "create", "ClientPortalUser", portal_user(*arguments, **more)
        )

    assert create(4, "rick", Password=None).errors == [
        "Value does not exist for the required field Password." + AT_1
    ]
    made = create(4, "rick")
    assert made.errors == []
    assert "abc123" not in made.http.text
    assert create(4, "other").errors == [
        "A ClientPortalUser already exists for ContactID 4."
    ]
    (second,) = fresh.write("create", "Contact", contact()).ids
    assert create(second, "RICK").errors == ["UserName must be unique."]
    assert create(second, "rick2", Password="no blank").errors == [
        "Password is not valid."
    ]
    record = portal_user(4, "rick", Password=None, SecurityLevel=1)
    changed = fresh.write(
        "update", "ClientPortalUser", f"<id>{made.ids[0]}</id>" + record
    )
    assert changed.errors == []


def test_tasks_with_a_resource_need_role_department_and_code(soap):
    task = typed(ProjectID=4, Status=1, TaskType=1, Title="T", AssignedResourceID=4)

    assert soap.write("create", "Task", task).errors == [
        (
            "Data violation: When assigning a Resource, you must assign both a "
            "AssignedResourceID and AssignedResourceRoleID."
        ),
        (
            "DepartmentID is a required field when a Resource (primary/secondary) is "
            "assigned to a Task"
        ),
        (
            "AllocationCodeID is a required field when a Resource "
            "(primary/secondary) is assigned to a Task"
        ),
    ]


def test_products_need_a_material_code(soap):
    def create(code):
        product = typed(
            Name="P", Active="true", Serialized="false", ProductAllocationCodeID=code
        )
        return soap.write("create", "Product", product)

    assert create(29682840).code == 1
    assert (
        "of type: AllocationCode does not exist or is invalid"
        in create(29682841).errors[0]
    )


def test_accounts_get_sites_and_keep_their_type_under_taskfire(soap):
    (created,) = soap.write("create", "Account", account(City="Troy")).ids
    own = f'<field>AccountID<expression op="Equals">{created}</expression></field>'

    assert '<BillToCity xsi:type="xsd:string">Troy</' in soap.fields("Account", created)
    assert len(soap.query("AccountLocation", own).ids) == 1
    assert soap.query("AccountPhysicalLocation", own).entities[0]["Primary"] == "true"
    home = soap.write("update", "Account", account(AccountType=2))
    assert home.errors == [
        "AccountType cannot be changed while TaskFireActive is true.",
        "Error updating entity for record number [1].",
    ]


def test_one_primary_contact_per_account(fresh):
    (first,) = fresh.write("create", "Contact", contact(PrimaryContact="true")).ids
    (second,) = fresh.write("create", "Contact", contact(PrimaryContact="true")).ids

    primary = '<field>PrimaryContact<expression op="Equals">1</expression></field>'
    home = '<field>AccountID<expression op="Equals">0</expression></field>'
    assert fresh.query("Contact", home + primary).ids == [second]
    assert '<PrimaryContact xsi:type="xsd:boolean">false' in fresh.fields(
        "Contact", first
    )


def test_impersonation_names_both_resources(soap):
    def call(operation, inner, resource):
        header = (
            f"</IntegrationCode><ImpersonateAsResourceID>{resource}"
            "</ImpersonateAsResourceID>"
        )
        space = "http://autotask.net/ATWS/v1_6/"
        body = f'<{operation} xmlns="{space}">{inner}</{operation}>'
        return soap.post(soap.envelope(body).replace("</IntegrationCode>", header))

    note = typed(
        AccountID=0,
        AssignedResourceID=4,
        ActionType=3,
        StartDateTime="2021-06-14T11:00:00",
        EndDateTime="2021-06-14T11:30:00",
        Name="Call back",
    )
    entities = f'<Entities><Entity xsi:type="AccountNote">{note}</Entity></Entities>'

    (made,) = call("create", entities, 4).entities
    refused = call("create", entities, 999)
    unreadable = call("create", entities, "")
    read = call(
        "query",
        "<sXML>&lt;queryxml&gt;&lt;entity&gt;Account&lt;/entity&gt;"
        "&lt;query/&gt;&lt;/queryxml&gt;</sXML>",
        4,
    )

    assert made["ImpersonatorCreatorResourceID"] == "8"
    assert "permissions to create" in refused.errors[0]
    assert unreadable.http.status_code == 500
    assert "permissions to query" in read.errors[0]
