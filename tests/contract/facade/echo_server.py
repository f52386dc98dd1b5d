"""Serve a WSGI application that echoes the request; run by `test_wire`.

Prints the bound port. Its responses have headers in the order an application might
set them, a `Server` of its own among them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from werkzeug.exceptions import RequestEntityTooLarge

from bridge.server import gunicorn_app
from bridge.server.tls import Certificates
from bridge.settings import Settings
from bridge.web.http.bodies import LIMIT_BODY


def echo(environ, start_response):
    if environ["PATH_INFO"] == "/fails":
        raise RuntimeError("a bug with a secret in it")
    if environ["PATH_INFO"] == "/takes-its-time":
        print("begun", flush=True)
        time.sleep(0.5)
    if environ["PATH_INFO"] == "/takes-an-age":
        time.sleep(60)
    if "HTTP_X_LIMIT" in environ:
        environ[LIMIT_BODY](int(environ["HTTP_X_LIMIT"]))
    try:
        body = environ["wsgi.input"].read()
    except RequestEntityTooLarge:
        start_response("413 Too Large", [("Content-Length", "0")])
        return [b""]
    answer = json.dumps(
        {
            "scheme": environ["wsgi.url_scheme"],
            "method": environ["REQUEST_METHOD"],
            "path": environ["PATH_INFO"],
            "query": environ["QUERY_STRING"],
            "authorization": environ.get("HTTP_AUTHORIZATION"),
            "body": body.decode("latin-1"),
        }
    ).encode()
    start_response(
        "200 OK",
        [
            ("Server", "imposter"),
            ("Elements-Returned-Count", "7"),
            ("Elements-Next-Page-Token", "abc"),
            ("X-ODD-cASE", "kept"),
            ("Content-Length", str(len(answer))),
        ],
    )
    return [answer]


if __name__ == "__main__":
    gunicorn_app.run(
        lambda: echo,
        host="127.0.0.1",
        port=0,
        workers=1,
        threads=4,
        ready=lambda port: print(port, flush=True),
        settings=Settings(http_request_timeout_s=float(sys.argv[1])),
        tls=Certificates(*map(Path, sys.argv[2:4])) if sys.argv[2:] else None,
    )
