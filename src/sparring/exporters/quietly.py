"""PyTorch's exporters without their remarks, and with their errors in one sentence."""

import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import torch
from torch.torch_version import TorchVersion

from sparring.errors import InputError
from sparring.storage import strict_json

OLDEST = "2.7"
"""The first PyTorch that exports every network of the recipes; 2.6 fixes the number of rows, or lacks operators."""

_COLOURS = re.compile("\x1b\\[[0-9;]*m")


@contextmanager
def quietly(what: str) -> Iterator[None]:
    """Context manager around an export of a network; InputError, "`what`: reason", where PyTorch cannot make it.

    The exporters log, warn and print much that is about themselves, and nothing of it says what to do.
    """
    require_version(torch.__version__)
    disabled = logging.root.manager.disable
    try:
        logging.disable(logging.CRITICAL)
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        raise InputError(f"{what}: {_reason(error)}") from None
    finally:
        logging.disable(disabled)


def require_version(version: str) -> None:
    """InputError where this version of PyTorch is too old to export."""
    if TorchVersion(version) < OLDEST:
        raise InputError(
            f"exports need PyTorch {OLDEST} or newer, and this is {version}; update it: pip install --upgrade torch"
        )


def _reason(error: BaseException) -> str:
    """The first line of the error that began it."""
    while error.__cause__ is not None:
        error = error.__cause__
    return strict_json.one_line(_COLOURS.sub("", str(error)).strip().partition("\n")[0])
