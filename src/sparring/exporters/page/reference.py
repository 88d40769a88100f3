"""A program's forward pass in PyTorch: what `forward.js` computes, with the same rounded weights."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from sparring.exporters.page.program import Op, Program

TENSORS = ("weight", "bias", "scale", "shift", "map", "rows", "columns")


def run(program: Program, z: Tensor, moved: tuple[int, Tensor] | None = None) -> Tensor:
    """Images [B, *shape] of z [B, num_z]; as `registers`."""
    return registers(program, z, moved)[-1]


@torch.no_grad()
def registers(program: Program, z: Tensor, moved: tuple[int, Tensor] | None = None) -> list[Tensor]:
    """The values of all registers, each [B, ...], from z [B, num_z] on.

    moved: a register and what is added to its values as soon as they are known, [B, D] or [D].
    """
    at, shift = moved or (-1, torch.zeros(()))
    found = [z + shift if at == 0 else z]
    for op in program.ops:
        value = _compute(program, op, [found[i] for i in op["from"]])
        found.append(value + shift if at == len(found) else value)
    return found


def _compute(program: Program, op: Op, inputs: list[Tensor]) -> Tensor:
    own: dict[str, Any] = {name: program.weights.get(op[name]) for name in TENSORS if name in op}
    x, bias = inputs[0], own.get("bias")
    match op["op"]:
        case "linear":
            return functional.linear(x, own["weight"], bias)
        case "conv":
            return functional.conv2d(x, own["weight"], bias, padding=op["padding"], groups=op["groups"])
        case "conv_transposed":
            whole = functional.conv_transpose2d(x, own["weight"].movedim(-1, 0), bias, op["stride"], op["padding"])
            return whole[:, :, : op["shape"][1], : op["shape"][2]]
        case "affine":
            per_channel = [-1, *[1] * (x.ndim - 2)]
            return x * own["scale"].view(per_channel) + own["shift"].view(per_channel)
        case "map":
            return x[:, :, None, None] * own["map"]
        case "nearest":
            return functional.interpolate(x, scale_factor=op["times"])
        case "resample":
            return own["rows"].T @ x @ own["columns"]
        case "add":
            return x + inputs[1]
        case "reshape":
            return x.unflatten(1, op["shape"])
        case "leaky_relu":
            return functional.leaky_relu(x, op["slope"])
        case name:  # relu, tanh, sigmoid
            return getattr(torch, name)(x)
