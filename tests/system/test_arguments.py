"""What Python people write as arguments: taken where it means something, else refused in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sparring
from sparring.errors import InputError
from tiny import SETTINGS

SMALL = SETTINGS["paper"]


@pytest.mark.parametrize("call", ["train", "train_seeds"])
def test_values_of_python_are_what_their_texts_are(call, tmp_path):
    settings = {
        **SMALL,
        "optim.lr": 1e-4,
        "d_optim.lr": np.float64(2e-4),
        "generator.widths": [16],
        "discriminator.widths": (12,),
        "average": None,
        "test_traces": False,
        "batch_size": torch.tensor(96),
        "journal": {"rounds": 1},
        "name": Path("mine"),
    }
    length = {"rounds": 2, "quiet": True, "device": torch.device("cpu")}
    if call == "train":
        seed: Any = np.int64(3)
        run = sparring.train("paper", out=tmp_path / "run", seed=seed, settings=settings, **length)
    else:
        run = sparring.train_seeds("paper", [3], out=tmp_path, settings=settings, **length).runs[3]
    recipe = run.recipe
    assert (recipe.g_optim.lr, recipe.d_optim.lr, recipe.average, recipe.batch_size) == (1e-4, 2e-4, None, 96)
    assert recipe.name == "mine"
    assert sparring.Run.open(run.path).seed == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": "a"}, "seed is 'a'; it must be a whole number of at least 0"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"device": 3}, "device is 3; it must be a text or a torch.device"),
        ({"device": "warp"}, "unknown device 'warp'"),
        ({"out": 5}, "out is 5; it must be a path"),
        ({"start_from": Path("nowhere")}, "nowhere is no run"),
        ({"data": Path("nowhere")}, "'nowhere' is neither"),
        ({"rounds": "3"}, "rounds is '3'; it must be a whole number"),
        ({"rounds": 2.5}, "rounds is 2.5; it must be a whole number"),
        ({"rounds": None, "minutes": "1"}, "minutes is '1'; it must be a number"),
        ({"settings": [1]}, r"settings is \[1\]; it must be like"),
        ({"settings": {1: 2}}, "settings is given for 1"),
        ({"settings": {"optim.lr": object()}}, "settings: optim.lr is <object"),
        ({"settings": {"optim.lr": float("nan")}}, "settings: optim.lr is nan"),
        ({"timeout": "x"}, "timeout is 'x'; it must be a number of seconds"),
        ({"engine": "warp"}, "engine is 'warp'; it must be one of auto, eager, capture"),
        ({"on_write_error": "maybe"}, "on_write_error is 'maybe'; it must be one of stop, continue"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_others_are_refused_and_nothing_is_written(arguments, words, tmp_path):
    given = {"rounds": 1, "quiet": True, "out": tmp_path / "run", "settings": SMALL} | arguments
    with pytest.raises(InputError, match=words):
        sparring.train("paper", **given)
    assert not (tmp_path / "run").exists()
