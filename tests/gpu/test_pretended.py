"""Every recipe on a pretended GPU, in a process of its own: what CUDA refuses, where a round waits, and what graphs compute."""

import pytest
from playing import played, spoilt

from tiny import SETTINGS, VARIANTS

COPY = "copy to device @ non-blocking @ training/capture.py:input"
ADAPTIVE = {  # what an adaptive augmentation asks of the device when it measures
    "copy to device @ waiting @ training/adapt_strength.py:<listcomp>",
    "copy to device @ waiting @ training/adapt_strength.py:adapt_strength",
    "wait @ tolist @ augment/adaptive.py:overfitting",
}
WAITING = {
    "modern": ADAPTIVE,
    "photo-adaptive": ADAPTIVE,
    "selfcond": {"copy to device @ waiting @ networks/latents.py:_on"},  # once, of the clusters' shares
    "selfcond-grid": {"copy to device @ waiting @ networks/latents.py:_on"},  # the same
    "cgan-attributes": {"copy to device @ waiting @ networks/latents.py:_on"},  # once, of the values
    "flash-skip": {"wait @ tolist @ training/guard.py:check_finite"},
}
CLOSE = {  # else 1e-5
    "flash-clipping": 1e-3,  # sums of weights that are all 0.01 or -0.01 are zero but for rounding
    "flash-differences": 1e-4,  # rounding is divided by eps
}
BATCHES = {"photo-gpu": 2, "r3": 2, "ring": 2, "grid": 2, "selfcond-grid": 2, "wgan-gp": 5}  # of real images a round, else one
NAMES = (*sorted(SETTINGS), "modern", *VARIANTS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("names", [NAMES[:10], NAMES[10:19], NAMES[19:]], ids=lambda names: f"{names[0]} to {names[-1]}")
def test_rounds_wait_for_nothing_and_are_the_same_as_graphs(names):
    found = played("play.py", *names)
    assert found.keys() == {*names}
    for name, of in found.items():
        assert "error" not in of, of
        assert max(of["gradients"]) < CLOSE.get(name, 1e-5), name
        assert of["a_round"].pop(COPY) == BATCHES.get(name, 1), name
        assert of["a_round"].keys() == WAITING.get(name, set()), name
        assert of["failure"] is None, of["failure"]
        assert of["num_recorded"] >= 2, name
        assert of["same_as_eager"], name
        assert of["same_when_resumed"], name


FAULTS = {
    "a buffer that stays on the CPU": (
        "networks/layers/maps.py",
        "self.register_buffer(name, _triangles(old_side, new_side), persistent=False)",
        "setattr(self, name, _triangles(old_side, new_side))",
        "r3",
    ),
    "a generator of the CPU": (
        "training/gan.py",
        "rng = keyed_generator(device,",
        'rng = keyed_generator("cpu",',
        "photo",
    ),
    "a constant made on the CPU": (
        "augment/diff_augment.py",
        "torch.arange(size, device=images.device)",
        "torch.arange(size)",
        "photo",
    ),
    "a memory that stays on the CPU": ("training/gan.py", "penalty.initial().to(device)", "penalty.initial()", "flash-lecam"),
    "random bits of the CPU": (
        "networks/layers/dropout.py",
        "dtype=torch.int64, device=device)",
        "dtype=torch.int64)",
        "dropout-mlp",
    ),
    "a wait in every step": (
        "training/step.py",
        "    player.optimizer.advance()",
        "    player.optimizer.advance()\n        gradients[0].sum().item()",
        "vanilla",
    ),
    "a copy that waits": ("training/capture.py", "non_blocking=True", "non_blocking=False", "vanilla"),
    "a wait in a recorded step": (
        "training/fast.py",
        "        readings = detached(d_loss=d_loss, ",
        "        readings = detached(d_loss=d_loss + d_loss.item(), ",
        "dropout-mlp",
    ),
    "a number that a graph keeps": (
        "training/engine.py",
        'gamma = self.steps.number("gamma", knobs.gamma) if knobs.gamma else 0.0',
        "gamma = knobs.gamma",
        "r3",
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault, tmp_path):
    file, right, wrong, name = FAULTS[fault]
    of = played("play.py", name, sources=spoilt(tmp_path, file, right, wrong))[name]
    seen = "error" in of or of["failure"] or of["a_round"] != {COPY: BATCHES.get(name, 1)} or not of["same_as_eager"]
    assert seen, of


@pytest.mark.timeout(120)
def test_other_moves_are_recorded_anew():
    of = played("play_moves.py", "r3")["r3"]  # both sides draw real images, so only the moves tell the steps apart
    assert of == {"recipe": "r3", "same_as_eager": True, "failure": None, "images": 16 * (3 * 2 + 7 * 3 + 4 * 2)}
