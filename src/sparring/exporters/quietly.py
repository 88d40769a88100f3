"""PyTorch's exporters without their remarks, and with their errors in one sentence."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from sparring.errors import InputError
from sparring.storage import strict_json

LOUD = ("torch.onnx", "torch.export")


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """Context manager around an export of a network; InputError, "`what`: reason", where PyTorch cannot make it."""
    logs = [logging.getLogger(name) for name in LOUD]
    levels = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        reason = strict_json.one_line(str(error).strip().partition("\n")[0])
        raise InputError(f"{what}: {reason}") from None
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)
