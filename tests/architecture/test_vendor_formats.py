"""Use cases name no format of the vendor: what they say holds for any backend.

A text that callers see or send is allowed, by the words around the name and with the
reason.
"""

import re

import pytest

NAMES = re.compile("lxml|queryxml|soap|xml|eastern|wsdl", re.IGNORECASE)
ALLOWED = {
    "bridge/services/records/validation.py": {
        "is stored without the characters that XML cannot carry.": (
            "a note that callers get in a header since release 0.1.0"
        ),
    },
    "bridge/services/openapi/api.yaml": {
        '"|soapenv:Envelope.soapenv:Body"': "an example that callers send",
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"': (
            "an example that callers send"
        ),
        'xmlns:v1="http://autotask.net/ATWS/v1_6/"><soapenv:Body>'
        "<v1:getThresholdAndUsageInfo/></soapenv:Body></soapenv:Envelope>": (
            "an example that callers send"
        ),
    },
}


def find_names(text, allowed=()):
    """Yield the number and text of each line that names a format."""
    for number, line in enumerate(text.splitlines(), start=1):
        rest = line
        for fragment in allowed:
            rest = rest.replace(fragment, "")
        if NAMES.search(rest):
            yield number, line.strip()


@pytest.fixture(scope="module")
def files(root):
    """Return every text of the use cases, by path from the root."""
    return {
        path.relative_to(root).as_posix(): path.read_text("utf-8")
        for path in sorted((root / "bridge/services").rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    }


def test_use_cases_name_no_format_of_the_vendor(files):
    found = [
        f"{path}:{number}: {line}"
        for path, text in files.items()
        for number, line in find_names(text, ALLOWED.get(path, ()))
    ]

    assert not found, "\n".join(found)


def test_exceptions_are_still_needed_and_have_reasons(files):
    for path, fragments in ALLOWED.items():
        for fragment, reason in fragments.items():
            assert files[path].count(fragment) == 1, f"{path}: {fragment}"
            assert NAMES.search(fragment)
            assert len(reason) > 20, f"{path}: {fragment}"


@pytest.mark.parametrize(
    "line",
    [
        "from lxml import etree",
        "    # The XML schema is a sequence.",
        "def soap_fault(): ...",
        '"""Eastern time."""',
        'raise ValueError("no queryxml")',
        "an example that callers send, and XML",
    ],
)
def test_names_are_found_in_code_comments_and_texts(line):
    assert [*find_names(f"x = 1\n{line}\n", ["that callers send"])] == [
        (2, line.strip())
    ]
    assert not [*find_names("example = 'sealed'\n")]
