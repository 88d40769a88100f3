"""The checkpoints that a run may roll back to: the start, and those at the recipe's checkpoint interval.

Other checkpoints exist because a run was stopped. Rolling back to one of them would give another result than an
uninterrupted run.
"""

from pathlib import Path

from sparring.config.schedules import RoundInfo
from sparring.runs import checkpoint
from sparring.training.engine import Engine


def paths(folder: Path, engine: Engine) -> list[Path]:
    """The roll-back points in a folder of checkpoints, newest first."""
    return [path for path in checkpoint.paths(folder) if _is_rollback_point(int(path.stem.removeprefix("round_")), engine)]


def _is_rollback_point(round_: int, engine: Engine) -> bool:
    if round_ == 0:
        return True
    num_images, before, images = len(engine.data), engine.images_before(round_ - 1), engine.images_before(round_)
    epoch, ended = images // num_images, images // num_images > before // num_images
    return engine.recipe.checkpoint.due(RoundInfo(round_, images, epoch, 0.0, epoch_ended=ended))
