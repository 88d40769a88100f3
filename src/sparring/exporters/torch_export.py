"""A generator as a program of `torch.export`."""

import io
import json
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sparring.exporters.description import describe
from sparring.exporters.measured import measured
from sparring.exporters.quietly import quietly
from sparring.exporters.target import LARGEST_BATCH, Exported, Options
from sparring.exporters.trained import Trained
from sparring.storage.files import write_atomically

DESCRIPTION = "sparring.json"


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write the generator to `out` for `torch.export.load`: z [N, num_z] -> samples [N, *shape], float32.

    N is at most a million. The format is that of this version of PyTorch, which promises nothing to other versions. The parity
    is that of the file as it is read again.
    """
    options.step("making the graph", 0, 1)
    program = to_program(trained, options.dtype)
    options.step("making the graph", 1, 1)
    loaded = torch.export.load(io.BytesIO(_bytes(program, {})))
    parity = measured(trained, torch.no_grad()(loaded.module()), f"torch.export {torch.__version__}, CPU", options)
    data = _bytes(program, {**describe(trained), "dtype": options.dtype, "parity": asdict(parity)})
    write_atomically(out, data)
    return Exported(options.to, out, len(data), parity)


def to_program(trained: Trained, dtype: str) -> torch.export.ExportedProgram:
    """The generator's program, for any number of rows; InputError for a network that `torch.export` cannot follow."""
    generator = trained.generator
    network = _halved(generator.network) if dtype == "float16" else generator.network
    rows = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
    with quietly(f"torch.export cannot follow the network of {trained.name}"):
        return torch.export.export(network, (generator.z(2, seed=0),), dynamic_shapes=(rows,), strict=False)


def _bytes(program: torch.export.ExportedProgram, facts: dict) -> bytes:
    stream = io.BytesIO()
    torch.export.save(program, stream, extra_files={DESCRIPTION: json.dumps(facts, ensure_ascii=False)})
    return stream.getvalue()


def _halved(network: nn.Module) -> nn.Module:
    """A copy that keeps its weights as float16, and computes with them in float32; vectors stay as they are."""
    network = deepcopy(network)
    for module in [*network.modules()]:
        for name, weight in [*module.named_parameters(recurse=False)]:
            if weight.ndim > 1:
                setattr(module, name, nn.Parameter(weight.half(), requires_grad=False))
                parametrize.register_parametrization(module, name, _Widened(), unsafe=True)
    return network


class _Widened(nn.Module):
    """A weight kept as float16."""

    def forward(self, weight: Tensor) -> Tensor:
        return weight.float()
