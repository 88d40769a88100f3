"""The classic GAN losses on logits (Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor
from torch.nn.functional import softplus as torch_softplus

from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register


@register("loss")
@dataclass(frozen=True)
class NonSaturating(Ranged, prefix="loss."):
    """D maximises log D(x) + log(1 - D(G(z))) (equation 1); G maximises log D(G(z)) (section 3).

    With D = sigmoid(logit), -log D = softplus(-logit) and -log(1 - D) = softplus(logit), so that no logit under- or
    overflows. `real_target` below 1 is one-sided label smoothing
    (Salimans et al. 2016, https://arxiv.org/abs/1606.03498, section 3.4): the cross-entropy of real images to that target.
    Logits have any shape; values are per sample, of the same shape, in nats, minimised.
    """

    probabilistic: ClassVar[bool] = True

    real_target: Annotated[float, Range(above=0, most=1)] = 1.0

    def d_terms(self, real_logits: Tensor, fake_logits: Tensor) -> tuple[Tensor, Tensor]:
        """D's per-sample values for the real and for the generated batch; D minimises the sum of their means."""
        real_values = cross_entropy(real_logits, self.real_target)
        return real_values, cross_entropy(fake_logits, 0.0)

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        """G's per-sample values, -log D(G(z)); its slope -(1 - D) stays near -1 while D rejects the fakes."""
        return (cross_entropy(fake_logits, 1.0),)


@register("loss")
@dataclass(frozen=True)
class Minimax(NonSaturating):
    """The same D; G minimises log(1 - D(G(z))) itself (equation 1), whose slope -D vanishes while D rejects the fakes."""

    def g_terms(self, fake_logits: Tensor) -> tuple[Tensor]:
        """G's per-sample values, log(1 - D(G(z))), never positive."""
        return (-softplus(fake_logits),)


def cross_entropy(logits: Tensor, target: float) -> Tensor:
    """-target log D - (1 - target) log(1 - D) for D = sigmoid(logits), per sample."""
    if target == 1:
        return softplus(-logits)
    if target == 0:
        return softplus(logits)
    return target * softplus(-logits) + (1 - target) * softplus(logits)


def softplus(x: Tensor) -> Tensor:
    """log(1 + e^x); PyTorch's turns into x where we say, and above 40 the difference is below float64's precision."""
    return torch_softplus(x, threshold=40)
