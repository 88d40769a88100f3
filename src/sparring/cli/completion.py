"""`sparring completion`."""

import click

SHELLS = ("bash", "zsh", "fish")
_NO_SPACE = {  # after `optim.lr=` a value follows
    "bash": ("    return 0\n", "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n\n    return 0\n"),
    "zsh": (
        "        compadd -U",
        '        local -a space=(); [[ $completions[1] == *= ]] && space=(-S "")\n        compadd "${space[@]}" -U',
    ),
}


@click.command(name="completion", epilog="Example: sparring completion fish > sparring.fish")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print a script that makes SHELL complete commands, options, recipes, runs, data sets and settings.

    \b
    Its place is
      bash: ~/.local/share/bash-completion/completions/sparring
      zsh:  a file _sparring in a folder of $fpath
      fish: ~/.config/fish/completions/sparring.fish
    """
    from click.shell_completion import get_completion_class

    from sparring.cli import app, names

    names.known()  # now, so that the first completion is quick
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(app, {}, "sparring", "_SPARRING_COMPLETE").source().replace(*_NO_SPACE.get(shell, ("", "")), 1))
