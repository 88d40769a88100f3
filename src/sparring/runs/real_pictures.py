"""`samples/real.png`: the pictures that a run is trained on, as its data set makes them, drawn once before the first round."""

from sparring.config.schedules import RoundInfo
from sparring.runs.failures import Failures
from sparring.runs.run import Run
from sparring.visual.sampler import Sampler
from sparring.visual.snapshots import draw

NAME = "samples/real.png"
NUM, COLUMNS = 32, 8


def write(run: Run, sampler: Sampler, failures: Failures, info: RoundInfo) -> None:
    """Draw some of the training images; nothing where the recipe draws them itself, as `before-training` does."""
    with failures.writing(info), failures.drawing(info):
        if not (run.path / NAME).exists():
            run.write_file(NAME, draw(sampler.real(NUM, "train"), COLUMNS, sampler))
