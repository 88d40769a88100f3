"""How far it is from the training call to the equation."""

import traceback
from pathlib import Path

import sparring
from sparring.config.threads import own_number
from sparring.losses import NonSaturating
from sparring.training import step
from tiny import SETTINGS

MOST_FRAMES, MOST_LINES = 6, 200
HOME = str(Path(sparring.__file__).parent)


def test_six_frames_lead_from_the_call_to_the_loss(tmp_path, monkeypatch):
    seen, d_terms = [], NonSaturating.d_terms

    def looking(self, *logits):
        seen.append([frame.name for frame in traceback.extract_stack() if frame.filename.startswith(HOME)])
        return d_terms(self, *logits)

    monkeypatch.setattr(NonSaturating, "d_terms", looking)
    monkeypatch.delenv("OMP_NUM_THREADS")  # as users have it: the number of threads is chosen
    with own_number(2):
        sparring.train("dcgan", rounds=1, out=tmp_path / "run", settings=SETTINGS["dcgan"], engine="eager", quiet=True)
    assert seen[0] == ["train", "run_to_end", "run_rounds", "train_round", "simultaneous_step"]
    assert len(seen[0]) + 1 <= MOST_FRAMES  # and the equation's own


def test_the_step_is_one_short_file():
    assert len(Path(step.__file__).read_text().splitlines()) <= MOST_LINES
