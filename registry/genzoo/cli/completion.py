"""`genzoo completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options and model names in a shell.

    \b
    bash:  echo 'eval "$(genzoo completion bash)"' >> ~/.bashrc
    zsh:   echo 'eval "$(genzoo completion zsh)"' >> ~/.zshrc
    fish:  genzoo completion fish > ~/.config/fish/completions/genzoo.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "genzoo", "_GENZOO_COMPLETE").source())
