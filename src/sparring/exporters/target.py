"""What every target takes and gives: options, and the export that was written."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from sparring.errors import InputError
from sparring.exporters.parity import Parity
from sparring.exporters.trained import Trained
from sparring.storage import strict_json

_LICENCE = re.compile(r"[a-z0-9][a-z0-9.+-]*")
LARGEST_BATCH = 1 << 20  # a bound that earlier versions of torch.export need
DType = Literal["float32", "float16"]
Step = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Options:
    """How to export: the target's name, the type of the weights, and what to do where parity is missed.

    push: the name under which a Hugging Face folder is uploaded. licence: of that or of a Space, as the Hub names it;
    InputError for a text that is no such name. step: shows the progress of (label, done, total).
    """

    to: str
    dtype: DType = "float32"
    allow_inexact: bool = False
    push: str | None = None
    licence: str | None = None
    step: Step = lambda *_: None

    def __post_init__(self) -> None:
        if self.licence is not None and not _LICENCE.fullmatch(self.licence):
            names = "mit, apache-2.0, cc-by-4.0, ..., or other"
            raise InputError(
                f"the licence is {strict_json.one_line(self.licence)!r}; name it as the Hugging Face Hub does: {names}"
            )


@dataclass(frozen=True)
class Exported:
    """An export: its target, its file or folder with the size in bytes, and the measured parity with the original.

    pushed: where it was uploaded, hf://user/name@commit.
    """

    to: str
    path: Path
    num_bytes: int
    parity: Parity
    pushed: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The JSON value of `sparring export --json`."""
        found = {"to": self.to, "path": str(self.path), "bytes": self.num_bytes, "parity": asdict(self.parity)}
        return found | ({"pushed": self.pushed} if self.pushed else {})


class Write(Protocol):
    """A target's function: it writes the generator to `out`, which does not exist, as a whole or not at all.

    Raises InexactError where parity is missed and `options.allow_inexact` is not set.
    """

    def __call__(self, trained: Trained, out: Path, options: Options) -> Exported: ...


@contextmanager
def needing_extra(what: str) -> Iterator[None]:
    """Context manager around imports of the extra `export`; InputError where one of its packages is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        missing = error.name or "a package"
        raise InputError(f'{what} needs {missing}, which is missing; pip install "sparring[export]"') from None
