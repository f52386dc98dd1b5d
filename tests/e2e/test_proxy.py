"""nginx and Caddy in front of Bridge, as configured in deploy, byte by byte."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ports import find_free_port

DEPLOY = Path(__file__).parents[2] / "deploy"
ACCOUNTS = "/elements/api-v2/hubs/crm/accounts"
NAME = "crm.example.com"
PATIENCE_S = 120

MAIN = """\
{user}
worker_processes 1;
error_log stderr;
pid nginx.pid;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {configuration}
}}
"""


def configured(name, changes):
    """Return a configuration of ours with this machine's ports and files."""
    text = (DEPLOY / name).read_text("utf-8")
    for documented, actual in changes.items():
        assert documented in text
        text = text.replace(documented, actual)
    return text


def configure_nginx(directory, upstream, port):
    """Write nginx's files; return the command that runs it."""
    path = find("nginx", "nginx-light")
    configuration = configured(
        "nginx.conf",
        {
            "server 127.0.0.1:8080;": f"server {upstream};",
            "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
            "/etc/ssl/crm.example.com/chain.pem": f"{directory}/chain.pem",
            "/etc/ssl/crm.example.com/key.pem": f"{directory}/key.pem",
        },
    )
    user = "user root;" if os.geteuid() == 0 else ""
    main = MAIN.format(user=user, configuration=configuration)
    (directory / "nginx.conf").write_text(main)
    command = [path, "-p", directory, "-c", "nginx.conf", "-e", "stderr"]
    subprocess.run([*command, "-t"], check=True)
    return [*command, "-g", "daemon off;"]


def configure_caddy(directory, upstream, port):
    """Write Caddy's file; return the command that runs it."""
    path = find("caddy", "caddy")
    configuration = configured(
        "Caddyfile",
        {
            "{\n\tservers {": "{\n\tadmin off\n\tauto_https disable_redirects\n"
            "\tservers {",
            "\ncrm.example.com {": f"\nhttps://crm.example.com:{port} {{",
            "reverse_proxy 127.0.0.1:8080": f"reverse_proxy {upstream}",
            "/etc/ssl/crm.example.com/": f"{directory}/",
        },
    )
    (directory / "Caddyfile").write_text(configuration)
    of_file = ["--config", directory / "Caddyfile", "--adapter", "caddyfile"]
    subprocess.run([path, "validate", *of_file], check=True)
    return [path, "run", *of_file]


def find(program, package):
    """Return the path of a program; without it the test is skipped, in CI it fails."""
    path = shutil.which(program, path=f"{os.environ.get('PATH')}:/usr/sbin")
    missing = f"{program} is not installed: apt-get install {package}"
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(missing)
    if path is None:
        pytest.skip(missing)
    return path


def wait_for(port, process):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the proxy does not listen")


@pytest.fixture(
    scope="module", params=[configure_nginx, configure_caddy], ids=["nginx", "caddy"]
)
def proxy(request, demo, tmp_path_factory, certificate):
    """The name and the port of a proxy in front of the demo."""
    directory = tmp_path_factory.mktemp("proxy")
    certificate(directory)
    port = find_free_port()
    command = request.param(directory, urlsplit(demo["baseUrl"]).netloc, port)
    homes = {"XDG_DATA_HOME": str(directory), "XDG_CONFIG_HOME": str(directory)}
    with subprocess.Popen(command, env={**os.environ, **homes}) as process:
        try:
            wait_for(port, process)
            yield Path(command[0]).name, port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def certificate():
    """Return what writes a certificate and its key into a directory."""
    openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    subject = "-days 1 -subj /CN=crm.example.com -keyout key.pem -out chain.pem"

    def write(directory):
        command = [*openssl.split(), *subject.split()]
        subprocess.run(command, cwd=directory, check=True, capture_output=True)

    return write


@pytest.fixture
def talk(proxy, api):
    """Send one request through the proxy; return head and body as they arrive."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    proxy_address = ("127.0.0.1", proxy[1])

    def send(method, target, *headers, body=b""):
        head = [
            f"{method} {target} HTTP/1.1".encode(),
            b"Host: crm.example.com",
            b"Connection: close",
            f"Authorization: {api.secrets}".encode(),
            *headers,
        ]
        raw = socket.create_connection(proxy_address, timeout=PATIENCE_S)
        with (
            context.wrap_socket(raw, server_hostname=NAME) as connection,
            connection.makefile("rb") as stream,
        ):
            assert connection.selected_alpn_protocol() != "h2"
            connection.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body)
            head, _, content = stream.read().partition(b"\r\n\r\n")
        return head, content

    return send


def test_header_names_keep_their_case_and_server_follows_the_count(talk, proxy):
    head, content = talk("GET", f"{ACCOUNTS}?pageSize=2")

    assert head.startswith(b"HTTP/1.1 200")
    # Caddy sorts headers by their names.
    after = rb"\r\n" if proxy[0] == "caddy" else rb"$"
    count_and_server = rb"\r\nElements-Returned-Count: 2\r\nServer: bridge"
    assert re.search(count_and_server + after, head)
    assert re.search(rb"\r\nElements-Request-Id: [0-9a-f]{24}\r\n", head)
    assert re.search(rb"\r\nElements-Next-Page-Token: \S+\r\n", head)
    assert head.count(b"Server:") == 1
    assert len(json.loads(content)) == 2


@pytest.mark.parametrize(
    "target",
    [
        f"/{ACCOUNTS.replace('/hubs', '//hubs')}//?pageSize=1",
        f"{ACCOUNTS}?pageSize=1&where=accountName!='Größe'",
        f"{ACCOUNTS}?pageSize=1&where=accountName%20!=%20%22x%22",
    ],
)
def test_unencoded_targets_arrive_as_they_were_sent(talk, target):
    head, content = talk("GET", target)

    assert head.startswith(b"HTTP/1.1 200"), content


def test_an_encoded_slash_stays_in_its_segment(talk):
    head, content = talk("GET", f"{ACCOUNTS}/a%2Fb")

    assert head.startswith(b"HTTP/1.1 4")
    assert json.loads(content)["requestId"]


def test_a_long_query_arrives(talk):
    names = " OR ".join(f"accountName='{number:06}'" for number in range(700))
    where = names.replace(" ", "%20")[:18_000].rpartition("%20OR")[0]

    head, content = talk("GET", f"{ACCOUNTS}?pageSize=1&where={where}")

    assert len(where) > 16_000
    assert b"Elements-Request-Id" in head, content


def test_a_body_is_created_once(talk):
    name = f"Proxied {time.time_ns()}"
    body = json.dumps(
        {"accountName": name, "accountType": 1, "phone": "1", "ownerResourceID": 4}
    ).encode()
    length = f"Content-Length: {len(body)}".encode()

    head, content = talk("POST", ACCOUNTS, length, body=body)

    assert head.startswith(b"HTTP/1.1 200"), content
    where = f"where=accountName='{name}'".replace(" ", "%20")
    assert len(json.loads(talk("GET", f"{ACCOUNTS}?{where}")[1])) == 1


def test_metrics_stay_inside(talk):
    for path in ("/metrics", "//metrics", "/metrics/", "/%6detrics"):
        head, content = talk("GET", path)

        assert head.split()[1] in {b"403", b"404"}
        assert b"bridge_requests" not in content


def test_blanks_are_refused_by_the_proxy_as_the_page_says(talk):
    head, _ = talk("GET", f"{ACCOUNTS}?where=accountName like 'A%'")

    assert head.startswith(b"HTTP/1.1 400")
    assert b"Elements-Request-Id" not in head
