"""`sparring export`."""

from typing import Any

import click

from sparring.cli import options

TARGETS = ("onnx", "torch", "hub", "page", "space")


@click.command(name="export", epilog="Example: sparring export latest --to onnx --out digits.onnx")
@click.argument("run", type=options.run, default="latest")
@click.option("--to", type=click.Choice(TARGETS), default="onnx", show_default=True, help="What to make.")
@click.option("--out", type=options.place, metavar="PATH", help="A new file or folder.  [default: named after recipe and seed]")
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float16"]),
    default="float32",
    show_default=True,
    help="Type of the weights; z and samples are float32 in any case.",
)
@click.option("--raw", is_flag=True, help="Use the last weights instead of their average.")
@click.option("--allow-inexact", is_flag=True, help="Write it even if it draws other samples than the generator.")
@click.option("--push", metavar="USER/NAME", help="Upload the Hugging Face folder under this name.")
@click.option("--license", metavar="ID", help="Licence of the generator, as Hugging Face names it: mit, cc-by-4.0, ...")
@options.quiet
@options.code
@options.as_json
def command(run: str, code: str | None, as_json: bool, **how: Any) -> None:
    """Export the generator of RUN (a run, `latest`, or a generator's folder), and measure that it draws the same."""
    from sparring.exporters import export

    options.execute(code)
    exported = export(run, **how)
    if as_json:
        options.print_json(exported.as_json())
    else:
        click.echo(f"{options.link(exported.path)}  ({exported.num_bytes:,} bytes)")
        click.echo(str(exported.parity))
        if exported.pushed:
            click.echo(exported.pushed)
