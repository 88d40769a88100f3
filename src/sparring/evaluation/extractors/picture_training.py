"""Training of an extractor for pictures: to tell pictures, ways to spoil them and, where there are any, classes apart.

Two views of one picture are to be alike and those of other pictures not, by the loss NT-Xent of SimCLR (Chen et al. 2020,
https://arxiv.org/abs/2002.05709, equation 1). Ours differs: half of the second views are spoilt, which makes them other
pictures, and a head tells the ways to spoil one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor, nn
from torch.nn.functional import cross_entropy, interpolate, normalize

from sparring.config.rng import derive_seed, keyed_generator
from sparring.data.sets import ImageSet, Progress
from sparring.errors import InputError, check
from sparring.evaluation.extractors.picture_network import SIZE, PictureNetwork, PictureNetworkConfig, prepared
from sparring.evaluation.extractors.views import SPOILERS, moved, spoilt
from sparring.networks import seeded

FEWEST = 20  # pictures to learn from
SMALLEST = 28  # pixels: views are shrunk to no less, as pictures of other people's may be


@dataclass(frozen=True)
class PictureTraining:
    """Settings of the training: AdamW with a linear warm-up and decay of lr."""

    steps: int = 300
    batch_size: int = 96  # pictures, of two views each
    lr: float = 2e-3
    warm_up: float = 0.1  # fraction of the steps in which lr rises
    weight_decay: float = 0.02
    temperature: float = 0.2
    spoilt: float = 0.5  # share of the second views

    def __post_init__(self) -> None:
        check(self.steps >= 1, "steps", self.steps, "be at least 1")


@dataclass(frozen=True, eq=False)
class Source:
    """Pictures of one kind to learn from, with classes to tell apart if they have labels, and their share of a batch."""

    name: str
    images: ImageSet
    share: float = 1.0


class Heads(nn.Module):
    """What is learned with, and thrown away then: features [B, D] -> projections, ways to spoil, classes of each source."""

    def __init__(self, num_features: int, nums_classes: Sequence[int]):
        super().__init__()
        self.projection: nn.Module = nn.Sequential(nn.Linear(num_features, 128), nn.ReLU(), nn.Linear(128, 64))
        self.ways: nn.Module = nn.Sequential(nn.Linear(num_features, 128), nn.ReLU(), nn.Linear(128, len(SPOILERS) + 1))
        self.classes: nn.ModuleList = nn.ModuleList(nn.Linear(num_features, max(1, num)) for num in nums_classes)


@dataclass(frozen=True, eq=False)
class TrainedPictures:
    """The network in inference mode, its heads, and the means of the losses over the last tenth of the steps, by name."""

    network: PictureNetwork
    heads: Heads
    losses: dict[str, float] = field(default_factory=dict)


def train_on_pictures(
    config: PictureNetworkConfig,
    settings: PictureTraining,
    sources: Sequence[Source],
    seed: int,
    progress: Progress,
    start_from: PictureNetwork | None = None,
) -> TrainedPictures:
    """Train a network, a new one or from the weights of `start_from`, which are not changed.

    The same seed, machine, software and number of threads give the same weights. Raises InputError for too few pictures.
    """
    for source in sources:
        if len(source.images) < FEWEST:
            raise InputError(f"{len(source.images)} pictures are too few to train an extractor; {FEWEST} is the minimum")
    network = seeded(config.build, derive_seed(seed, "yardstick"))
    if start_from is not None:
        network.load_state_dict(start_from.state_dict())
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    nums = [len(source.images.classes) if source.images.labels is not None else 0 for source in sources]
    heads = seeded(lambda: Heads(config.num_features, nums), derive_seed(seed, "heads"))
    weights = [*network.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(weights, settings.lr, weight_decay=settings.weight_decay)
    shares, seen = _shares(sources, settings.batch_size), []
    draws = [_endless(len(source.images), seed, source.name) for source in sources]
    for step in range(settings.steps):
        optimizer.param_groups[0]["lr"] = settings.lr * _rise_and_fall((step + 0.5) / settings.steps, settings.warm_up)
        rng = keyed_generator("cpu", seed, "views", step)
        batch = [_views(s.images, _next(draw, n), settings, rng) for s, draw, n in zip(sources, draws, shares, strict=True)]
        losses = _losses(network, heads, batch, settings)
        optimizer.zero_grad()
        sum(losses.values(), torch.zeros(())).backward()
        optimizer.step()
        seen.append({name: loss.item() for name, loss in losses.items()})
        progress("training the extractor", step + 1, settings.steps)
    last = seen[-max(1, settings.steps // 10) :]
    return TrainedPictures(network.eval(), heads.eval(), {name: sum(s[name] for s in last) / len(last) for name in last[0]})


def nt_xent(views: Tensor, others: Tensor, paired: Tensor, temperature: float) -> Tensor:
    """Minus the log of the share of the partner's e^(cosine / temperature) among those of all others, for each view.

    views, others: [B, D], two views of each picture; `paired`: bool [B], which of the pairs are alike (the others only serve to
    be told from). Returns [2 P] for P pairs. Equation 1 of SimCLR.
    """
    both = normalize(torch.cat([views, others]), dim=1)
    similar = (both @ both.T / temperature).fill_diagonal_(-torch.inf)
    partner = torch.arange(len(both)).roll(len(views))
    return cross_entropy(similar, partner, reduction="none")[paired.repeat(2)]


@torch.no_grad()
def recognised(network: PictureNetwork, images: ImageSet, seed: int = 0, most: int = 500) -> float:
    """The share of pictures that a moved view of them is nearest to, by the cosine of the features.

    Among at most `most` of the pictures, at random.
    """
    chosen = torch.randperm(len(images), generator=keyed_generator("cpu", seed, "recognised"))[:most]
    pictures = images.batch(chosen)
    views = moved(pictures, keyed_generator("cpu", seed, "second views"))
    one, other = (
        normalize(torch.cat([network(prepared(part)) for part in each.split(250)]), dim=1) for each in (pictures, views)
    )
    return ((other @ one.T).argmax(1) == torch.arange(len(chosen))).float().mean().item()


@dataclass(frozen=True, eq=False)
class _Views:
    """Two views of pictures [B, 3, 64, 64], the ways in which the second are spoilt, and labels."""

    first: Tensor
    second: Tensor
    ways: Tensor
    labels: Tensor | None


def _views(images: ImageSet, chosen: Tensor, settings: PictureTraining, rng: Generator) -> _Views:
    """Views of the chosen pictures, which are spoilt at a size of their own, as a generator's pictures would be."""
    pictures = images.batch(chosen)
    side = min(pictures.shape[2], SIZE)
    if torch.rand((), generator=rng) < 0.5 and side > SMALLEST:
        side = int(torch.randint(SMALLEST, side + 1, (), generator=rng))
    if (side, side) != pictures.shape[2:]:
        pictures = interpolate(pictures, (side, side), mode="bilinear", antialias=True)
    first, (second, ways) = moved(pictures, rng), spoilt(moved(pictures, rng), rng, settings.spoilt)
    return _Views(prepared(first), prepared(second), ways, None if images.labels is None else images.labels[chosen])


def _losses(network: PictureNetwork, heads: Heads, batch: Sequence[_Views], settings: PictureTraining) -> dict[str, Tensor]:
    views = torch.cat([*(part.first for part in batch), *(part.second for part in batch)])
    features = network(views.contiguous(memory_format=torch.channels_last))
    first = features.chunk(2)[0]
    ways = torch.cat([part.ways for part in batch])
    projected, others = heads.projection(features).chunk(2)
    losses = {
        "pictures": nt_xent(projected, others, ways == 0, settings.temperature).mean(),
        "ways": cross_entropy(heads.ways(features), torch.cat([torch.zeros_like(ways), ways])),
    }
    parts = first.split([len(part.ways) for part in batch])
    for head, part, own in zip(heads.classes, batch, parts, strict=True):
        if part.labels is not None:
            losses["classes"] = losses.get("classes", 0) + cross_entropy(head(own), part.labels) / len(batch)
    return losses


def _shares(sources: Sequence[Source], batch_size: int) -> list[int]:
    total = sum(source.share for source in sources)
    return [max(2, round(batch_size * source.share / total)) for source in sources]


def _endless(num: int, seed: int, name: str) -> Iterator[int]:
    """Indices of all pictures in random order, again and again."""
    epoch = 0
    while True:
        yield from torch.randperm(num, generator=keyed_generator("cpu", seed, "order", name, epoch)).tolist()
        epoch += 1


def _next(draw: Iterator[int], num: int) -> Tensor:
    return torch.tensor([next(draw) for _ in range(num)])


def _rise_and_fall(share: float, warm_up: float) -> float:
    return share / warm_up if share < warm_up else (1 - share) / (1 - warm_up)
