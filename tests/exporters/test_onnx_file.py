"""ONNX files, run by onnxruntime beside PyTorch."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest
import torch
from torch import nn

from sparring.errors import InputError
from sparring.exporters import Options, Trained, onnx_file
from sparring.networks import ModuleGenerator
from sparring.networks.latents import Code, Normal
from sparring.recipe import Recipe
from sparring.runs.generator import SavedGenerator
from tiny import SETTINGS, miniature
from untrained import untrained

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")


@cache
def small(name: str) -> Recipe:
    return miniature(name, Path(mkdtemp()))


@cache
def graph(network: str) -> tuple[Trained, bytes]:
    """Of recipes with the same network one export."""
    trained = untrained(next(small(name) for name in SETTINGS if repr(key(name)) == network))
    return trained, onnx_file.to_onnx(trained).SerializeToString()


def key(name: str) -> tuple[object, ...]:
    recipe = small(name)
    return recipe.generator, recipe.z, type(recipe.data)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_recipes_generator_draws_what_it_drew(name):
    trained, data = graph(repr(key(name)))
    draw = onnx_file.session(data)
    for num in (1, 2, 17):
        z = trained.generator.z(num, seed=num)
        torch.testing.assert_close(draw(z), trained.generator.draw(z), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_recipes_graph_is_plain(name):
    model = onnx.load_from_string(graph(repr(key(name)))[1])
    onnx.checker.check_model(model, full_check=True)
    operators = {node.op_type for node in model.graph.node}
    assert "Col2Im" not in operators  # of `fold`; browsers' GPUs lack it
    assert {node.domain for node in model.graph.node} == {""}
    assert [(each.domain, each.version) for each in model.opset_import] == [("", onnx_file.OPSET)]
    assert not any(weight.HasField("data_location") and weight.data_location for weight in model.graph.initializer)
    for node in model.graph.node:
        modes = [attribute.i for attribute in node.attribute if attribute.name == "training_mode"]
        assert not any(modes), "batch norm takes its running statistics"
    assert str(Path(onnx_file.__file__).parents[1]).encode() not in model.SerializeToString()


def test_the_graph_names_its_input_and_output():
    model = onnx.load_from_string(graph(repr(key("cgan")))[1])
    shapes = {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {"z": ["batch", 74], "samples": ["batch", 1, 28, 28]}


def test_classes_are_columns_of_z():
    trained, data = graph(repr(key("cgan")))
    assert isinstance(trained.generator.noise, Code)
    z = trained.generator.noise.with_class(trained.generator.z(3, seed=0), 7)
    torch.testing.assert_close(onnx_file.session(data)(z), trained.generator.draw(z), rtol=0, atol=1e-5)


def test_half_precision_is_that_of_the_weights_alone():
    trained = untrained(small("flash"))
    whole, _ = onnx_file.onnx_bytes(trained, Options("onnx"))
    data, parity = onnx_file.onnx_bytes(trained, Options("onnx", "float16"))
    assert parity.levels is not None
    assert 0 < parity.difference < 5e-3
    assert parity.levels <= 2
    assert len(data) < 0.75 * len(whole)
    model = onnx.load_from_string(data)
    types = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
    assert types == {onnx.TensorProto.FLOAT}
    matrices = {weight.data_type for weight in model.graph.initializer if len(weight.dims) > 1}
    assert matrices == {onnx.TensorProto.FLOAT16}


def test_the_same_generator_gives_the_same_bytes():
    trained, data = graph(repr(key("ring")))
    assert onnx_file.to_onnx(trained).SerializeToString() == data


def test_the_file_says_what_is_in_it():
    data, parity = onnx_file.onnx_bytes(replace(untrained(small("infogan")), name="infogan, seed 3"), Options("onnx"))
    said = {each.key: each.value for each in onnx.load_from_string(data).metadata_props}
    assert said["name"] == "infogan, seed 3"
    assert said["recipe"] == "infogan"
    z, samples = json.loads(said["z"]), json.loads(said["samples"])
    assert z["shape"] == ["batch", 74]
    assert [(each["from"], each["to"], each["distribution"]) for each in z["columns"]] == [
        (0, 62, "normal, mean 0, deviation 1"),
        (62, 72, "one-hot class"),
        (72, 74, "uniform on [-1, 1]"),
    ]
    assert samples["shape"] == ["batch", 1, 28, 28]
    assert samples["range"] == [-1, 1]
    assert -1 <= samples["least"] < samples["greatest"] <= 1
    assert json.loads(said["parity"])["difference"] == parity.difference


def test_a_generator_in_training_mode_is_not_exported():
    trained = Trained.of(untrained(small("flash")).generator)
    trained.generator.network.train()
    with pytest.raises(AssertionError, match="batch norm"):
        onnx_file.to_onnx(trained)


class Branching(nn.Module):
    """What is computed depends on values."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, z):
        return self.linear(z) if z.sum() > 0 else -self.linear(z)


def test_a_network_that_onnx_cannot_express_is_named():
    network = Branching()
    trained = Trained.of(SavedGenerator(ModuleGenerator.of(network), Normal(4), (2,), network))
    with pytest.raises(InputError, match="ONNX cannot express the network of a generator: Could not guard"):
        onnx_file.to_onnx(trained)


def test_a_file_for_a_later_runtime_is_refused():
    model = onnx.load_from_string(graph(repr(key("ring")))[1])
    model.opset_import[0].version = 999
    with pytest.raises(InputError, match=r"onnxruntime \S+ cannot run the file"):
        onnx_file.session(model.SerializeToString())
