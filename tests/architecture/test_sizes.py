"""Files and functions stay small enough to read in one go."""

import ast

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 50


def functions(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function):
    """Return a function's lines without its decorators and its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - (docstring.end_lineno - docstring.lineno + 1)


def test_files_are_short(modules):
    lines = {str(path): len(text.splitlines()) for path, text in modules.items()}

    assert {path: n for path, n in lines.items() if n > MAX_FILE_LINES} == {}


def test_functions_are_short(modules):
    lines = {
        f"{path}:{function.lineno}: {function.name}": length(function)
        for path, text in modules.items()
        for function in functions(text)
    }

    assert {name: n for name, n in lines.items() if n > MAX_FUNCTION_LINES} == {}


def test_length_leaves_out_decorators_and_docstring():
    source = (
        '@one\n@two\ndef f():\n    """Say.\n\n    More.\n    """\n    a()\n    b()\n'
    )

    [function] = functions(source)

    assert length(function) == 3
