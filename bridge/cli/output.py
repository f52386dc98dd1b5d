"""Output of commands: tables and colours on a terminal, plain text everywhere else.

Plain text is for programs: a record a line, columns padded with blanks, nothing cut or
wrapped. Control characters of stored texts are printed as escapes, so that a name can
neither control the terminal nor end a line. rich is imported for a terminal only.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO, TypeAlias

import click
import orjson

from bridge.cli.visible_text import visible

if TYPE_CHECKING:
    from rich.console import Console

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""The option of every command whose output scripts may read."""

Report: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of the work, how much of it is done, and the total."""

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}
_WHOLE_CELL_WIDTH = 20


def show_json(document: object) -> None:
    """Print one JSON document, indented."""
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())


def show_members(members: Mapping[str, object]) -> None:
    """Print names and values, one pair a line, never wrapped."""
    width = max(map(len, members), default=0) + 2
    for name, value in members.items():
        show_line((f"{name:<{width}}", "bold"), _text(value))


def show_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str
) -> None:
    """Print rows in columns; without rows print `empty` on stderr.

    On a terminal, cells are wrapped to fit its width. Elsewhere columns are as wide as
    their longest text.
    """
    if not rows:
        click.echo(empty, err=True)
        return
    texts = [[visible(_text(cell)) for cell in row] for row in (header, *rows)]
    console = _console(sys.stdout)
    if console is not None:
        _draw_table(console, texts)
        return
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        padded = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def show_list(
    documents: Sequence[object],
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    as_json: bool,
    empty: str,
) -> None:
    """Print the documents of a list as JSON, or its rows as `show_table` does."""
    if as_json:
        show_json(documents)
    else:
        show_table(header, rows, empty=empty)


def show_whole_cells(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns without wrapping cells, so that they can be copied.

    On a terminal, a cell that does not fit begins a line of its own; elsewhere this is
    `show_table`.
    """
    console = _console(sys.stdout)
    if console is None:
        show_table(header, rows, empty="")
        return
    texts = [[visible(cell) for cell in row] for row in (header, *rows)]
    first, *others = [max(map(len, column)) for column in zip(*texts, strict=True)]
    widths = [first, *(min(width, _WHOLE_CELL_WIDTH) for width in others)]
    for number, row in enumerate(texts):
        for line in _place_cells(row, widths, console.width):
            show_line((line, "" if number else "bold"))


def show_status(before: str, status: str, after: str) -> None:
    """Print a line with one of `ok`, `warning` and `failed` in its colour."""
    show_line(before, (status, _STYLES.get(status.strip(), "")), after)


def show_line(*parts: str | tuple[str, str]) -> None:
    """Print one line of texts, some with a style; it is never wrapped."""
    texts = [(part, "") if isinstance(part, str) else part for part in parts]
    shown = [(visible(text), style) for text, style in texts]
    console = _console(sys.stdout)
    if console is None:
        click.echo("".join(text for text, _ in shown))
        return
    from rich.text import Text  # noqa: PLC0415 - for a terminal only

    console.print(Text.assemble(*shown), soft_wrap=True)


@contextmanager
def progress(title: str) -> Iterator[Report]:
    """Yield a function to report the progress of long work to.

    A terminal shows a progress bar, removed at the end; elsewhere stderr gets a line
    when the work begins and one when it is done. Nothing is shown before the first
    report.
    """
    console = _console(sys.stderr)
    if console is None:
        yield from _lines(title)
    else:
        yield from _bars(console, title)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _lines(title: str) -> Iterator[Report]:
    began: list[float] = []

    def report(_what: str, _done: int, _total: int) -> None:
        if not began:
            began.append(time.monotonic())
            click.echo(f"{title} …", err=True)

    yield report
    if began:
        took = time.monotonic() - began[0]
        click.echo(f"{title}: done in {took:.0f} s.", err=True)


def _bars(console: Console, title: str) -> Iterator[Report]:
    from rich import progress as bars  # noqa: PLC0415 - for a terminal only

    shown = bars.Progress(
        bars.TextColumn("{task.description}", markup=False),
        bars.BarColumn(),
        bars.TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        bars.TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    tasks: dict[str, bars.TaskID] = {}

    def report(what: str, done: int, total: int) -> None:
        shown.start()
        if what not in tasks:
            for former in tasks.values():
                shown.update(former, visible=False)
            tasks[what] = shown.add_task(f"{title}: {what}", total=total)
        shown.update(tasks[what], completed=done, total=total)

    try:
        yield report
    finally:
        if tasks:
            shown.stop()


def _place_cells(
    row: Sequence[str], widths: Sequence[int], line_width: int
) -> Iterator[str]:
    line, column = "", 0
    for cell, width in zip(row, widths, strict=True):
        before = f"{line}  ".ljust(column) if column else ""
        if line and len(before) + len(cell) > line_width:
            yield line
            before = "    "
        line = f"{before}{cell}"
        column += width + 2
    yield line


def _draw_table(console: Console, texts: Sequence[Sequence[str]]) -> None:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - for a terminal only
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    header, *rows = texts
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for number, name in enumerate(header):
        # The first column identifies the row: it is typed into the next command.
        table.add_column(Text(name), overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


@lru_cache(maxsize=2)
def _make_console(stream: TextIO) -> Console:
    from rich.console import Console  # noqa: PLC0415 - for a terminal only

    colours = None if os.environ.get("NO_COLOR") else "auto"
    return Console(
        file=stream,
        color_system=colours,  # type: ignore[arg-type]  # a literal, it says
        highlight=False,
        markup=False,
        emoji=False,
    )


def _console(stream: TextIO) -> Console | None:
    """Return the console of a terminal; None for a dumb one and for anything else."""
    if not stream.isatty() or os.environ.get("TERM", "dumb") in {"", "dumb", "unknown"}:
        return None
    return _make_console(stream)
