"""A pretended GPU: its tensors are computed on the CPU, but what CUDA refuses is refused, and every copy and wait is noted.

The device is PyTorch's PrivateUse1 for backends in Python, which is registered for a whole process: import this module in a
process of its own. Refused are operations on tensors of both devices, CPU scalars but in pointwise operations, and generators
of the other device. Noted, with the line of Sparring that asked, are copies between the devices and operations that wait.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar, Self

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten
from torch.utils.backend_registration import _DummyBackendModule, _setup_privateuseone_for_python_backend

aten = torch.ops.aten

WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "bincount", "_unique2", "allclose"}
WAITING |= {"unique_consecutive", "linalg_eigh", "_linalg_eigh", "_linalg_svd"}
COPYING = {"_to_copy", "copy_", "_copy_from", "copy"}
POINTWISE = {"add", "sub", "mul", "div", "rsub", "pow", "where", "eq", "ne", "lt", "le", "gt", "ge", "minimum", "maximum"}
POINTWISE |= {"fill", "lerp"}
LIFTING = {"lift_fresh", "lift_fresh_copy", "lift"}
INDEXING = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index"}


class Stream:
    """A stream that does its copies as late as it may: when somebody waits for an event behind them."""

    all: ClassVar[list["Stream"]] = []

    def __init__(self) -> None:
        Stream.all.append(self)
        self.copies: list[tuple[torch.Tensor, Callable[[], object]]] = []  # with what they read
        self.num_done = self.num_known = 0  # the host knows of a copy once it has waited itself

    def copy(self, source: torch.Tensor, copy: Callable[[], object]) -> None:
        self.copies.append((source, copy))

    def wait_event(self, event: "Event") -> None:
        event.happen()

    @staticmethod
    def check_not_read(memory: torch.Tensor) -> None:
        """RuntimeError where the host writes to what a copy may still read."""
        read = [source.untyped_storage().data_ptr() for each in Stream.all for source, _ in each.copies[each.num_known :]]
        if memory.untyped_storage().data_ptr() in read:
            raise RuntimeError("the host writes to memory that a copy may still read")


class Event:
    """What a stream had to do when it was recorded."""

    def __init__(self) -> None:
        self._stream, self._num = Stream(), 0

    def record(self, stream: Stream) -> None:
        self._stream, self._num = stream, len(stream.copies)

    def happen(self) -> None:
        for _, copy in self._stream.copies[self._stream.num_done : self._num]:
            copy()
        self._stream.num_done = max(self._stream.num_done, self._num)

    def synchronize(self) -> None:
        self.happen()
        self._stream.num_known = max(self._stream.num_known, self._num)


class _Backend(_DummyBackendModule):
    """What `torch.cuda` offers and an engine asks for."""

    def __init__(self) -> None:
        super().__init__()
        self.Stream, self.Event = Stream, Event
        self.computing = self.chosen = Stream()

    def current_stream(self, device: Any = None) -> Stream:
        return self.chosen

    @contextmanager
    def stream(self, stream: Stream) -> Iterator[None]:
        self.chosen = stream
        try:
            yield
        finally:
            self.chosen = self.computing

    def manual_seed(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)

    def get_rng_state(self, device: Any = None) -> torch.Tensor:
        return torch.default_generator.get_state()

    def set_rng_state(self, state: torch.Tensor, device: Any = None) -> None:
        torch.default_generator.set_state(state)

    def synchronize(self, device: Any = None) -> None:
        pass


BACKEND = _Backend()
_setup_privateuseone_for_python_backend("gpu", backend_module=BACKEND)  # pyright: ignore[reportArgumentType]
GPU = torch.device("gpu", 0)
torch.__future__.set_overwrite_module_params_on_conversion(True)  # since these tensors are wrappers

_CPUGenerator = torch.Generator


class Generator(_CPUGenerator):
    """A CPU generator that says that it lives on the device that it was asked for."""

    claimed: ClassVar[dict[int, str]] = {}  # device by seed, since dispatch hands on another Python object
    _asked: torch.device

    def __new__(cls, device: Any = "cpu") -> "Generator":
        self = _CPUGenerator.__new__(cls, "cpu")  # pyright: ignore[reportCallIssue]
        self._asked = torch.device(device)
        return self

    def manual_seed(self, seed: int) -> "Generator":
        super().manual_seed(seed)
        Generator.claimed[seed] = self._asked.type
        return self

    @property
    def device(self) -> torch.device:  # pyright: ignore[reportIncompatibleVariableOverride]
        return GPU if self._asked.type == "gpu" else self._asked


torch.Generator = Generator


class OnGPU(torch.Tensor):
    """A tensor of the device, whose values are in `cpu_values`."""

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> "OnGPU":
        return torch.Tensor._make_wrapper_subclass(
            cls, values.size(), strides=values.stride(), storage_offset=values.storage_offset(), dtype=values.dtype, device=GPU
        )

    def __init__(self, values: torch.Tensor):
        self.cpu_values = values

    def __repr__(self, **_: Any) -> str:
        return f"OnGPU({self.cpu_values})"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        new = OnGPU(self.cpu_values.clone())
        new = torch.nn.Parameter(new, self.requires_grad) if isinstance(self, torch.nn.Parameter) else new
        memo[id(self)] = new
        return new

    def tolist(self) -> Any:
        Gpu.current.note("wait", "tolist")
        return self.cpu_values.tolist()

    def new_tensor(self, data: Any, **settings: Any) -> "OnGPU":  # pyright: ignore[reportIncompatibleMethodOverride]
        Gpu.current.note("copy to device", "new_tensor")
        return OnGPU(self.cpu_values.new_tensor(data, **settings))

    def numpy(self, **_: Any) -> Any:
        raise TypeError("can't convert gpu:0 device type tensor to numpy")

    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore[reportAssignmentType]

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return Gpu.current.__torch_dispatch__(operation, types, args, kwargs)


def values_of(found: Any) -> Any:
    """A tensor's values on the CPU; anything else as it is."""
    return found.cpu_values if isinstance(found, OnGPU) else found


def plain_of(argument: Any) -> Any:
    """An operation's argument as the CPU takes it."""
    return torch.device("cpu") if isinstance(argument, torch.device) and argument.type == "gpu" else values_of(argument)


def _site() -> str:
    """The line of Sparring that is being executed."""
    frame = sys._getframe(2)
    while frame:
        if "/sparring/" in frame.f_code.co_filename:
            return f"{frame.f_code.co_filename.split('/sparring/')[-1]}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "autograd"


class Gpu(TorchDispatchMode):
    """Within the block the device exists. `events`: how often it waited or copied, by (kind, operation, line)."""

    current: "Gpu"

    def __init__(self) -> None:
        super().__init__()
        self.events: Counter[tuple[str, str, str]] = Counter()

    def __enter__(self) -> Self:
        Gpu.current = self
        return super().__enter__()

    def note(self, kind: str, name: str) -> None:
        self.events[kind, name, _site()] += 1

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = operation.overloadpacket.__name__
        flat, spec = tree_flatten((args, kwargs))
        tensors = [each for each in flat if isinstance(each, torch.Tensor)]
        device = kwargs.get("device")
        made_here = device is not None and torch.device(device).type == "gpu"
        on_gpu = made_here or any(isinstance(tensor, OnGPU) for tensor in tensors)
        if name == "device":
            return GPU
        if name == "_efficientzerotensor":  # without values; PyTorch replaces it above this mode, so not in wrapped ones
            operation = torch.ops.aten.zeros.default
        self._check_generators(operation, flat, on_gpu)
        if isinstance(kwargs.get("out"), torch.Tensor):
            Stream.check_not_read(values_of(kwargs["out"]))
        plain = [plain_of(each) for each in flat]
        plain_args, plain_kwargs = tree_unflatten(plain, spec)
        if name in COPYING:
            return self._copy(operation, name, args, plain_args, plain_kwargs, made_here, device)
        if on_gpu and name in WAITING:
            self.note("wait", name)
        if name in INDEXING:
            self._check_indices(operation, name, args)
        elif on_gpu:
            self._check_devices(operation, name, tensors)
        found = operation(*plain_args, **plain_kwargs)
        if not on_gpu or (device is not None and not made_here):
            return found
        known = {id(tensor.cpu_values): tensor for tensor in tensors if isinstance(tensor, OnGPU)}
        return tree_map(lambda each: known.get(id(each), OnGPU(each)) if isinstance(each, torch.Tensor) else each, found)

    def _check_generators(self, operation: Any, flat: list[Any], on_gpu: bool) -> None:
        for rng in flat:
            if isinstance(rng, _CPUGenerator) and on_gpu != (Generator.claimed.get(rng.initial_seed()) == "gpu"):
                raise RuntimeError(f"{operation} on {'gpu' if on_gpu else 'cpu'} was given a generator of the other device")

    def _copy(
        self, operation: Any, name: str, args: Any, plain_args: Any, plain_kwargs: Any, made_here: bool, device: Any
    ) -> Any:
        if name == "copy_" and BACKEND.chosen is not BACKEND.computing:
            BACKEND.chosen.copy(plain_args[1], partial(operation, *plain_args, **plain_kwargs))
            found = plain_args[0]
        else:
            found = operation(*plain_args, **plain_kwargs)
        if name == "_to_copy":
            from_gpu = isinstance(args[0], OnGPU)
            to_gpu = made_here if device is not None else from_gpu
            waits = not plain_kwargs.get("non_blocking")
        else:
            to_gpu, from_gpu = isinstance(args[0], OnGPU), isinstance(args[1], OnGPU)
            waits = not (len(plain_args) > 2 and plain_args[2]) and args[1].ndim > 0
        if from_gpu != to_gpu:
            self.note("copy to device" if to_gpu else "copy from device", "waiting" if waits else "non-blocking")
        if name != "_to_copy":
            return args[0]
        return OnGPU(found.clone() if found is plain_args[0] else found) if to_gpu else found

    def _check_indices(self, operation: Any, name: str, args: Any) -> None:
        indices = [index for index in args[1] if index is not None]
        if not isinstance(args[0], OnGPU):
            if any(isinstance(index, OnGPU) for index in indices):
                raise RuntimeError(f"{operation}: indices on the GPU into a CPU tensor")
            return
        for index in indices:
            if not isinstance(index, OnGPU):
                self.note("copy to device", f"{name} by CPU indices")
            elif index.dtype in (torch.bool, torch.uint8):
                self.note("wait", f"{name} by a mask")
        if any(isinstance(value, torch.Tensor) and not isinstance(value, OnGPU) and value.ndim for value in args[2:3]):
            raise RuntimeError(f"{operation}: values on the CPU")

    def _check_devices(self, operation: Any, name: str, tensors: list[torch.Tensor]) -> None:
        if name in LIFTING or not any(isinstance(tensor, OnGPU) for tensor in tensors):
            return
        for tensor in tensors:
            if not isinstance(tensor, OnGPU) and (tensor.ndim > 0 or name.rstrip("_") not in POINTWISE):
                raise RuntimeError(
                    f"expected all tensors on the same device: {operation} with a CPU tensor {list(tensor.shape)}"
                )
