"""Errors that end a command; each carries the exit status of the command line."""

from collections.abc import Iterator
from contextlib import contextmanager


class SparringError(Exception):
    """Base class of errors whose message is one sentence for the user: what happened, where, and what to do.

    `told`: when several processes fail together, True if another process reports the error. None for a single process, or
    as long as the reporting process is not decided.
    """

    exit_status = 1
    told: bool | None = None


class InputError(SparringError, ValueError):
    """Unusable input from the user: a name, a value, a file."""

    exit_status = 2


class NonFiniteError(SparringError, ArithmeticError):
    """Training stopped because a loss, gradient, weight or sample became infinite or not a number."""

    exit_status = 3


class MachineError(SparringError, OSError):
    """A failure of the machine, such as a full disk or too little memory."""

    exit_status = 4


def check(good: bool, name: str, value: object, rule: str) -> None:
    """Raise InputError unless `good`: "{name} is {value}; it must {rule}"."""
    if not good:
        raise InputError(f"{name} is {value}; it must {rule}")


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Context manager that prefixes `where` to any InputError whose message does not contain it."""
    try:
        yield
    except InputError as error:
        if where in str(error):
            raise
        raise type(error)(f"{where}: {error}") from None
