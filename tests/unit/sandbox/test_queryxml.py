"""queryxml to SQL: for any tree SQLite returns what a plain evaluation does."""

import sqlite3
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.sandbox.data.collation import collate, matches, matches_exactly, soundex
from bridge.sandbox.errors import BusinessError
from bridge.sandbox.operations import filters
from bridge.sandbox.soap import queryxml

PHONES = ("", "518", "413", None)
NAMES = ("Ärzte", "ärzte ", "b%c", "B")
ROWS = [
    (number, name, phone)
    for number, (name, phone) in enumerate((n, p) for n in NAMES for p in PHONES)
]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6)


@pytest.fixture(scope="module")
def database():
    connection = sqlite3.connect(":memory:")
    connection.create_collation("SERVICE", collate)
    connection.create_function("matches", 2, matches)
    connection.create_function("matches_exactly", 2, matches_exactly)
    connection.create_function("service_soundex", 1, soundex)
    connection.execute(
        'CREATE TABLE t (id INTEGER, "AccountName" TEXT COLLATE SERVICE, '
        '"Phone" TEXT COLLATE SERVICE)'
    )
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", ROWS)
    yield connection
    connection.close()


def select(database, tenant, items):
    document = f"<queryxml><entity>Account</entity><query>{items}</query></queryxml>"
    where = queryxml.parse(document).where
    compiled = filters.compile_filter(tenant.tables["Account"], where)
    rows = database.execute(
        f"SELECT id FROM t WHERE {compiled.sql} ORDER BY id",  # noqa: S608 - under test
        compiled.parameters,
    )
    return [number for (number,) in rows]


def field(name, op, value=""):
    return f'<field>{name}<expression op="{op}">{escape(value)}</expression></field>'


leaves = st.one_of(
    st.tuples(
        st.just("id"), st.sampled_from(["Equals", "LessThan"]), st.integers(-1, 16)
    ),
    st.tuples(
        st.just("Phone"), st.sampled_from(["Equals", "NotEqual"]), st.just("518")
    ),
    st.tuples(st.just("Phone"), st.sampled_from(["IsNull", "IsNotNull"]), st.just("")),
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(
        st.tuples(st.sampled_from(["AND", "OR"]), inner), min_size=1, max_size=4
    ),
    max_leaves=12,
)


def xml(tree):
    if isinstance(tree, tuple):
        return field(*map(str, tree))
    return "".join(
        f'<condition operator="{joiner}">{xml(item)}</condition>'
        for joiner, item in tree
    )


def holds(tree, row):
    """Evaluate by hand: three-valued, left to right."""
    if isinstance(tree, tuple):
        name, op, value = tree
        actual = row[0] if name == "id" else row[2]
        match op:
            case "IsNull":
                return not actual
            case "IsNotNull":
                return bool(actual)
            case _ if actual is None:
                return None
            case "Equals":
                return actual == value
            case "NotEqual":
                return actual != value
            case _:
                return actual < value
    result = None
    for position, (joiner, item) in enumerate(tree):
        value = holds(item, row)
        if position == 0:
            result = value
        elif joiner == "AND":
            both = (result, value)
            result = False if False in both else (None if None in both else True)
        else:
            both = (result, value)
            result = True if True in both else (None if None in both else False)
    return result


@settings(max_examples=150, deadline=None)
@given(tree=trees)
def test_logic_is_left_to_right(database, tenant, tree):
    expected = [row[0] for row in ROWS if holds(tree, row) is True]

    assert select(database, tenant, xml(tree)) == expected


@settings(max_examples=100, deadline=None)
@given(value=TEXTS, op=st.sampled_from(["BeginsWith", "EndsWith", "Contains", "Like"]))
def test_patterns_are_inert_texts(database, tenant, value, op):
    value = value.replace("%", "")
    low = value.replace("\r", "\n").casefold()
    tests = {
        "BeginsWith": lambda name: name.startswith(low),
        "EndsWith": lambda name: name.endswith(low),
        "Contains": lambda name: low in name,
        "Like": lambda name: name == low,
    }
    expected = [number for number, name, _ in ROWS if tests[op](name.casefold())]

    assert select(database, tenant, field("AccountName", op, value)) == expected


@given(document=st.text(max_size=60))
def test_no_text_makes_the_parser_fail_otherwise(document):
    with pytest.raises(BusinessError):
        queryxml.parse(document)


def test_texts_compare_without_case_and_trailing_blanks(database, tenant):
    assert len(select(database, tenant, field("accountname", "Equals", "ÄRZTE"))) == 8
    assert select(database, tenant, field("AccountName", "Equals", "arzte")) == []
    assert len(select(database, tenant, field("AccountName", "Like", "b%"))) == 8
    assert len(select(database, tenant, field("AccountName", "NotLike", "%c"))) == 12


def test_one_distinct_udf_but_no_second(tenant):
    def compiled(*names):
        items = "".join(
            f'<field udf="true">{escape(name)}<expression op="IsNull"/></field>'
            for name in names
        )
        document = (
            f"<queryxml><entity>Account</entity><query>{items}</query></queryxml>"
        )
        where = queryxml.parse(document).where
        return filters.compile_filter(tenant.tables["Account"], where)

    assert compiled("Seats & Licences", "Seats & Licences").sql
    with pytest.raises(BusinessError, match="Only one user-defined field"):
        compiled("Month", "Renewal")
    for name in ("Nope", "seats & licences"):
        with pytest.raises(BusinessError, match=f"Unable to find UDF {name}"):
            compiled(name)


def test_a_protected_udf_compares_with_case(tenant):
    items = '<field udf="true">Secret<expression op="Contains">A</expression></field>'
    document = f"<queryxml><entity>Account</entity><query>{items}</query></queryxml>"
    where = queryxml.parse(document).where

    assert (
        "matches_exactly" in filters.compile_filter(tenant.tables["Account"], where).sql
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("Ashcraft", "A261"),
        ("Tymczak", "T522"),
        ("Pfister", "P236"),
        ("", "0000"),
        (None, None),
    ],
)
def test_soundex(text, code):
    assert soundex(text) == code


def test_patterns_with_many_wildcards_are_not_slow():
    assert matches("a" * 30000, "\0".join("a" * 200) + "\0b") is False
