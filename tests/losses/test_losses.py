"""What holds for every registered loss."""

import pytest
import torch

from sparring.config import registry
from sparring.losses import Loss, NonSaturating, RelativisticLoss, is_probabilistic

LOSSES = [
    registry.find("loss", name)()
    for name in registry.names("loss")
    if registry.find("loss", name).__module__.startswith("sparring.")
]


def terms(loss: Loss | RelativisticLoss, real: torch.Tensor, fake: torch.Tensor):
    g = loss.g_terms(fake, real) if isinstance(loss, RelativisticLoss) else loss.g_terms(fake)
    return loss.d_terms(real, fake), g


def test_all_are_there():
    expected = [
        "hinge",
        "least-squares",
        "minimax",
        "non-saturating",
        "relativistic-average",
        "relativistic-pairing",
        "wasserstein",
    ]
    assert [registry.name_of(loss) for loss in LOSSES] == expected


@pytest.mark.parametrize("loss", LOSSES, ids=registry.name_of)
def test_d_wants_real_above_fake_and_g_the_opposite(loss):
    """From equal logits: D's first step opens a gap, G's closes it."""
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    d, g = (torch.stack([term.mean() for term in side]).sum() for side in terms(loss, real, fake))
    on_real, on_fake = torch.autograd.grad(d, (real, fake))
    assert (on_real - on_fake < 0).all()
    assert (on_fake >= 0).all()
    (g_slope,) = torch.autograd.grad(g, fake)
    assert (g_slope < 0).all()


@pytest.mark.parametrize("loss", LOSSES, ids=registry.name_of)
@pytest.mark.parametrize("at", [-100.0, 100.0])
def test_values_and_slopes_at_extreme_logits_are_finite(loss, at):
    real, fake = torch.full((2,), at, requires_grad=True), torch.full((2,), -at, requires_grad=True)
    for side in terms(loss, real, fake):
        values = torch.stack([term.sum() for term in side])
        slopes = torch.autograd.grad(values.sum(), (real, fake), allow_unused=True)
        assert values.isfinite().all()
        assert all(slope.isfinite().all() for slope in slopes if slope is not None)


def test_only_the_classic_losses_give_probabilities():
    assert [registry.name_of(loss) for loss in LOSSES if is_probabilistic(loss)] == ["minimax", "non-saturating"]


def test_a_loss_of_the_users_own_needs_to_say_nothing():
    class Own:
        def d_terms(self, real_logits, fake_logits):
            return NonSaturating().d_terms(real_logits, fake_logits)

        def g_terms(self, fake_logits):
            return NonSaturating().g_terms(fake_logits)

    assert is_probabilistic(Own())
