"""The worker's tasks for the page that explores a generator; arrays come and go as text in base 64.

A search for z goes on for a moment whenever the page asks for more of it: other requests come in between, and a page that asks
no more has cancelled it. One thread computes, so that trainings keep the other cores.
"""

import secrets
import time
from base64 import b64decode
from binascii import Error as BadBase64
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sparring.api.invert import Subject as Inverted
from sparring.errors import InputError
from sparring.inversion import Found, Search
from sparring.runs.samples import are_pictures
from sparring.visual import to_uint8
from sparring.web import judging
from sparring.web.subject import Subject, base64, opened

MOST_SEARCHES = 4  # that are not finished
SLICE = 0.15  # seconds of a search at a time
HOW = Search()
MOST = 1024  # z at a time


@dataclass
class _Wanted:
    """A picture, uint8 [1, C, H, W], whose z is searched for, and how far that has come."""

    subject: Subject
    target: Tensor
    steps: Iterator[Found]
    step: int = -1


@dataclass
class Explorer:
    """Answers by task; holds the searches that are not finished."""

    searches: dict[str, _Wanted] = field(default_factory=dict)

    def do(self, task: str, **request: Any) -> dict[str, Any]:
        """One task; InputError for a request that no page of ours sends."""
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            return getattr(self, task)(**request)
        finally:
            torch.set_num_threads(threads)

    def generator(self, path: str, raw: bool) -> dict[str, Any]:
        return opened(path, raw).described()

    def latents(self, path: str, raw: bool, num: int, seed: int, class_: int | None) -> dict[str, Any]:
        """The z of `sparring sample --num --seed --class`."""
        return {"z": base64(opened(path, raw).generator.z_in_blocks(num, seed, class_).numpy().tobytes())}

    @torch.no_grad()
    def draw(self, path: str, raw: bool, z: str) -> dict[str, Any]:
        """Pixels [N, C, H, W] or points [N, D] of z, for a network that the page does not know."""
        generator = opened(path, raw).generator
        drawn = generator(_latents(generator.noise.num, z))
        if are_pictures(generator.shape):
            return {"pixels": _pixels(drawn)}
        return {"points": base64(drawn.numpy().tobytes())}

    def judge(self, path: str, raw: bool, pixels: str, class_: int | None) -> dict[str, Any]:
        subject = opened(path, raw)
        num = subject.generator.num_classes
        if class_ is not None and class_ >= num:
            raise InputError(f"there is no class {class_}; the generator has {num}")
        return judging.verdict(subject, _floats(_picture(subject, pixels)), class_)

    def spread(self, path: str, raw: bool) -> dict[str, Any]:
        return judging.distributions(opened(path, raw))

    def nearest(self, path: str, raw: bool, pixels: str) -> dict[str, Any]:
        subject = opened(path, raw)
        found = judging.nearest(subject, _floats(_picture(subject, pixels)))
        return found and found | {"images": _pixels(found["images"])}

    def invert(self, path: str, raw: bool, pixels: str) -> dict[str, Any]:
        """Begin a search, as `sparring invert` does it, for one picture; `go_on` makes it."""
        subject = opened(path, raw)
        target = _picture(subject, pixels)
        steps = Inverted(subject.generator, subject.extractor, HOW, seed=0).steps(target)
        while len(self.searches) >= MOST_SEARCHES:
            del self.searches[next(iter(self.searches))]
        name = secrets.token_hex(6)
        self.searches[name] = _Wanted(subject, target, steps)
        return {"search": name}

    def go_on(self, search: str) -> dict[str, Any]:
        """Search for a moment: `step` of `steps`, the best `z` with its `pixels`, and the `error` (RMS, grey levels)."""
        wanted = self.searches.get(search)
        if wanted is None:
            raise InputError("this search is over; begin another")
        until = time.monotonic() + SLICE
        while True:
            found = next(wanted.steps)
            wanted.step += 1
            if wanted.step == HOW.steps or time.monotonic() > until:
                break
        if wanted.step == HOW.steps:
            del self.searches[search]
        with torch.no_grad():
            drawn = to_uint8(wanted.subject.generator(found.z))
        error = (drawn.float() - wanted.target.float()).square().mean().sqrt().item()
        place = {"step": wanted.step, "steps": HOW.steps, "error": error}
        return place | {"z": base64(found.z.numpy().tobytes()), "pixels": base64(drawn.numpy().tobytes())}

    def arrays(self, path: str, raw: bool, z: str) -> dict[str, Any]:
        """An .npz that `sparring sample --z` takes."""
        stream = BytesIO()
        np.savez(stream, z=_latents(opened(path, raw).generator.noise.num, z).numpy())
        return {"npz": base64(stream.getvalue())}


def _latents(width: int, text: str) -> Tensor:
    """z [N, width] from float32 in base 64."""
    data = _decoded(text)
    if not data or len(data) % (4 * width) or len(data) > 4 * width * MOST:
        raise InputError(f"z has {len(data):,} bytes; it must be 1 to {MOST:,} times {width} float32")
    z = torch.frombuffer(bytearray(data), dtype=torch.float32).reshape(-1, width)
    if not z.isfinite().all():
        raise InputError("z holds values that are not finite")
    return z


def _picture(subject: Subject, text: str) -> Tensor:
    """A picture, uint8 [1, C, H, W], from its bytes in base 64."""
    shape, data = subject.generator.shape, _decoded(text)
    if not are_pictures(shape):
        raise InputError("this generator draws no pictures")
    if len(data) != prod(shape):
        raise InputError(f"the picture has {len(data):,} bytes; it must have {prod(shape):,}")
    return torch.frombuffer(bytearray(data), dtype=torch.uint8).reshape(1, *shape)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (BadBase64, ValueError):
        raise InputError("the request holds no base 64") from None


def _floats(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1


def _pixels(images: Tensor) -> str:
    return base64(to_uint8(images).contiguous().numpy().tobytes())
