"""The ways in which a command ends early; each carries the exit status that the command line reports."""

from collections.abc import Iterator
from contextlib import contextmanager


class SparringError(Exception):
    """Base of the errors that are told to people in one sentence: what, where, what to do.

    `told`: of several processes that fail together, whether another one tells it; None where there is but one, or who tells is
    not settled.
    """

    exit_status = 1
    told: bool | None = None


class InputError(SparringError, ValueError):
    """What the user gave cannot be used: a name, a value, a file."""

    exit_status = 2


class NonFiniteError(SparringError, ArithmeticError):
    """A loss, a gradient, a weight or a sample became infinite or not a number, and training stopped."""

    exit_status = 3


class MachineError(SparringError, OSError):
    """The machine failed: a full disk, no memory."""

    exit_status = 4


def check(good: bool, name: str, value: object, rule: str) -> None:
    """InputError, saying which setting has which value and what it must be, unless `good`."""
    if not good:
        raise InputError(f"{name} is {value}; it must {rule}")


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Within the block, an InputError that does not say where is given this place."""
    try:
        yield
    except InputError as error:
        if where in str(error):
            raise
        raise InputError(f"{where}: {error}") from None
