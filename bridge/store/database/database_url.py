"""The address of the database: `BRIDGE_DATABASE_URL`, or a file in the data directory.

Hosting platforms write `postgres://` or `postgresql://`; both select PostgreSQL with
this program's driver.
"""

from __future__ import annotations

import re
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from bridge.errors import ConfigurationError

DATABASE_FILE = "bridge.db"

_POSTGRESQL = "postgresql+psycopg"
_ALIASES = ("postgres", "postgresql")
_UNREADABLE = URL.create("unreadable")
_MASK = "********"
_PLAIN = re.compile(
    r"(?P<head>[a-z0-9+]+://[^:@/?#]*)(?P<password>:[^@/?#]*)?"
    r"(?P<tail>(@[^@:/?#]*(:\d+)?)?(/[^@:?#]*)?)(\?(?P<query>.*))?"
)
_HARMLESS = re.compile(
    r"(application_name|channel_binding|client_encoding|connect_timeout|dbname|"
    r"gssencmode|host|hostaddr|keepalives(_\w+)?|load_balance_hosts|options|port|"
    r"sslcert|sslcrl|sslkey|sslmode|sslrootcert|target_session_attrs|tcp_user_timeout|"
    r"user)=[^?#@;]*"
)
"""Query parameters whose values may be shown; the value of any other may be secret."""


def database_url(data_dir: Path, configured: str | None) -> str:
    """Return the configured URL, else that of `bridge.db` in the data directory."""
    if configured:
        return configured
    url = URL.create("sqlite", database=str(data_dir / DATABASE_FILE))
    return url.render_as_string(hide_password=False)


def check_url(url: str, source: str = "BRIDGE_DATABASE_URL") -> Path | None:
    """Validate a database URL; return its SQLite file, None for PostgreSQL.

    Raises:
        ConfigurationError: the URL is invalid; the message does not repeat it.
    """
    return sqlite_file(parse_url(url, source))


def sqlite_file(url: URL) -> Path | None:
    """Return the SQLite file of a parsed URL; None for PostgreSQL."""
    return Path(str(url.database)) if url.drivername == "sqlite" else None


def describe_url(url: str) -> str:
    """Return the address of a database for a message, without secrets.

    Raises:
        ConfigurationError: as `check_url`.
    """
    parts = parse_url(url)
    file = sqlite_file(parts)
    if file is not None:
        return str(file)
    # The query may hold a password too.
    return parts.set(
        drivername="postgresql", password=None, query={}
    ).render_as_string()


def mask_url(url: str) -> str:
    """Return a database URL with its secrets masked; an unusual URL is masked whole."""
    found = _PLAIN.fullmatch(url)
    if found is None:
        return _MASK
    password = f":{_MASK}" if found["password"] else ""
    parameters = (found["query"] or "").split("&")
    query = "&".join(map(_mask_parameter, parameters))
    return f"{found['head']}{password}{found['tail']}{'?' if query else ''}{query}"


def has_secret(url: str) -> bool:
    """Return whether a database URL holds a password, or may hold one."""
    return _MASK in mask_url(url)


def parse_url(text: str, source: str = "BRIDGE_DATABASE_URL") -> URL:
    """Parse a database URL and set the driver.

    Raises:
        ConfigurationError: the URL is invalid; the message does not repeat it.
    """
    # The exception is not chained and its message does not repeat the URL, which may
    # hold a password. With a second @ the end of a password would be parsed as the
    # host, and shown in the error when that host is not found.
    try:
        ambiguous = text.count("@") > 1 and not text.startswith("sqlite:")
        url = _UNREADABLE if ambiguous else make_url(text)
    except (ArgumentError, ValueError):
        url = _UNREADABLE
    if url.drivername in _ALIASES:
        url = url.set(drivername=_POSTGRESQL)
    if url.drivername == _POSTGRESQL:
        return url
    is_file = url.database not in {None, "", ":memory:"}
    if url.drivername == "sqlite" and not url.query and is_file:
        return url
    named = "" if url.drivername in {"unreadable", "sqlite"} else f"{url.drivername}://"
    raise ConfigurationError(
        f"{source} {f'is {named}…; it ' if named else ''}must be "
        "postgresql://user:password@host/database or sqlite:///path/to/file; in names "
        "and passwords write @ as %40, : as %3A, / as %2F and % as %25."
    ) from None


def _mask_parameter(parameter: str) -> str:
    if not parameter or _HARMLESS.fullmatch(parameter):
        return parameter
    name, given, _value = parameter.partition("=")
    return f"{name}={_MASK}" if given and re.fullmatch(r"\w+", name) else _MASK
