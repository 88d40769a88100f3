"""Trained generators by their names."""

from pathlib import Path

from sparring.api import hub
from sparring.api.load import load_generator
from sparring.errors import InputError
from sparring.runs.generator import SavedGenerator


def from_pretrained(name: str | Path, *, revision: str | None = None) -> SavedGenerator:
    """A trained generator in inference mode, a module z [N, num_z] -> images [N, C, H, W] in [-1, 1], with `sample(num, seed)`.

    name: the folder of a generator or a run, a checkpoint's file, "latest", or "user/name" on the Hugging Face Hub, also as
        "hf://user/name@revision". What exists on this machine comes first. Fetching needs the extra `export`.
    revision: a branch, a tag or a commit on the Hub, by default its main branch; the generator's `origin` has the commit.

    Only settings and weights are fetched: no code of a repository is run, and nothing is unpickled. Raises InputError where
    there is no such generator, or it is damaged or of another kind, and MachineError where the Hub cannot be reached.
    """
    text = str(name)
    on_hub = hub.is_name(text) or (isinstance(name, str) and not Path(name).exists() and hub.HubName.matches(name))
    if not on_hub:
        if revision is not None:
            raise InputError(f"{text} is on this machine, where there are no revisions; leave revision out")
        return load_generator(name)
    asked = hub.HubName.parse(text)
    if revision is not None and asked.revision is not None:
        raise InputError(f"{text} names a revision already; leave revision out")
    return hub.open_generator(asked if revision is None else hub.HubName.parse(f"{asked}@{revision}"))
