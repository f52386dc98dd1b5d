"""The page at `/docs`, over HTTP and in a browser."""

from __future__ import annotations

import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.error import HTTPError

import pytest
from browser import find_barriers, open_browser
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select


@pytest.fixture
def browser(tmp_path):
    with open_browser(tmp_path) as found:
        yield found


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/elements/api-docs"])
def test_its_content_security_policy_allows_no_other_origin(root, path):
    with urllib.request.urlopen(root + path) as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = answer.read().decode()

    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "X-Frame-Options" not in answer.headers
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "http:" not in page
    assert "https:" not in page


def test_its_files_are_served_and_no_others(root):
    for name, kind in (
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("docs.js", "text/javascript"),
    ):
        with urllib.request.urlopen(f"{root}/docs/{name}") as answer:
            assert answer.headers["Content-Type"].startswith(kind)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.read()
    for name in ("docs.html", "swagger-ui.js", "..%2Fdocs.py", "..%2F..%2Fapp.py"):
        with pytest.raises(HTTPError, match="404"):
            urllib.request.urlopen(f"{root}/docs/{name}")


@pytest.mark.campaign
def test_both_documents_can_be_read_and_tried(api, root, browser):
    def choose(index):
        Select(browser.find_element(By.ID, "document")).select_by_index(index)
        browser.find_element(By.CSS_SELECTOR, "#choice button").click()

    def see(xpath):
        return browser.find_element(By.XPATH, xpath)

    def heading(text):
        see(f"//h1[contains(., '{text}')] | //h2[contains(., '{text}')]")

    browser.get(f"{root}/docs")
    heading("Autotask CRM")
    assert find_barriers(browser, without=["#description"]) == {}
    choose(1)
    see("//*[@id='problem'][contains(., 'User and Element')]")
    browser.find_element(By.ID, "authorization").send_keys(api.secrets)
    choose(1)
    heading("Autotask CRM: Demo")
    see("//*[contains(@class, 'opblock-tag')]//*[text()='accounts']").click()
    see("//*[@data-path='/hubs/crm/accounts']").click()
    see("//button[contains(., 'Try it out')]").click()
    see("//button[contains(@class, 'execute')]").click()
    row = "//table[contains(@class, 'live-responses-table')]/tbody/tr/td"
    assert see(f"{row}[contains(@class, 'response-col_status')]").text == "200"
    choose(2)
    heading("autotaskcrm")

    complaints = [
        entry
        for entry in browser.get_log("browser")
        if entry["level"] in ("SEVERE", "WARNING")
    ]
    assert complaints == []
    assert hosts(browser) == {root.removeprefix("http://")}
    assert api.line["elementToken"] not in browser.current_url


def hosts(browser):
    """Return every host that the pages sent requests to."""
    messages = [
        json.loads(entry["message"])["message"]
        for entry in browser.get_log("performance")
    ]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    return {url.split("/")[2] for url in urls if url.startswith(("http", "ws"))}


@pytest.fixture
def foreign_page():
    """The address of an empty page of another origin."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()

        def log_message(self, *_args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


FETCH = """
const [url, options, done] = arguments;
fetch(url, options).then(
  answer => answer.text().then(text => done({
    status: answer.status, text, id: answer.headers.get("Elements-Request-Id"),
    count: answer.headers.get("Elements-Returned-Count")})),
  error => done({error: error.name}));
"""


@pytest.mark.campaign
def test_a_page_of_another_origin_calls_the_api_and_nothing_else(
    browser, root, api, foreign_page
):
    def fetch(path, **options):
        return browser.execute_async_script(FETCH, root + path, options)

    browser.get(foreign_page)
    headers = {"Authorization": api.secrets, "Cache-Control": "no-cache"}
    for mode in ("include", "omit"):
        sent = {"credentials": mode, "headers": headers}
        found = fetch("/elements/api-v2/hubs/crm/accounts?pageSize=2", **sent)
        assert (found["status"], found["count"]) == (200, "2")
        overridden = {**headers, "X-HTTP-Method-Override": "PATCH"}
        changed = fetch(
            f"/elements/api-v2/hubs/crm/accounts/{json.loads(found['text'])[0]['id']}",
            **{**sent, "headers": overridden, "method": "POST", "body": "{}"},
        )
        assert changed["status"] == 200, changed
        refused = fetch("/elements/api-v2/instances", credentials=mode)
        assert (refused["status"], len(refused["id"])) == (401, 24)
        missing = fetch("/elements/api-v2/hubs/crm/accounts/999999", **sent)
        assert missing["status"] == 404
    for path in ("/elements/api-v1/ui/getSecrets", "/docs", "/healthz"):
        assert fetch(path, credentials="include") == {"error": "TypeError"}
