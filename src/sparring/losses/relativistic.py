"""Relativistic losses: how much more real is this than that (Jolicoeur-Martineau 2018, https://arxiv.org/abs/1807.00734)."""

from dataclasses import dataclass

from torch import Tensor

from sparring.config.registry import register
from sparring.losses.loss import RelativisticLoss
from sparring.losses.non_saturating import softplus


@register("loss")
@dataclass(frozen=True)
class RelativisticPairing(RelativisticLoss):
    """D minimises -log sigmoid(D(x) - D(G(z))), G the same with the roles exchanged; pair i with i.

    The paper's RSGAN, and the loss of R3GAN (Huang et al. 2024, https://arxiv.org/abs/2501.05441).
    Values are per pair, of the logits' shape, in nats, minimised. Raises ValueError where the sides differ in shape.
    """

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor]:
        """D's values, softplus(-(D(x) - D(G(z)))), a pair each."""
        _check_paired(real_logits, fake_logits)
        return (softplus(fake_logits - real_logits),)

    def g_terms(self, fake_logits: Tensor, real_logits: Tensor) -> tuple[Tensor]:
        """G's values, softplus(-(D(G(z)) - D(x))), a pair each."""
        _check_paired(real_logits, fake_logits)
        return (softplus(real_logits - fake_logits),)


@register("loss")
@dataclass(frozen=True)
class RelativisticAverage(RelativisticLoss):
    """D minimises -log sigmoid(D(x) - E D(G(z))) - log(1 - sigmoid(D(G(z)) - E D(x))), G the same with the roles exchanged.

    The paper's RaSGAN. The averages are those of the batches, and gradients go through them. The batches may differ in size.
    Values are per sample, of the logits' shape, in nats, minimised.
    """

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """D's per-sample values for the real and for the generated batch; D minimises the sum of their means."""
        return softplus(fake_logits.mean() - real_logits), softplus(fake_logits - real_logits.mean())

    def g_terms(self, fake_logits: Tensor, real_logits: Tensor) -> tuple[Tensor, Tensor]:
        """G's per-sample values for the generated and for the real batch; G minimises the sum of their means."""
        return self.d_terms(fake_logits, real_logits)


def _check_paired(real_logits: Tensor, fake_logits: Tensor) -> None:
    if real_logits.shape != fake_logits.shape:
        shapes = f"{list(real_logits.shape)} real and {list(fake_logits.shape)} generated"
        raise ValueError(f"relativistic-pairing pairs real with generated samples, but the logits are {shapes}")
