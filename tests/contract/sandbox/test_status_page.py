"""The status page, over HTTP and in a browser that runs no scripts."""

import pytest
from browser import open_browser
from lxml import html
from selenium.webdriver.common.by import By

QUERY = '<field>id<expression op="Equals">4</expression></field>'


@pytest.fixture
def page(fresh):
    """Load the page again; the knobs are reset before and after."""

    def read(path="/sandbox"):
        return html.fromstring(fresh.session.get(f"{fresh.url}{path}").content)

    fresh.session.delete(f"{fresh.url}/sandbox/knobs")
    fresh.session.delete(f"{fresh.url}/sandbox/clock")
    yield read
    fresh.session.delete(f"{fresh.url}/sandbox/knobs")
    fresh.session.delete(f"{fresh.url}/sandbox/clock")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("chromium"), scripts=False) as found:
        yield found


def test_it_shows_entities_requests_and_usage(page, fresh):
    fresh.query("Contact", QUERY)

    for path in ("/", "/sandbox", "/sandbox/"):
        text = page(path).text_content()
        assert "30049" in text
        assert "Account 25" in text
        assert "Contact 120" in text
        assert "query" in text

    meter = page().find(".//meter")
    assert int(meter.get("value")) >= 1
    assert int(meter.get("max")) >= 10_000


def test_what_clients_send_is_shown_as_text(page, fresh):
    fresh.post(fresh.envelope("<b/>"))
    fresh.post(
        fresh.envelope('<query xmlns="http://autotask.net/ATWS/v1_6/"/>'),
        auth=("<script>alert(1)</script>", "x"),
    )

    assert page().findall(".//script") == []


def test_headers_allow_nothing_foreign(fresh):
    headers = fresh.session.get(f"{fresh.url}/").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    style = fresh.session.get(f"{fresh.url}/sandbox/status.css")
    assert style.headers["Content-Type"].startswith("text/css")


def test_a_wrong_form_is_refused_with_the_page(page, fresh):
    url = f"{fresh.url}/sandbox/knobs"

    refused = fresh.session.post(url, data={"reset_rate": "many"})

    assert refused.status_code == 400
    alert = html.fromstring(refused.content).find(".//*[@role='alert']")
    assert "reset_rate must be a number." in alert.text


def test_the_forms_work_without_scripts(page, fresh, browser):
    def control(path):
        return fresh.session.get(f"{fresh.url}/sandbox/{path}").json()

    def press(button):
        browser.find_element(By.XPATH, f"//button[.='{button}']").click()

    def see(xpath):
        return browser.find_element(By.XPATH, xpath)

    fresh.query("Contact", QUERY)
    browser.get(fresh.url)
    rate = browser.find_element(By.NAME, "fault_rate")
    rate.clear()
    rate.send_keys("0.25")
    browser.find_element(By.NAME, "recording").click()

    press("Turn the knobs")
    shown = see("//p[@class='turned']/input[@name='fault_rate']")
    assert shown.get_attribute("value") == "0.25"
    assert browser.current_url == f"{fresh.url}/sandbox"
    knobs = control("knobs")
    assert (knobs["fault_rate"], knobs["recording"]) == (0.25, True)

    press("Back to defaults")
    see("//form[not(p[@class='turned'])]//input[@name='fault_rate']")
    knobs = control("knobs")
    assert (knobs["fault_rate"], knobs["recording"]) == (0, False)

    press("Stop the clock")
    see("//button[.='Let the clock run']")
    assert control("clock")["frozen"] is True

    press("Let the clock run")
    see("//button[.='Stop the clock']")
    press("All records back to the start")
    see("(//meter)[1][@value='0']")
    assert browser.title == "Simulated Autotask: small"
