"""The login of the old console: a form, a cookie, the secrets."""

import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

import pytest


@pytest.fixture
def root(api):
    return api.base_url.removesuffix("/api-v2")


@pytest.fixture
def browser():
    cookies = urllib.request.HTTPCookieProcessor(CookieJar())
    return urllib.request.build_opener(cookies)


def log_in(browser, root, **form):
    data = urllib.parse.urlencode(form).encode()
    with browser.open(f"{root}/j_spring_security_check", data) as answer:
        return answer.headers["Set-Cookie"]


def test_a_form_gives_a_cookie_and_the_cookie_the_secrets(api, root, browser):
    login = api.line["login"]

    cookie = log_in(
        browser, root, j_username=login["username"], j_password=login["password"]
    )

    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    with browser.open(f"{root}/api-v1/ui/getSecrets") as answer:
        secrets = answer.read()
    assert api.line["userSecret"].encode() in secrets
    assert secrets.startswith(b'{"user":')
    assert api.line["organizationSecret"].encode() in secrets


@pytest.mark.parametrize("form", [{}, {"j_username": "x"}, {"j_password": "y"}])
def test_a_wrong_form_is_refused(root, browser, form):
    with pytest.raises(urllib.error.HTTPError) as caught:
        log_in(browser, root, **form)

    with caught.value as error:
        assert error.code == 401
        assert b'"requestId"' in error.read()


def test_without_a_cookie_nothing_is_shown(root, browser):
    with pytest.raises(urllib.error.HTTPError) as caught:
        browser.open(f"{root}/api-v1/ui/getSecrets")

    with caught.value as error:
        assert error.code == 401


def test_the_page_has_the_form_and_stays_out_of_frames(root, browser):
    with browser.open(f"{root}/jsp/login.jsp") as answer:
        page, headers = answer.read().decode(), answer.headers

    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers
    [action] = re.findall(r'<form method="post" action="([^"]*)">', page)
    assert root.endswith(action.removesuffix("/j_spring_security_check"))
    assert re.findall(r'<input name="(\w+)"', page) == ["j_username", "j_password"]
    assert "{{" not in page


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_page_is_read_only(root, browser, method):
    asked = urllib.request.Request(f"{root}/jsp/login.jsp", method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        browser.open(asked)

    with caught.value as error:
        assert error.code == 405
        assert error.headers["Allow"] == "GET, HEAD, OPTIONS"
