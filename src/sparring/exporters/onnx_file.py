"""A generator as one ONNX file."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

import sparring
from sparring.errors import InputError
from sparring.exporters.description import describe
from sparring.exporters.measured import measured
from sparring.exporters.parity import Draw, Parity
from sparring.exporters.quietly import quietly
from sparring.exporters.target import LARGEST_BATCH, Exported, Options, needing_extra
from sparring.exporters.trained import Trained
from sparring.storage import strict_json
from sparring.storage.files import write_atomically

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18  # of 2022: what runs it need not be new


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write the generator to `out`: z [N, num_z] -> samples [N, *shape], float32, for any N; parity by onnxruntime."""
    data, parity = onnx_bytes(trained, options)
    write_atomically(out, data)
    return Exported(options.to, out, len(data), parity)


def onnx_bytes(trained: Trained, options: Options) -> tuple[bytes, Parity]:
    """The content of the file, and its parity; InexactError where that is missed."""
    with needing_extra("ONNX"):
        import onnx
        import onnxruntime
    options.step("making the graph", 0, 1)
    model = to_onnx(trained)
    options.step("making the graph", 1, 1)
    if options.dtype == "float16":
        _halve(model)
    runtime = f"onnxruntime {onnxruntime.__version__}, CPU"
    parity = measured(trained, session(model.SerializeToString()), runtime, options)
    facts = {**describe(trained), "dtype": options.dtype, "parity": asdict(parity)}
    onnx.helper.set_model_props(model, {name: _text(value) for name, value in facts.items()})
    return model.SerializeToString(), parity


def to_onnx(trained: Trained) -> "ModelProto":
    """The generator's graph, in one piece with its weights, input `z` and output `samples`, for any number of rows.

    Raises InputError for a network that ONNX cannot express.
    """
    with needing_extra("ONNX"):
        import onnxscript  # noqa: F401 (what torch.onnx needs)
    generator = trained.generator
    assert not any(module.training for module in generator.modules()), "batch norm has to take its running statistics"
    rows = {0: torch.export.Dim("batch", min=1, max=LARGEST_BATCH)}
    with quietly(f"ONNX cannot express the network of {trained.name}"):
        program = torch.onnx.export(
            generator.network,
            (generator.z(2, seed=0),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["z"],
            output_names=["samples"],
            dynamic_shapes=(rows,),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _tidy(model)
    return model


def session(data: bytes) -> Draw:
    """z -> samples by onnxruntime on the CPU, with as many threads as PyTorch; InputError where it cannot run the file."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = torch.get_num_threads()
    try:
        opened = onnxruntime.InferenceSession(data, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common type
        reason = strict_json.one_line(str(error).partition("\n")[0])
        raise InputError(f"onnxruntime {onnxruntime.__version__} cannot run the file (opset {OPSET}): {reason}") from None

    def draw(z: Tensor) -> Tensor:
        return torch.from_numpy(opened.run(None, {"z": z.numpy()})[0])

    return draw


def _tidy(model: "ModelProto") -> None:
    """Take out what tells of this machine, such as the paths of source files, and name the producer."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""
    model.producer_name, model.producer_version = "sparring", sparring.__version__


def _halve(model: "ModelProto") -> None:
    """Keep the weights as float16, but for vectors; casts widen them again, so that the arithmetic is that of float32."""
    import onnx
    from onnx import TensorProto, numpy_helper

    casts = []
    for weight in model.graph.initializer:
        if weight.data_type == TensorProto.FLOAT and len(weight.dims) > 1:
            half = numpy_helper.from_array(numpy_helper.to_array(weight).astype("float16"), f"{weight.name}.half")
            casts.append(onnx.helper.make_node("Cast", [half.name], [weight.name], to=TensorProto.FLOAT))
            weight.CopyFrom(half)
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _text(value: Any) -> str:
    """A text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
