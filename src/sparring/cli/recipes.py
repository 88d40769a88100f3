"""`sparring recipes`."""

import json

import click

from sparring.cli import names, options


@click.command(name="recipes", epilog="Example: sparring recipes vanilla")
@click.argument("name", required=False, shell_complete=names.complete_recipe)
@options.as_json
def command(name: str | None, as_json: bool) -> None:
    """List the recipes, or show all settings of the one called NAME, and in brackets the values that they may have."""
    from sparring import recipes

    if name is None:
        listing = [recipes.describe(n) for n in recipes.names()]
        if as_json:
            brief = [{k: v for k, v in d.items() if k in ("name", "summary", "source", "measured")} for d in listing]
            return options.print_json(brief)
        rows = [(d["name"], d["summary"], d["measured"]) for d in listing]
        return options.print_table(("recipe", "what it is", "measured"), rows)
    described = recipes.describe(name)
    if as_json:
        return options.print_json(described)
    click.echo(options.in_lines(described["documentation"]) + "\n")
    for path, value in _flat("", described["settings"]):
        limits = f"  ({described['ranges'][path]})" if path in described["ranges"] else ""
        click.echo(options.in_lines(f"{path} = {json.dumps(value, ensure_ascii=False)}{limits}"))
    return None


def _flat(prefix: str, value):
    """Settings as dotted names and values, as --set takes them."""
    if isinstance(value, dict):
        for name, item in value.items():
            part_name = prefix and name == "name"
            yield from _flat(prefix if part_name else f"{prefix}.{name}" if prefix else name, item)
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for index, item in enumerate(value):
            yield from _flat(f"{prefix}.{index}", item)
    else:
        yield prefix, value
