"""Generators on the Hugging Face Hub: their names, and how they are fetched.

Only settings and weights are fetched, as data: no code of a repository is run, and nothing is unpickled.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sparring.errors import InputError, MachineError, naming
from sparring.runs.generator import CONFIG, WEIGHTS, SavedGenerator, Settings
from sparring.storage import checksums, strict_json

PREFIX = "hf://"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_REVISION = re.compile(r"\w[\w./-]*", re.ASCII)


@dataclass(frozen=True)
class HubName:
    """A repository, "user/name", and the branch, tag or commit that is meant; None: its main branch."""

    repo: str
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> "HubName":
        """The name in `hf://user/name` or `hf://user/name@revision`, or in the same without `hf://`; InputError for others."""
        repo, at, revision = text.removeprefix(PREFIX).partition("@")
        good = _REPO.fullmatch(repo) and (not at or _REVISION.fullmatch(revision)) and ".." not in text and "--" not in repo
        if not good:
            raise InputError(
                f"{strict_json.one_line(text)!r} is no name on the Hub; write hf://user/name or hf://user/name@revision"
            )
        return cls(repo, revision or None)

    @classmethod
    def matches(cls, text: str) -> bool:
        """Whether a text without `hf://` could be a name on the Hub."""
        return _REPO.fullmatch(text.partition("@")[0]) is not None

    def __str__(self) -> str:
        return PREFIX + self.repo + (f"@{self.revision}" if self.revision else "")


def is_name(place: Any) -> bool:
    """Whether this names a repository on the Hub: it begins with `hf://`."""
    return isinstance(place, str) and place.startswith(PREFIX)


def open_generator(name: HubName) -> SavedGenerator:
    """The generator in a repository, from the Hub or from Hugging Face's cache; its `origin` names the commit.

    Of a repository whose settings are none of ours the weights are not fetched. Raises InputError where there is no such
    repository, or it holds no generator, or is damaged; MachineError where the Hub cannot be reached.
    """
    folder = _fetch(name, CONFIG, checksums.NAME)
    found = HubName(name.repo, folder.name)
    try:
        with naming(str(found)):
            _require(folder, CONFIG, "it holds no generator of Sparring")
            Settings.read(folder)
            folder = _fetch(found, WEIGHTS)
            _require(folder, WEIGHTS, "the weights of a generator are missing")
            generator = SavedGenerator.open(folder)
    except checksums.DamagedError:
        raise InputError(
            f"the files of {found} do not have the checksums in its {checksums.NAME}: take another revision, or, if only the "
            f"copy on this machine was damaged, remove {folder.parents[1]}, and it will be fetched anew"
        ) from None
    generator.origin = str(found)
    return generator


def _require(folder: Path, name: str, otherwise: str) -> None:
    if not (folder / name).is_file():
        raise InputError(f"there is no {name}: {otherwise}")


def _fetch(name: HubName, *files: str) -> Path:
    """The folder, named by the commit, with those of these files that the repository has."""
    hub = library()
    with answered(name), quietly():
        return Path(hub.snapshot_download(name.repo, revision=name.revision, allow_patterns=[*files]))


def library() -> ModuleType:
    """The package huggingface_hub; InputError where it is missing."""
    try:
        import huggingface_hub
    except ImportError:
        raise InputError('the Hugging Face Hub needs a package that is missing; pip install "sparring[export]"') from None
    return huggingface_hub


@contextmanager
def quietly() -> Iterator[None]:
    """Context manager in which huggingface_hub logs no warnings and shows no progress bars, which would break our own."""
    from huggingface_hub import utils

    level, hidden = utils.logging.get_verbosity(), utils.are_progress_bars_disabled()
    utils.logging.set_verbosity_error()
    utils.disable_progress_bars()
    try:
        yield
    finally:
        utils.logging.set_verbosity(level)
        if not hidden:
            utils.enable_progress_bars()


@contextmanager
def answered(name: HubName) -> Iterator[None]:
    """Context manager around calls to the Hub: InputError where it refuses, MachineError where it cannot be reached."""
    from huggingface_hub import errors

    log_in = "log in with `hf auth login`"
    transport: Any = errors.HfHubHTTPError.__bases__  # of the HTTP client that this version of the package uses
    try:
        yield
    except errors.GatedRepoError:
        raise InputError(f"{name} is open only to those whom its owner lets in; ask on its page, and {log_in}") from None
    except errors.RepositoryNotFoundError:
        raise InputError(f"there is no {PREFIX}{name.repo} that you may use; check the name, or {log_in}") from None
    except errors.RevisionNotFoundError:
        raise InputError(f"{PREFIX}{name.repo} has no revision {name.revision}; name a branch, a tag or a commit") from None
    except errors.HFValidationError as error:
        raise InputError(f"{name} is no name on the Hub: {strict_json.one_line(str(error))}") from None
    except (*transport, OSError, ValueError) as error:  # ValueError for an answer that is none of the Hub's
        cause = error.__cause__ or error
        status = getattr(getattr(cause, "response", None), "status_code", 0)
        if status in (401, 403):
            raise InputError(f"the Hub does not let you use {name}; {log_in}, with a token that may") from None
        if status in range(400, 500) and status not in (408, 429):  # which ask for another try
            raise InputError(f"the Hub refuses this for {name}: {strict_json.one_line(str(error))}") from None
        reason = strict_json.one_line(str(cause)).rstrip(".") or type(cause).__name__
        if getattr(cause, "errno", None):  # of the disk; those of the network come wrapped
            raise MachineError(f"cannot keep {name} on the disk: {reason}") from None
        raise MachineError(f"cannot reach {name}: {reason}; check the network") from None
