"""No dataclass shows a secret in its repr."""

import ast
import re

from bridge.interfaces import Credentials

SECRET_NAME = re.compile(
    r"password|secret|token|bearer|integration_code|authorization|(signature|private)_key"
)
HARMLESS_TYPES = {"bool", "int", "float", "SecretStr", "SecretStr | None"}

# Fields that hold secrets under names that do not say so.
ALSO_SECRET = {
    ("Instance", "configuration"),
    *(("Secrets", name) for name in ("user", "organization", "element", "bearer")),
}


def dataclass_fields(source):
    """Yield class name, field name, annotation, and whether the repr shows it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef):
            continue
        decorators = [ast.unparse(item) for item in node.decorator_list]
        if not any("dataclass" in text for text in decorators):
            continue
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                value = ast.unparse(statement.value) if statement.value else ""
                hidden = "repr=False" in value or "repr=False" in " ".join(decorators)
                annotation = ast.unparse(statement.annotation)
                yield node.name, ast.unparse(statement.target), annotation, not hidden


def test_secret_fields_are_not_in_the_repr(modules):
    shown = [
        f"{path}: {owner}.{name}"
        for path, text in modules.items()
        for owner, name, annotation, in_repr in dataclass_fields(text)
        if in_repr
        and annotation not in HARMLESS_TYPES
        and (SECRET_NAME.search(name) or (owner, name) in ALSO_SECRET)
    ]

    assert shown == []


def test_fields_known_as_secret_still_exist(modules):
    known = {
        (owner, name)
        for text in modules.values()
        for owner, name, _, _ in dataclass_fields(text)
    }

    assert known >= ALSO_SECRET


def test_credentials_do_not_show_theirs():
    credentials = Credentials(
        username="svc@northwind.example",
        password="s3cr3t!",
        server_url="https://ww7.autotask.net",
        integration_code="ABCDEFGHIJKLMNOPQRSTUVWXYZ7",
    )

    assert "s3cr3t!" not in repr(credentials)
    assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ7" not in repr(credentials)
