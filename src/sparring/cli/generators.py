"""`sparring generators`."""

import click

from sparring.cli import options


@click.command(name="generators", epilog="Example: sparring generators, then sparring sample digits")
@options.as_json
def command(as_json: bool) -> None:
    """List the trained generators that come with the package (for the extractors that score: `sparring extractor list`)."""
    from sparring.runs import shipped

    found = shipped.generators()
    if as_json:
        return options.print_json([own.described() for own in found])
    rows = [(own.name, own.facts["summary"], own.score_text, own.label, own.facts["license"]) for own in found]
    options.print_table(("generator", "draws", "score", "name with hash", "license"), rows)
    return click.echo("each is a name for RUN: sparring sample digits")
