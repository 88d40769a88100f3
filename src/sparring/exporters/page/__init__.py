"""One HTML file that draws with a trained generator, without any network: its weights and a forward pass in JavaScript."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from sparring.errors import InputError
from sparring.exporters.measured import measured
from sparring.exporters.page.document import html
from sparring.exporters.page.program import Program, UnknownLayerError, compile_network
from sparring.exporters.page.reference import run
from sparring.exporters.parity import Parity
from sparring.exporters.target import Exported, Options
from sparring.exporters.trained import Trained
from sparring.storage.files import write_atomically

__all__ = ["page", "program_of", "write"]


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write the page to the file `out`; the weights are float16, whatever `options.dtype` says.

    Raises InputError for a network that is not made of Sparring's own layers.
    """
    text, parity = page(trained, options)
    data = text.encode()
    write_atomically(out, data)
    return Exported(options.to, out, len(data), parity)


def page(trained: Trained, options: Options) -> tuple[str, Parity]:
    """The HTML of the page, and the parity of its rounded weights with the original; InputError as `write`."""
    program = program_of(trained)
    wanted = replace(options, dtype="float16")
    parity = measured(trained, partial(run, program), "PyTorch with the page's float16 weights", wanted)
    return html(trained, program, parity), parity


def program_of(trained: Trained) -> Program:
    """The generator as the page's program; InputError, which points to ONNX, for a layer that the page cannot compute."""
    generator = trained.generator
    try:
        return compile_network(generator.network, generator.noise.num, generator.shape)
    except UnknownLayerError as layer:
        raise InputError(
            f"a page knows the layers of Sparring's generators but fastgan's, and {trained.name} has the layer {layer};"
            ' export it to ONNX instead: --to onnx (in Python: to="onnx")'
        ) from None
