"""The page at `/`: for browsers only, correct, and without credentials."""

from __future__ import annotations

import json
import urllib.request
from urllib.error import HTTPError

import pytest
from browser import find_barriers, open_browser
from selenium.webdriver.common.by import By

from bridge import __version__
from bridge.settings import Settings
from bridge.web.http.route_auth import BASE

JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


def fetch(url, accept=None, method="GET"):
    headers = {} if accept is None else {"Accept": accept}
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except HTTPError as error:
        return error.code, error.headers, error.read().decode()


def test_a_browser_gets_a_page_with_links(root, api):
    status, headers, page = fetch(root, BROWSER)

    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Vary"] == "Accept"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert f"Version {__version__}" in page
    assert f'"{api.base_url}"' in page.replace("&#34;", '"')
    for path in ("/docs", "/healthz", "/readyz", f"{BASE}/openapi.json"):
        assert f'href="{path}"' in page
        assert fetch(root + path, BROWSER)[0] == 200


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", JAVA, ""])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_other_clients_get_404(root, accept, method):
    status, headers, body = fetch(root + "/", accept, method)

    assert status == 404
    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert json.loads(body)["message"] == "No such path: /."


def test_a_form_cannot_be_posted_to_it(root):
    assert fetch(root + "/", BROWSER, "POST")[0] == 404


def test_headers_of_the_request_are_shown_as_text_not_markup(application):
    answer = application.test_client().get(
        "/", headers={"Accept": BROWSER, "Host": "<script>alert(1)</script>"}
    )

    assert "new address" in answer.text
    assert "<script" not in answer.text


def test_it_is_served_below_a_prefix(tmp_path, new_application):
    settings = Settings(data_dir=tmp_path, public_url="https://x.example/crm")
    client = new_application(settings).test_client()

    page = client.get("/", headers={"Accept": BROWSER}).text

    assert 'href="/crm/docs"' in page
    assert 'href="/crm/assets/bridge.css?v=' in page
    assert "https://x.example/crm/elements/api-v2" in page


def test_it_shows_that_the_database_is_missing(tmp_path, new_application):
    client = new_application(Settings(data_dir=tmp_path)).test_client()
    for file in tmp_path.glob("bridge.db*"):
        file.rename(tmp_path / f"moved-{file.name}")

    page = client.get("/", headers={"Accept": BROWSER}).text

    assert "Not ready" in page
    assert "bridge doctor" in page
    assert str(tmp_path) not in page


def test_its_assets_are_served_and_no_others(root):
    for name, kind in (("bridge.css", "text/css"), ("bridge.svg", "image/svg+xml")):
        status, headers, body = fetch(f"{root}/assets/{name}")
        assert (status, headers.get_content_type(), bool(body)) == (200, kind, True)
    for name in ("landing.html", "..%2Flanding.py", "docs.html"):
        assert fetch(f"{root}/assets/{name}")[0] == 404


@pytest.mark.campaign
@pytest.mark.parametrize("dark", [False, True])
def test_it_is_accessible(root, tmp_path, dark):
    with open_browser(tmp_path, dark=dark) as browser:
        browser.get(root)
        heading = browser.find_element(By.TAG_NAME, "h1").text
        background = browser.find_element(By.TAG_NAME, "body").value_of_css_property(
            "background-color"
        )

        assert "new address" in heading
        assert (background == "rgba(16, 20, 24, 1)") is dark
        assert find_barriers(browser) == {}
        assert browser.get_log("browser") == []
