"""A browser under test, and what it thinks of a page's accessibility."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest
from axe_core_python.selenium import Axe
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_WAIT_S = 60
_NO_SCRIPTS = {"profile.managed_default_content_settings.javascript": 2}


@contextmanager
def open_browser(profile, *, dark=False, scripts=True):
    """Yield a browser that has no page, log or storage of another test."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        reason = "chromium and chromedriver are not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    if not scripts:
        options.add_experimental_option("prefs", _NO_SCRIPTS)
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        f"--user-data-dir={profile}",
        "--window-size=1200,1600",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
    ):
        options.add_argument(argument)
    with webdriver.Chrome(options=options, service=Service(driver)) as found:
        found.implicitly_wait(_WAIT_S)
        yield found


def find_barriers(browser, *, without=()):
    """Return the accessibility rules that the open page breaks, with the places.

    Parts that match a selector of `without` are not looked at.
    """
    context = {"exclude": [[selector] for selector in without]} if without else None
    found = Axe().run(browser, context)
    return {
        violation["id"]: [node["target"] for node in violation["nodes"]]
        for violation in found["violations"]
    }
