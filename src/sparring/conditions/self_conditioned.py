"""Self-conditioning (Liu et al. 2020, https://arxiv.org/abs/2006.10728): clusters of the data in the place of classes."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from torch import Tensor

from sparring.conditions.projection import Projection
from sparring.config.ranges import Range, Ranged
from sparring.config.registry import register
from sparring.errors import check
from sparring.networks.latents import Code


@register("condition")
@dataclass(frozen=True)
class SelfConditioned(Ranged, prefix="condition."):
    """A projection on clusters that k-means finds among the training examples, without labels.

    The paper clusters features of D, and does so again every so often. Here the features are the first principal `components`
    of the pictures, averaged down to at most 16 x 16 pixels, or of the points, and the clusters are found once, when a run
    begins. z becomes a `code` whose classes are the clusters, drawn by their shares. There are fewer than `clusters` where
    there would be fewer than 10 examples in each on average.
    """

    clusters: Annotated[int, Range(2, 1000)] = 100
    components: Annotated[int, Range(1, 256)] = 50

    uses_labels: ClassVar[bool] = False

    def num_outputs(self, code: Code) -> int:
        check(code.classes == self.clusters, "z.classes", code.classes, f"be {self.clusters}, the condition's clusters")
        return Projection().num_outputs(code)

    def logits(self, outputs: Tensor, codes: Tensor) -> Tensor:
        return Projection().logits(outputs, codes)

    def real_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()

    def fake_terms(self, outputs: Tensor, codes: Tensor, num_classes: int) -> tuple[Tensor, ...]:
        return ()
