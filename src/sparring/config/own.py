"""Parts that stand for an object of the user's: JSON holds what it is called and its fingerprint, not the object."""

import ast
import inspect
import re
from collections.abc import Iterable
from hashlib import sha256
from textwrap import dedent
from types import CodeType
from typing import Any, ClassVar, Self

from sparring.errors import InputError


class Own:
    """Base of such parts, frozen dataclasses whose fields describe the object; two with the same fields are the same.

    `held` is the object, None where the part was read from a file. `argument`: the one that takes the object.
    """

    argument: ClassVar[str]
    held: ClassVar[Any] = None

    def holding(self, value: Any) -> Self:
        """This part, with its object; for the function that makes the part."""
        object.__setattr__(self, "held", value)
        return self

    def require(self) -> Any:
        """The object; InputError, which says what to pass, where it is not here."""
        if self.held is None:
            name = self.argument
            raise InputError(
                f"the {name} {self} was a program's own, of which a run keeps the fingerprint alone; "
                f"pass it in Python: sparring.load(RUN, {name}=...)"
            )
        return self.held


def fingerprint(texts: Iterable[str]) -> str:
    """SHA-256, in hex, of some texts; addresses of objects in them, which change from process to process, do not count."""
    digest = sha256()
    for text in texts:
        digest.update(re.sub(r" at 0x[0-9a-fA-F]+", "", text).encode() + b"\0")
    return digest.hexdigest()


def of_function(function: Any) -> str:
    """The fingerprint of a function by its source, comments and line breaks aside; by its bytecode where there is no source.

    Values that the function takes from around it do not count. Of another callable it is its class and its repr.
    """
    code = getattr(function, "__code__", None)
    if code is None:
        return fingerprint([type(function).__module__, type(function).__qualname__, repr(function)])
    try:
        if function.__name__ != "<lambda>":  # whose line may hold more than itself
            return fingerprint([ast.dump(ast.parse(dedent(inspect.getsource(function))))])
    except (OSError, TypeError, SyntaxError):
        pass
    return fingerprint(_of_code(code))


def _of_code(code: CodeType) -> Iterable[str]:
    yield from (code.co_code.hex(), repr(code.co_names))
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _of_code(constant)
        else:  # a set has another order in another process
            yield repr(sorted(map(repr, constant))) if isinstance(constant, frozenset) else repr(constant)
