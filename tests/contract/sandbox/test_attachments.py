"""Files and links: round trip, rules, limits."""

import base64
from xml.sax.saxutils import escape

import pytest

FILE = {
    "ParentID": 29683601,
    "ParentType": 1,
    "Type": "FILE_ATTACHMENT",
    "Title": "Site survey",
    "FullPath": "site-survey.pdf",
    "Publish": 1,
}
PDF = b"%PDF-1.4\n"


def create(soap, data=PDF, **info):
    given = {name: value for name, value in (FILE | info).items() if value is not None}
    inner = "<id>0</id>" + "".join(
        f"<{name}>{escape(str(value))}</{name}>" for name, value in given.items()
    )
    sent = "" if data is None else f"<Data>{base64.b64encode(data).decode()}</Data>"
    return soap.call(
        "CreateAttachment", f"<attachment>{sent}<Info>{inner}</Info></attachment>"
    )


def made(soap, data=PDF, **info):
    (text,) = create(soap, data, **info).texts("CreateAttachmentResult")
    return int(text)


def get(soap, attachment_id):
    return soap.call("GetAttachment", f"<attachmentId>{attachment_id}</attachmentId>")


def delete(soap, attachment_id):
    inner = f"<attachmentId>{attachment_id}</attachmentId>"
    return soap.call("DeleteAttachment", inner)


def found(soap, **values):
    items = "".join(
        f'<field>{name}<expression op="Equals">{value}</expression></field>'
        for name, value in values.items()
    )
    return soap.query("AttachmentInfo", items)


def test_a_file_comes_back_as_it_was(fresh):
    attachment_id = made(fresh)

    reply = get(fresh, attachment_id)
    (entity,) = found(fresh, ParentID=29683601, ParentType=1).entities

    assert reply.texts("Data") == [base64.b64encode(PDF).decode()]
    assert f"</Data><Info><id>{attachment_id}</id><UserDefinedFields />" in (
        reply.http.text
    )
    assert '<FileSize xsi:type="xsd:int">9</FileSize>' in reply.http.text
    assert reply.texts("ContentType") == ["application/pdf"]
    assert reply.texts("AttachedByResourceID") == ["8"]
    assert entity["id"] == str(attachment_id)
    assert entity["AccountID"] == "29683601"
    assert entity["AttachDate"]


def test_a_deleted_file_cannot_be_read(fresh):
    attachment_id = made(fresh)

    first, second = delete(fresh, attachment_id), delete(fresh, attachment_id)

    assert "<DeleteAttachmentResult />" in first.http.text
    assert second.texts("DeleteAttachmentResult") == ["No matching attachment found."]
    assert get(fresh, attachment_id).http.status_code == 500
    assert found(fresh, id=attachment_id).ids == []


@pytest.mark.parametrize("kind", ["FILE_LINK", "FOLDER_LINK", "URL"])
def test_a_link_has_no_data(fresh, kind):
    attachment_id = made(
        fresh, None, Type=kind, FullPath="https://files.example/?a=1&b=2"
    )

    reply = get(fresh, attachment_id)

    assert reply.texts("Data") == []
    assert reply.texts("FullPath") == ["https://files.example/?a=1&b=2"]
    assert reply.texts("FileSize") == []


@pytest.mark.parametrize(
    ("parent_type", "parent_id", "member"),
    [
        (3, 29684316, "OpportunityID"),
        (4, 29684801, "TicketID"),
        (5, 4, "ProjectID"),
    ],
)
def test_other_parents(fresh, parent_type, parent_id, member):
    attachment_id = made(fresh, ParentType=parent_type, ParentID=parent_id)

    assert found(fresh, **{member: parent_id}).ids == [attachment_id]


def test_files_of_a_ticket_s_notes_and_times_are_the_ticket_s_too(fresh):
    note = "<id>0</id><TicketID>29684801</TicketID><NoteType>1</NoteType>"
    note += "<Publish>1</Publish><Title>T</Title><Description>D</Description>"
    (noted,) = fresh.write("create", "TicketNote", note).ids
    row = {"id": 29690001, "TicketID": 29684801, "ResourceID": 4}
    url = f"{fresh.url}/sandbox/seed"
    fresh.session.post(url, json={"rows": {"TimeEntry": [row]}}).raise_for_status()

    own = made(fresh, ParentType=4, ParentID=29684801)
    of_note = made(fresh, ParentType=23, ParentID=noted)
    of_time = made(fresh, ParentType=18, ParentID=29690001)
    made(fresh, ParentType=4, ParentID=29684802)

    assert found(fresh, TicketID=29684801).ids == [own, of_note, of_time]
    assert found(fresh, TicketNoteID=noted).ids == [of_note]
    assert found(fresh, TimeEntryID=29690001).ids == [of_time]
    assert found(fresh, ParentID=29684801, ParentType=4).ids == [own]


def test_early_releases_have_no_files_of_notes(early):
    reply = create(early, ParentType=23, ParentID=29684901)

    assert "Picklist value [23] does not exist for ParentType." in reply.fault


def test_files_of_a_task_s_notes(fresh):
    task = fresh.query(
        "Task", '<field>ProjectID<expression op="Equals">4</expression></field>'
    ).ids[0]
    note = (
        f"<id>0</id><TaskID>{task}</TaskID><NoteType>1</NoteType><Publish>1</Publish>"
    )
    note += "<Title>T</Title><Description>D</Description>"
    (noted,) = fresh.write("create", "TaskNote", note).ids

    of_note = made(fresh, ParentType=23, ParentID=noted)

    assert found(fresh, TaskNoteID=noted).ids == [of_note]


@pytest.mark.parametrize("publish", [1, 2, 4])
def test_who_may_see_a_file(fresh, publish):
    attachment_id = made(fresh, Publish=publish)

    assert found(fresh, Publish=publish).ids == [attachment_id]


def test_early_releases_publish_to_two_groups(early):
    reply = create(early, Publish=4)

    assert "Picklist value [4] does not exist for Publish." in reply.fault


def test_an_opportunity_may_be_named_by_its_own_member(fresh):
    attachment_id = made(fresh, ParentType=3, ParentID=None, OpportunityID=29684316)

    assert found(fresh, OpportunityID=29684316).ids == [attachment_id]


@pytest.mark.parametrize(
    ("info", "says"),
    [
        ({"ParentID": 1}, "Reference value on field: ParentID of type: Account"),
        ({"ParentID": None}, "required field ParentID."),
        ({"ParentType": 77}, "Picklist value [77] does not exist for ParentType."),
        ({"ParentType": None}, "required field ParentType."),
        ({"Type": "PIGEON"}, "Picklist value [PIGEON] does not exist for Type."),
        ({"Title": None}, "required field Title."),
        ({"Title": "x" * 256}, "String value exceeds maximum length (field:Title)."),
        ({"FullPath": None}, "required field FullPath."),
        ({"Publish": "often"}, "Can not convert data to numeric in field: Publish."),
        ({"data": None}, "required field Data."),
    ],
)
def test_an_invalid_upload_is_a_fault(fresh, info, says):
    reply = create(fresh, **info)

    assert reply.http.status_code == 500
    assert reply.fault.startswith("System.Web.Services.Protocols.SoapException: ")
    assert says in reply.fault
    assert found(fresh, ParentType=1).ids == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<attachment/>",
        "<attachment><Data>!</Data><Info/></attachment>",
        "<attachment><Info><id></id></Info></attachment>",
    ],
)
def test_what_cannot_be_bound_is_a_fault(soap, body):
    reply = soap.call("CreateAttachment", body)

    assert reply.http.status_code == 500
    assert reply.fault.startswith("System.Web.Services.Protocols.SoapException: ")


@pytest.mark.parametrize("operation", ["GetAttachment", "DeleteAttachment"])
def test_an_id_that_is_not_a_number_is_a_fault(soap, operation):
    reply = soap.call(operation, "<attachmentId>x</attachmentId>")

    assert "Input string was not in a correct format." in reply.fault


def test_one_file_may_not_be_larger_than_the_limit(limited):
    limited.session.post(f"{limited.url}/sandbox/reset").raise_for_status()
    large = b"x" * 7_000_000

    assert made(limited, large) > 0
    assert "maximum size" in create(limited, large + b"x").fault


def test_ten_million_bytes_in_five_minutes(limited):
    base = f"{limited.url}/sandbox"
    limited.session.post(f"{base}/reset").raise_for_status()
    part = b"x" * 5_000_000

    limited.session.post(f"{base}/clock", json={"frozen": True})
    made(limited, part)
    made(limited, part)
    assert "five minutes" in create(limited, b"x").fault
    limited.session.post(f"{base}/clock", json={"advance_s": 290})
    assert create(limited, b"x").http.status_code == 500
    limited.session.post(f"{base}/clock", json={"advance_s": 11})
    assert made(limited, b"x") > 0
    limited.session.delete(f"{base}/clock").raise_for_status()


def test_tenants_do_not_see_each_other_s_files(fresh, other_soap):
    attachment_id = made(fresh)

    assert get(other_soap, attachment_id).http.status_code == 500


def test_an_impersonated_author(fresh):
    attachment_id = made(fresh.acting_as(4))

    reply = get(fresh, attachment_id)

    assert reply.texts("AttachedByResourceID") == ["4"]
    assert reply.texts("ImpersonatorCreatorResourceID") == ["8"]


def test_invoices_as_page_and_as_xml(soap):
    def markup(invoice_id, format_):
        inner = f"<InvoiceId>{invoice_id}</InvoiceId><Format>{format_}</Format>"
        return soap.call("GetInvoiceMarkup", inner)

    (page,) = markup(29684601, "HTML").texts("GetInvoiceMarkupResult")
    (document,) = markup(29684601, "xml").texts("GetInvoiceMarkupResult")

    assert page.startswith("<html><body><h1>Invoice 29684601</h1>")
    assert "<td>Patch cables &amp; clips</td>" in page
    assert document.startswith('<invoice id="29684601"><InvoiceNumber>INV-2021-0001<')
    for wrong in (markup(29684601, "pdf"), markup(1, "html"), markup("x", "html")):
        assert wrong.http.status_code == 500
        assert wrong.fault.startswith("System.Web.Services.Protocols.SoapException: ")


def test_links_survive_a_client_that_sends_data_with_them(fresh):
    attachment_id = made(fresh, b"ignored", Type="URL", FullPath="https://x.example/")

    assert get(fresh, attachment_id).texts("Data") == []
