"""The reply around the entities: results, refusals, chunks, limits."""

from __future__ import annotations

import contextlib
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.backends.autotask_soap.decode.answers import FaultReplyError
from bridge.backends.autotask_soap.decode.reply import Reply, ReplyDecoder, ReturnInfo
from bridge.errors import ProviderProtocolError

HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Body>'
)
TAIL = "</soap:Body></soap:Envelope>"


def response(members: str) -> str:
    return (
        f'{HEAD}<queryResponse xmlns="http://autotask.net/ATWS/v1_6/"><queryResult>'
        f"{members}</queryResult></queryResponse>{TAIL}"
    )


def page(entities: str) -> str:
    return response(
        f"<ReturnCode>1</ReturnCode><EntityResults>{entities}</EntityResults>"
        "<EntityResultType>account</EntityResultType><Errors />"
        "<EntityReturnInfoResults />"
    )


def account(entity_id: int, name: str = "x") -> str:
    return (
        f'<Entity xsi:type="Account"><id>{entity_id}</id>'
        f'<AccountName xsi:type="xsd:string">{name}</AccountName></Entity>'
    )


def decode(body: bytes, *, size: int = 0, limit: int = 500) -> tuple[list, Reply]:
    decoder = ReplyDecoder(lambda _name, text: text, limit=limit)
    entities = []
    step = size or len(body) or 1
    for start in range(0, len(body), step):
        decoder.feed(body[start : start + step])
        entities += decoder.take()
    reply = decoder.close()
    return entities + decoder.take(), reply


def read_fault(text: str) -> tuple[str, str]:
    with pytest.raises(FaultReplyError) as caught:
        decode(text.encode())
    return caught.value.code, caught.value.text


def test_reply_has_code_errors_and_infos():
    body = response(
        "<ReturnCode>-1</ReturnCode><EntityResults /><EntityResultType>account"
        "</EntityResultType><Errors><ATWSError><Message>No &amp; no. </Message>"
        "</ATWSError><ATWSError><Message>Again.</Message></ATWSError></Errors>"
        "<EntityReturnInfoResults><EntityReturnInfo><EntityId>7</EntityId>"
        "<DatabaseAction>None</DatabaseAction><DuplicateStatus><Found>true</Found>"
        "<MatchInfo>Name</MatchInfo><Ignored>false</Ignored></DuplicateStatus>"
        "<Message>said</Message></EntityReturnInfo><EntityReturnInfo><EntityId>8"
        "</EntityId><DuplicateStatus><Found>false</Found><Ignored>true</Ignored>"
        "</DuplicateStatus></EntityReturnInfo></EntityReturnInfoResults>"
    )

    entities, rest = decode(body.encode())

    assert entities == []
    assert rest == Reply(
        return_code=-1,
        count=0,
        errors=("No & no. ", "Again."),
        infos=(
            ReturnInfo(7, "said", True, False, "Name"),  # noqa: FBT003 - a record
            ReturnInfo(8, "", False, True, ""),  # noqa: FBT003 - a record
        ),
    )


def test_a_reply_laid_out_for_reading_is_the_same_reply():
    flat = page(account(1) + account(2))
    pretty = flat.replace("><", ">\n  <")

    assert decode(pretty.encode(), size=100) == decode(flat.encode())


INFOS = [
    ("", ReturnInfo(7, "", False, False, "")),  # noqa: FBT003 - a record
    ("<MatchInfo />", ReturnInfo(7, "", False, False, "")),  # noqa: FBT003
    ("<MatchInfo>Name</MatchInfo>", ReturnInfo(7, "", False, False, "Name")),  # noqa: FBT003
    ("<!-- </EntityReturnInfo> -->", ReturnInfo(7, "", False, False, "")),  # noqa: FBT003
]


def info(match: str, entity_id: str = "7") -> str:
    return (
        f"<EntityReturnInfo><EntityId>{entity_id}</EntityId><DatabaseAction>None"
        f"</DatabaseAction><DuplicateStatus><Found>false</Found>{match}<Ignored>false"
        "</Ignored></DuplicateStatus></EntityReturnInfo>"
    )


@pytest.mark.parametrize("size", [0, 1, 50])
@given(st.lists(st.sampled_from(INFOS), max_size=6))
@settings(max_examples=15, deadline=None)
def test_infos_are_read_in_order_in_any_layout(size, infos):
    written = "".join(info(match) for match, _ in infos)
    body = page(account(1)).replace(
        "<EntityReturnInfoResults />",
        f"<EntityReturnInfoResults>{written}</EntityReturnInfoResults>",
    )

    assert decode(body.encode(), size=size)[1].infos == tuple(read for _, read in infos)


def test_infos_in_a_comment_are_ignored():
    hidden = f"<!--<EntityReturnInfoResults>{info('')}-->{info('', '8')}"
    body = page(account(1)).replace(
        "<EntityReturnInfoResults />",
        f"<EntityReturnInfoResults >{hidden}</EntityReturnInfoResults>",
    )

    assert [read.entity_id for read in decode(body.encode())[1].infos] == [8]


def test_a_usage_reply_has_its_sentence_in_the_infos():
    body = response(
        "<ReturnCode>1</ReturnCode><EntityResults /><EntityResultType /><Errors />"
        "<EntityReturnInfoResults><EntityReturnInfo><EntityId>0</EntityId><Message>"
        "ThresholdOfExternalRequest: 10000;</Message></EntityReturnInfo>"
        "</EntityReturnInfoResults>"
    )

    _, rest = decode(body.encode())

    assert rest.infos[0].message == "ThresholdOfExternalRequest: 10000;"


def test_a_fault_is_returned_whole():
    fault = (
        f"{HEAD}<soap:Fault><faultcode>soap:Client</faultcode><faultstring>Server was "
        f"unable. ---&gt; Bad.\n  at X</faultstring><detail /></soap:Fault>{TAIL}"
    )

    assert read_fault(fault) == ("soap:Client", "Server was unable. ---> Bad.\n  at X")


def test_a_message_with_elements_inside_keeps_its_text():
    fault = (
        f"{HEAD}<soap:Fault><faultcode>soap:Client</faultcode><faultstring><b>Bad</b>"
        f" <i>va<u>lue</u></i>.</faultstring></soap:Fault>{TAIL}"
    )
    failed = response(
        "<ReturnCode>-1</ReturnCode><EntityResults /><EntityResultType /><Errors>"
        "<ATWSError><Message><p>Not a<br />gain.</p></Message></ATWSError></Errors>"
        "<EntityReturnInfoResults><EntityReturnInfo><EntityId>7</EntityId><Message>"
        "<p>Found</p></Message></EntityReturnInfo></EntityReturnInfoResults>"
    )

    assert read_fault(fault) == ("soap:Client", "Bad value.")
    reply = decode(failed.encode())[1]
    assert reply.errors == ("Not again.",)
    assert reply.infos[0].message == "Found"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<!doctype html><html><body>Down<br></body></html>", "HTML page"),
        ("<HTML><body>", "HTML page"),
        ("<!DOCTYPE html><html><body>Down</body></html>", "HTML page"),
        ('<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01//EN"><html>', "HTML page"),
        ("<html><body><p>Sign in</body></html>", "HTML page"),
        ("", "not well-formed"),
        (" \r\n", "not well-formed"),
        ('{"error": "no"}', "not well-formed"),
        ("upstream connect error", "not well-formed"),
        ("<Envelope/>", "the root Envelope"),
        (f"{HEAD}{TAIL}", "no ATWSResponse"),
        (response(""), "no ATWSResponse"),
        (response("<ReturnCode>x</ReturnCode>"), "no ATWSResponse"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DTD"),
        (f'<!DOCTYPE a SYSTEM "http://a.example/">{page("")}', "DTD"),
        ('<?xml version="1.0" encoding="klingon"?><a/>', "klingon"),
        (page(account(1, "&undefined;")), "not well-formed"),
        (page(account(1, "a & b")), "not well-formed"),
        (page(account(1, "a ]]> b")), "not well-formed"),
        (page(account(1).replace("</AccountName>", "</Account>")), "not well-formed"),
        (page(account(1)) + "<more/>", "not well-formed"),
        (page('<Entity xsi:type="Account"></Entity>'), "without an id"),
        (page('<Entity xsi:type="Account"><id>x</id></Entity>'), "no long"),
        (page(account(1).replace("string", "int")), "no int in field AccountName"),
        (page(account(1).replace("string", "boolean")), "no boolean"),
        (page(account(1).replace("string", "decimal")), "no decimal"),
    ],
)
def test_other_documents_are_refused_with_the_reason(body, reason):
    for size in (0, 1):
        with pytest.raises(ProviderProtocolError, match=reason):
            decode(body.encode(), size=size)


def test_broken_bytes_are_refused():
    utf8 = page(account(1, "caf\xe9")).encode("latin-1")
    utf16 = page(account(1)).encode("utf-16") + b"\x00"

    for body in (utf8, utf16, utf16.replace(b"n\x00a\x00", b"\x00\xd8a\x00")):
        with pytest.raises(ProviderProtocolError):
            decode(body)


def test_a_bad_time_is_refused():
    body = page(account(1).replace("string", "dateTime"))

    def refuse(_name: str, text: str) -> object:
        raise ValueError(text)

    decoder = ReplyDecoder(refuse)
    with pytest.raises(ProviderProtocolError, match="no dateTime in field AccountName"):
        decoder.feed(body.encode())


def test_a_reply_cut_off_anywhere_is_an_error():
    body = page(account(1) + account(2, "<![CDATA[y]]>") + account(3)).encode()

    for end in range(len(body)):
        with pytest.raises(ProviderProtocolError):
            decode(body[:end])


def test_a_failed_reply_stays_failed():
    decoder = ReplyDecoder(lambda _name, text: text)
    with pytest.raises(ProviderProtocolError):
        decoder.feed(page(account(1, "&x;")).encode())

    with pytest.raises(ProviderProtocolError):
        decoder.close()


def test_entities_can_be_taken_before_the_reply_ends():
    body = page(account(1) + account(2)).encode()
    first_end = body.index(b"</Entity>") + len(b"</Entity>")
    decoder = ReplyDecoder(lambda _name, text: text)

    decoder.feed(body[:first_end])

    assert decoder.take() == [{"id": 1, "AccountName": "x"}]
    assert decoder.take() == []


@pytest.mark.parametrize("size", [0, 1, 100])
@pytest.mark.parametrize(
    "irregular", ["", " ", "<![CDATA[</Entity>]]>", "<!--<Entity -->"]
)
def test_beyond_the_limit_entities_are_counted_and_not_built(size, irregular):
    body = page("".join(account(n, f"a{irregular}") for n in range(9))).encode()

    entities, rest = decode(body, size=size, limit=4)

    assert [entity["id"] for entity in entities] == [0, 1, 2, 3]
    assert rest.count == 9


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        (
            "http://schemas.xmlsoap.org/soap/envelope/",
            "http://www.w3.org/2003/05/soap-envelope",
            "no SOAP reply",
        ),
        ("http://schemas.xmlsoap.org/soap/envelope/", "urn:a", "no SOAP reply"),
        ("xmlns:soap=", "xmlns:other=", "not well-formed"),
        ("<soap:Envelope", '<soap:Envelope xmlns:soap="urn:a"', "not well-formed"),
        ("<soap:Envelope", '<soap:Envelope xmlns:a=""', "not well-formed"),
        ("<soap:Envelope", '<soap:Envelope xmlns:xml="urn:a"', "not well-formed"),
        ("ATWS/v1_6", "\udcff\udcfe", "not well-formed"),
        ("http://autotask.net/ATWS/v1_6/", "\udcff", "not well-formed"),
        ("<soap:Envelope", '<soap:Envelope xmlns:a="\udcff"', "not well-formed"),
    ],
)
def test_a_wrong_head_is_refused_also_where_all_else_is_regular(
    right, wrong, reason, end, size
):
    regular = page(account(1)).replace(
        "<EntityReturnInfoResults />",
        f"<EntityReturnInfoResults>{info('')}</EntityReturnInfoResults>",
    )
    assert right in regular
    body = (regular.replace(right, wrong) + end).encode(errors="surrogateescape")

    with pytest.raises(ProviderProtocolError, match=reason):
        decode(body, size=size)


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    "other",
    [
        '<OtherEntity xsi:type="Account"><id>2</id></OtherEntity>',
        "<OtherEntity><id>2</id></OtherEntity>",
        '<a:Account xmlns:a="urn:a" xmlns=""><id>2</id></a:Account>',
    ],
)
def test_an_entity_by_another_name_is_an_entity(other, size):
    first, last = account(1), account(3)

    for entities, ids in (
        (first + other + last, [1, 2, 3]),
        (other + other + last, [2, 2, 3]),
        (first + other, [1, 2]),
        (other, [2]),
    ):
        body = page(entities).encode()
        read, rest = decode(body, size=size)
        assert [entity["id"] for entity in read] == ids
        assert rest.count == len(ids)
        read, rest = decode(body, size=size, limit=1)
        assert [entity["id"] for entity in read] == ids[:1]
        assert rest.count == len(ids)


@pytest.mark.parametrize("other", ["<Other />", "<Other>text</Other>"])
def test_an_unknown_element_between_entities_is_refused(other):
    for entities in (account(1) + other + account(2), account(1) + other, other):
        with pytest.raises(ProviderProtocolError, match="without an id"):
            decode(page(entities).encode())


def test_only_errors_and_infos_are_counted_in_their_lists():
    body = page(account(1)).replace(
        "<Errors /><EntityReturnInfoResults />",
        "<Errors><Error><Message>a</Message></Error></Errors>"
        "<EntityReturnInfoResults><EntityReturnInf><EntityId>6</EntityId>"
        f"</EntityReturnInf>{info('')}<Other /></EntityReturnInfoResults>",
    )

    for size in (0, 1):
        _, rest = decode(body.encode(), size=size)
        assert rest.errors == ()
        assert [read.entity_id for read in rest.infos] == [7]


@pytest.mark.parametrize("end", ["</Entity>", "</Entity >"])
def test_commented_out_entities_are_no_entities(end):
    shown = account(1).replace("</Entity>", end)
    hidden = f"<!--{account(2)}{account(3)}-->"

    for entities in (shown + hidden, hidden + shown, hidden + shown + hidden):
        for size in (0, 1):
            assert decode(page(entities).encode(), size=size)[1].count == 1


def test_commented_out_results_are_no_results():
    results = f"<EntityResults>{account(2)}{account(3)}"
    body = page(account(1)).replace(
        "<EntityResults>", f"<EntityResults ><!--{results}-->"
    )

    for size in (0, 1):
        assert decode(body.encode(), size=size)[0] == [{"id": 1, "AccountName": "x"}]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_chunk_boundaries_change_nothing(data):
    texts = [
        "plain",
        "a &amp; b",
        "<![CDATA[&#1;</Entity>]]>",
        "&#x1F;\x0bé😀",
        "",
        "\r\n",
    ]
    names = data.draw(st.lists(st.sampled_from(texts), max_size=5))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    body = page("".join(account(n, name) for n, name in enumerate(names)))
    infos = "".join(info(match) for match, _ in INFOS)
    body = body.replace(
        "InfoResults />", f"InfoResults>{infos}</EntityReturnInfoResults>"
    )
    encoded = body.replace("utf-8", encoding.removesuffix("-sig")).encode(encoding)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(encoded)), max_size=12)))
    decoder = ReplyDecoder(lambda _name, text: text)

    for start, end in zip([0, *cuts], [*cuts, len(encoded)], strict=True):
        decoder.feed(encoded[start:end])

    assert (decoder.take(), decoder.close()) == decode(encoded)
    assert decode(encoded)[1].count == len(names)


@pytest.mark.parametrize("cdata", [False, True])
def test_a_text_of_twelve_megabytes_is_read(cdata):
    text = "0123456789ab" * (1 << 20)
    body = page(account(1, f"<![CDATA[{text}]]>" if cdata else text) + account(2))

    entities, _ = decode(body.encode(), size=1 << 16)

    assert entities[0]["AccountName"] == text
    assert entities[1] == {"id": 2, "AccountName": "x"}


def test_memory_holds_an_entity_and_a_chunk():
    def replies():
        head, _, tail = page("@").partition("@")
        yield head.encode()
        for n in range(400):
            yield "".join(account(n * 50 + i, "x" * 200) for i in range(50)).encode()
        yield tail.encode()

    decoder = ReplyDecoder(lambda _name, text: text, limit=20_000)
    count = 0
    tracemalloc.start()
    for chunk in replies():
        decoder.feed(chunk)
        count += len(decoder.take())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == decoder.close().count == 20_000
    assert peak < 1 << 20


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_reply_is_read_or_refused_and_nothing_else(data):
    body = bytearray(
        page(account(1) + account(2, "<![CDATA[é]]>") + account(3)).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        noise = data.draw(
            st.sampled_from([b"", b"\xff", b"<", b"&", b'"', b"]]>", b"/"])
        )
        body[at : at + data.draw(st.integers(0, 9))] = noise

    with contextlib.suppress(ProviderProtocolError):
        decode(bytes(body), size=data.draw(st.integers(0, 60)))
