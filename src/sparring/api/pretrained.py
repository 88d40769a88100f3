"""Trained generators by their names."""

from pathlib import Path

from sparring.api import arguments, hub
from sparring.api.load import load_generator
from sparring.errors import InputError, SparringError
from sparring.runs.generator import SavedGenerator


def from_pretrained(name: str | Path, *, revision: str | None = None) -> SavedGenerator:
    """A trained generator in inference mode, a module z [N, num_z] -> images [N, C, H, W] in [-1, 1], with `sample(num, seed)`.

    name: the folder of a generator or a run, a checkpoint's file, "latest", or "user/name" on the Hugging Face Hub, also as
        "hf://user/name@revision". What exists on this machine comes first. Fetching needs the extra `export`.
    revision: a branch, a tag or a commit on the Hub, by default its main branch; the generator's `origin` has the commit.

    Only settings and weights are fetched: no code of a repository is run, and nothing is unpickled. Raises InputError where
    there is no such generator, or it is damaged or of another kind, and MachineError where the Hub cannot be reached.
    """
    revision = arguments.text("revision", revision)
    if not isinstance(name, str) or not (hub.is_name(name) or hub.HubName.matches(name)) or Path(name).exists():
        if revision is not None:
            raise InputError(f"{name} is no name on the Hub, and there are no revisions but there; leave revision out")
        return load_generator(name)
    asked = hub.HubName.parse(name)
    if revision is not None:
        if asked.revision is not None:
            raise InputError(f"{name} names a revision already; leave revision out")
        asked = hub.HubName.parse(f"{asked}@{revision}")
    try:
        return hub.open_generator(asked)
    except SparringError as error:
        if hub.is_name(name):
            raise
        raise type(error)(f"there is no {name} on this machine; on the Hub: {error}") from None
