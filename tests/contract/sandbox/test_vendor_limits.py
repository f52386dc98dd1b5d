"""The vendor's limits: calls per hour, calls at once, what happens near the edges."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
import requests

HOME = '<field>id<expression op="Equals">0</expression></field>'
QUOTA = (
    "You have exceeded the maximum number of requests allowed per hour for this "
    "database."
)
THREADS = "The Autotask API thread threshold of 3 threads has been exceeded."


@pytest.fixture(autouse=True)
def afresh(limited):
    start_afresh(limited)


def start_afresh(limited):
    """Put usage and clock back."""
    base = f"{limited.url}/sandbox"
    limited.session.delete(f"{base}/clock").raise_for_status()
    limited.session.delete(f"{base}/knobs").raise_for_status()
    limited.session.post(f"{base}/reset").raise_for_status()


def use(soap, calls):
    reply = soap.session.post(f"{soap.url}/sandbox/usage", json={"calls": calls})
    reply.raise_for_status()


def used(soap):
    (text,) = soap.call("getThresholdAndUsageInfo").texts("Message")
    return text


def seconds(soap):
    started = time.monotonic()
    assert soap.query("Account", HOME).ids == [0]
    return time.monotonic() - started


def test_usage_has_the_vendors_text(limited):
    use(limited, 316)

    assert used(limited) == (
        "ThresholdOfExternalRequest: 10000; TimeframeOfLimitation: 60; "
        "numberOfExternalRequest: 317;"
    )


@pytest.mark.parametrize(
    ("calls", "slow"), [(4998, 0), (5000, 0.5), (7499, 0.5), (7500, 1.0)]
)
def test_calls_get_slower_as_the_hour_fills(limited, calls, slow):
    # A busy machine adds to what the simulator waits, and never takes from it.
    tries = []
    while not tries or (min(tries) >= slow + 0.45 and len(tries) < 20):
        use(limited, calls)
        tries.append(seconds(limited))
        start_afresh(limited)

    assert slow <= min(tries) < slow + 0.45


def test_a_full_hour_refuses_until_it_has_passed(limited):
    limited.session.post(f"{limited.url}/sandbox/clock", json={"frozen": True})
    use(limited, 9999)
    assert limited.query("Account", HOME).ids == [0]

    refused = limited.query("Account", HOME)
    fault = limited.call("GetEntityInfo")

    assert refused.errors == [QUOTA]
    assert refused.http.status_code == 200
    assert (fault.http.status_code, fault.fault) == (500, QUOTA)
    lookup = limited.call("getZoneInfo", f"<UserName>{limited.username}</UserName>")
    assert lookup.texts("ErrorCode") == ["0"]

    limited.session.post(f"{limited.url}/sandbox/clock", json={"advance_s": 3590})
    assert limited.query("Account", HOME).errors == [QUOTA]
    limited.session.post(f"{limited.url}/sandbox/clock", json={"advance_s": 12})
    assert limited.query("Account", HOME).ids == [0]
    assert used(limited).endswith("numberOfExternalRequest: 2;")


def test_tenants_have_hours_of_their_own(limited):
    use(limited, 10_000)
    other = replace(
        limited,
        username="api@foundrystreet.example",
        password="Anvil-And-Tongs-41207",
        code="FOUNDRYST3WX8PLQ6VJDGE9ZUBN",
    )

    assert other.query("Account", HOME).ids == [0]


def test_a_fourth_thread_on_an_entity_is_refused(limited):
    limited.session.post(
        f"{limited.url}/sandbox/knobs", json={"slot_held_ms": 10_000}
    ).raise_for_status()

    replies = [limited.query("Account", HOME) for _ in range(4)]
    contact = limited.query("Contact", HOME)

    assert [reply.errors for reply in replies] == [[], [], [], [THREADS]]
    assert contact.code == 1
    ends_at = time.monotonic() + 60
    while limited.query("Account", HOME).code != 1:
        assert time.monotonic() < ends_at
        time.sleep(0.1)


def test_metadata_calls_share_the_threads_of_their_entity(limited):
    limited.session.post(
        f"{limited.url}/sandbox/knobs", json={"slot_held_ms": 10_000}
    ).raise_for_status()

    for _ in range(3):
        limited.call("GetFieldInfo", "<psObjectType>Account</psObjectType>")
    fault = limited.call("GetFieldInfo", "<psObjectType>account</psObjectType>")

    assert (fault.http.status_code, fault.fault) == (500, THREADS)
    for _ in range(4):
        assert limited.call(
            "getZoneInfo", f"<UserName>{limited.username}</UserName>"
        ).texts("ErrorCode") == ["0"]


def test_two_threads_at_a_time_are_always_safe(limited):
    barrier = threading.Barrier(2)

    def work():
        with replace(limited, session=requests.Session()).session as session:
            client = replace(limited, session=session)
            barrier.wait()
            return [client.query("Account", HOME).code for _ in range(60)]

    with ThreadPoolExecutor(2) as pool:
        codes = [future.result() for future in [pool.submit(work) for _ in range(2)]]

    assert {code for some in codes for code in some} == {1}


def test_a_refused_call_frees_what_it_took(limited):
    for _ in range(8):
        assert limited.query("Account", "<field>No</field>").code == -1
    for _ in range(8):
        limited.call("GetInvoiceMarkup", "<InvoiceId>1</InvoiceId>")

    assert limited.query("Account", HOME).ids == [0]


def test_two_hundred_records_and_no_more(limited):
    record = (
        "<id>0</id><Active>1</Active><AccountID>0</AccountID>"
        "<FirstName>N</FirstName><LastName>M</LastName>"
    )

    assert len(limited.write("create", "Contact", *[record] * 200).ids) == 200
    assert limited.write("create", "Contact", *[record] * 201).errors == [
        "You can only create, update or delete up to 200 entities at a time."
    ]


@pytest.mark.parametrize(
    "document", [{}, {"calls": -1}, {"calls": "9"}, {"calls": 1, "tenant": 1}]
)
def test_usage_that_makes_no_sense(limited, document):
    reply = limited.session.post(f"{limited.url}/sandbox/usage", json=document)

    assert reply.status_code == 400
