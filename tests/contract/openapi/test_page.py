"""The page at `/docs`, over HTTP and in a browser."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from urllib.error import HTTPError

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium and chromedriver are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    profile = tmp_path_factory.mktemp("chromium")
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--window-size=1200,1600",
    ):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service(driver)) as found:
        found.implicitly_wait(20)
        yield found


@pytest.fixture
def root(api):
    return api.base_url.removesuffix("/elements/api-v2")


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/elements/api-docs"])
def test_it_lets_nothing_foreign_in(root, path):
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
    """Return every host that the pages asked."""
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
