"""`bridge completion`: the script for completion in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_NAMES = ("bridge", "autotask-bridge")


@click.command(
    epilog="Example: echo 'source <(bridge completion bash)' >> ~/.bashrc; the same "
    "with zsh and ~/.zshrc, after compinit; for fish: bridge completion fish > "
    "~/.config/fish/completions/bridge.fish"
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, *, shell: str) -> None:
    """Print the completion script of a shell, for the shell to source.

    It completes both names of this program; called as autotask-bridge, that name only,
    because `bridge` may be another program there.
    """
    root = ctx.find_root()
    names = _NAMES[1:] if root.info_name == _NAMES[1] else _NAMES
    script_class = get_completion_class(shell)
    if script_class is None:
        raise click.ClickException(f"There is no completion for {shell}.")
    for name in names:
        variable = f"_{name.replace('-', '_')}_COMPLETE".upper()
        script = script_class(root.command, {}, name, variable)
        click.echo(script.source(), nl=False)
