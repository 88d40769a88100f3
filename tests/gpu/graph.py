"""An emulated CUDA graph for the pretended GPU: operations are recorded with their memory, and replayed on it.

As on CUDA, recording computes nothing; numbers are recorded as they are; and waiting, copying from the CPU or drawing from a
generator of one's own is refused.
"""

from collections.abc import Callable
from typing import Any

import torch
from pretended import Gpu, OnGPU, plain_of, values_of
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_flatten, tree_unflatten


class GraphGpu(Gpu):
    """The pretended GPU, which can record."""

    def __init__(self) -> None:
        super().__init__()
        self._tape: list[tuple] | None = None
        self._born: dict[int, torch.Tensor] = {}  # memory of recorded results, kept alive
        self._before: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}  # memory that recording changes, and what it held

    def note(self, kind: str, name: str) -> None:
        if self._tape is not None:
            raise RuntimeError(f"while a graph is recorded: {kind}, {name}")
        super().note(kind, name)

    def record(self, compute: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """The results of a computation, and a function that computes them anew in the same memory."""
        self._tape, self._born, self._before = [], {}, {}
        state = torch.default_generator.get_state()
        try:
            results = compute()
        finally:
            tape, self._tape = self._tape, None
            for memory, held in self._before.values():
                memory.copy_(held)
            torch.default_generator.set_state(state)
        return results, lambda: _replay(tape)

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self._tape is None:
            return super().__torch_dispatch__(operation, types, args, kwargs)
        flat, spec = tree_flatten((args, dict(kwargs or {})))
        if any(isinstance(each, torch.Generator) for each in flat):
            raise RuntimeError(f"while a graph is recorded: {operation} draws from a generator that is not the graph's")
        changes = operation._schema.is_mutable
        if changes or "batch_norm" in str(operation):  # whose running statistics change without a word in the schema
            self._keep([each for each in flat if isinstance(each, OnGPU)])
        found = super().__torch_dispatch__(operation, types, args, kwargs)
        results = [values_of(each) for each in tree_flatten(found)[0] if isinstance(each, torch.Tensor)]
        given = {_memory(values_of(each)) for each in flat if isinstance(each, torch.Tensor)}
        for result in results:
            if _memory(result) not in given:
                self._born[_memory(result)] = result
        plain = [plain_of(each) for each in flat]
        self._tape.append((operation, plain, spec, results, changes, [_memory(result) in given for result in results]))
        return found

    def _keep(self, tensors: list[OnGPU]) -> None:
        for tensor in tensors:
            memory = _memory(tensor.cpu_values)
            if memory not in self._born and memory not in self._before:
                whole = torch.empty(0, dtype=tensor.dtype).set_(tensor.cpu_values.untyped_storage())
                self._before[memory] = whole, whole.clone()


def _memory(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _replay(tape: list[tuple]) -> None:
    with _disable_current_modes(), torch.no_grad():
        for operation, flat, spec, results, changes, are_views in tape:
            args, kwargs = tree_unflatten(flat, spec)
            if changes:
                operation(*args, **kwargs)
            elif not (results and all(are_views)):
                found = [each for each in tree_flatten(operation(*args, **kwargs))[0] if isinstance(each, torch.Tensor)]
                for room, value, is_view in zip(results, found, are_views, strict=True):
                    if not is_view and "empty" not in str(operation):
                        room.copy_(value)
