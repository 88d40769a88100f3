"""A generator as the folder that the Hugging Face Hub expects, and its upload."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from sparring.api.hub import HubName, answered, library, quietly
from sparring.config import codec
from sparring.config.own import Own
from sparring.data import Data, PointSet
from sparring.errors import InputError, SparringError
from sparring.evaluation import Score
from sparring.exporters.onnx_file import onnx_bytes
from sparring.exporters.parity import Parity
from sparring.exporters.target import Exported, Options
from sparring.exporters.trained import Trained
from sparring.runs.model_card import ModelCard
from sparring.runs.samples import are_pictures, write_drawn
from sparring.storage import checksums
from sparring.storage.files import new_folder
from sparring.visual import scatter

ONNX, PICTURE = "onnx/model.onnx", "samples.png"
COLUMNS, MOST_ROWS = 8, 20  # of the picture: 8 rows, or one for each class of 20 at most
POINTS = 2000


def write(trained: Trained, out: Path, options: Options) -> Exported:
    """Write the folder `out`: config.json, model.safetensors, onnx/model.onnx, a model card, and a picture of samples.

    With `options.push` it is uploaded, too. Raises InputError for a name or a licence that cannot be, and for a network that
    nobody else has; MachineError where the Hub cannot be reached, with the folder complete.
    """
    name = _checked(trained, options)
    data, parity = onnx_bytes(trained, options)
    with new_folder(out) as folder:
        checksums.write(folder, ONNX, data)
        card = _card(trained, name, options.licence or trained.licence, parity, write_picture(folder, trained))
        trained.generator.write(folder, str(card))
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    return Exported(options.to, out, size, parity, push(out, name) if name else None)


def _checked(trained: Trained, options: Options) -> HubName | None:
    """The name to upload to, if any; InputError for what cannot be written or uploaded."""
    if not type(trained.generator.config).__module__.startswith("sparring.networks.") or isinstance(
        trained.generator.config, Own
    ):
        raise InputError(
            f"the network of {trained.name} is your own, and nobody could open the folder; export it with --to onnx"
        )
    if options.push is None:
        return None
    name = HubName.parse(options.push)
    if name.revision is not None:
        raise InputError(f"an upload goes to the main branch; write --push {name.repo} (in Python: push=), without a revision")
    if options.licence is None and trained.licence is None:
        raise InputError(
            "what others download needs a licence; name yours with --license mit, for instance (in Python: license=)"
        )
    library()
    return name


def _card(trained: Trained, name: HubName | None, licence: str | None, parity: Parity, picture: str | None) -> ModelCard:
    generator, facts = trained.generator, trained.facts
    scores = tuple(codec.decode(Score, score, "scores") for score in facts.get("scores", ()))
    card = ModelCard(
        trained.name, generator.noise, generator.shape, generator.classes, facts if "recipe" in facts else {}, scores
    )
    place = {"place": name.repo} if name else {}
    return replace(card, picture=picture, onnx=(ONNX, str(parity)), license=licence, **place)


def write_picture(folder: Path, trained: Trained) -> str | None:
    """Write a picture of samples, if they can be drawn; returns its name."""
    generator = trained.generator
    if are_pictures(generator.shape):
        rows = 0 < generator.num_classes <= MOST_ROWS
        z = generator.z_by_class(COLUMNS, seed=0) if rows else generator.z_in_blocks(COLUMNS**2, seed=0)
        write_drawn(folder / PICTURE, generator, z, COLUMNS)
    elif generator.shape in ((1,), (2,)) and (real := _real_points(trained.data)) is not None:
        png = scatter(real, generator.draw(generator.z_in_blocks(POINTS, seed=0)))
        checksums.write(folder, PICTURE, png)
    else:
        return None
    return PICTURE


def _real_points(data: Data | None) -> Tensor | None:
    """Test points of the data that a generator was trained on, if they are on this machine."""
    with suppress(InputError):  # points of the user's own are not
        test = data.test() if data is not None and data.is_cached() else None
        return test.points[:POINTS] if isinstance(test, PointSet) else None
    return None


def push(folder: Path, name: HubName) -> str:
    """Upload a folder; returns hf://user/name@commit.

    Raises InputError where the Hub refuses it, and MachineError where it cannot be reached.
    """
    hub = library().HfApi()
    try:
        with answered(name), quietly():
            hub.create_repo(name.repo, exist_ok=True)
            done = hub.upload_folder(repo_id=name.repo, folder_path=folder, commit_message="A generator by Sparring")
    except SparringError as error:
        again = f"the folder {folder} is complete: `hf upload {name.repo} {folder}` sends it later"
        raise type(error)(f"{error}; {again}") from None
    return str(HubName(name.repo, done.oid))
