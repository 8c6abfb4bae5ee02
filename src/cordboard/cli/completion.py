"""`cordboard completion`."""

import click
from click.shell_completion import get_completion_class

#: Where each shell reads it when it starts.
_SETUP = {
    "bash": 'eval "$(cordboard completion bash)"  in ~/.bashrc',
    "zsh": 'eval "$(cordboard completion zsh)"  in ~/.zshrc, after compinit',
    "fish": "cordboard completion fish > ~/.config/fish/completions/cordboard.fish",
}


@click.command(epilog="\b\n" + "\n".join(f"{shell}:  {line}" for shell, line in _SETUP.items()))
@click.argument("shell", type=click.Choice(list(_SETUP)))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands, options, and the names of what the running server has.

    Names come from the server that CORDBOARD_URL names, or --data on the line, or that of ./data.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    everything = click.get_current_context().find_root().command
    click.echo(kind(everything, {}, "cordboard", "_CORDBOARD_COMPLETE").source())
