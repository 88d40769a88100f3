"""Training of an extractor: a classifier on a labelled data set, selected on held-out training images, not on test images."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample

from sparring.config.rng import derive_seed, keyed_generator
from sparring.data.sets import Dataset, ImageSet, Progress
from sparring.errors import InputError, check
from sparring.evaluation.extractors.classifier import Classifier, ClassifierConfig
from sparring.networks import seeded


@dataclass(frozen=True)
class ClassifierTraining:
    """Settings of the training: SGD with Nesterov momentum, a linear warm-up and decay of lr, and random distortions."""

    epochs: int = 20
    batch_size: int = 128
    lr: float = 0.1
    warm_up: float = 0.2  # fraction of the steps in which lr rises
    momentum: float = 0.9
    weight_decay: float = 5e-4
    held_back: int = 5000  # at most a tenth of the training images
    rotation: float = 12.0  # degrees; this and the next three: uniform in both directions
    scaling: float = 0.12
    shear: float = 0.15
    shift: float = 2.0  # pixels

    def __post_init__(self) -> None:
        check(self.epochs >= 1, "epochs", self.epochs, "be at least 1")


@dataclass(frozen=True, eq=False)
class TrainedClassifier:
    """A trained classifier, with its accuracy on the held-out training images and on the test images."""

    network: Classifier
    held_back_accuracy: float
    test_accuracy: float
    confusion: Tensor  # int64 [K, K]: test images by label (row) and prediction


def train_classifier(
    config: ClassifierConfig, settings: ClassifierTraining, train: Dataset, test: Dataset, seed: int, progress: Progress
) -> TrainedClassifier:
    """Train on all but the held-out training images, and keep the epoch that does best on those.

    Labels are not smoothed. The same seed, machine, software and number of threads give the same weights.
    Raises InputError if labels are missing, or there are too few images or classes.
    """
    train, test = _labelled(train), _labelled(test)
    if (train.shape, train.classes) != (test.shape, test.classes):
        raise InputError("training and test images differ in shape or classes; an extractor needs them alike")
    network = seeded(lambda: config.build(train.shape, len(train.classes)), derive_seed(seed, "yardstick"))
    network = network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    order = torch.randperm(len(train), generator=keyed_generator("cpu", seed, "held back"))
    num_held = min(settings.held_back, len(train) // 10)
    held, own = train.take(order[:num_held]), train.take(order[num_held:])
    optimizer = torch.optim.SGD(
        network.parameters(), settings.lr, momentum=settings.momentum, weight_decay=settings.weight_decay, nesterov=True
    )
    steps, best, kept = -(-len(own) // settings.batch_size), (-1.0, 0.0), {}
    for epoch in range(settings.epochs):
        shuffled = torch.randperm(len(own), generator=keyed_generator("cpu", seed, "order", epoch))
        for step, chosen in enumerate(shuffled.split(settings.batch_size)):
            done = epoch * steps + step
            optimizer.param_groups[0]["lr"] = settings.lr * _rise_and_fall(done / (settings.epochs * steps), settings.warm_up)
            images = distort(own.batch(chosen), settings, keyed_generator("cpu", seed, "bend", epoch, step))
            _learn(network, optimizer, images, _labels(own)[chosen])
            progress("training the extractor", done + 1, settings.epochs * steps)
        quality = _quality(network, held)
        if quality >= best:
            best, kept = quality, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    network.load_state_dict(kept)
    confusion = _confusion(network, test)
    return TrainedClassifier(network.eval(), best[0], (confusion.trace() / confusion.sum()).item(), confusion)


def distort(images: Tensor, settings: ClassifierTraining, rng: torch.Generator) -> Tensor:
    """Randomly rotate, scale, shear and shift each image; the area beyond its edges is black.

    images: float [B, C, H, W] in [-1, 1]; returns the same shape.
    """
    angle, shear = (_uniform(len(images), 1, rng) * r for r in (math.radians(settings.rotation), settings.shear))
    scale = 1 + settings.scaling * _uniform(len(images), 2, rng)
    shift = settings.shift * _uniform(len(images), 2, rng) * 2 / torch.tensor([images.shape[3], images.shape[2]])
    cos, sin = angle.cos(), angle.sin()
    rows = (
        torch.cat([scale[:, :1] * cos, shear - sin, shift[:, :1]], 1),
        torch.cat([sin, scale[:, 1:] * cos, shift[:, 1:]], 1),
    )
    places = affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return grid_sample(images + 1, places, align_corners=False) - 1


def _learn(network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    _, logits = network(images.contiguous(memory_format=torch.channels_last))
    optimizer.zero_grad()
    cross_entropy(logits, labels).backward()
    optimizer.step()


@torch.no_grad()
def classify(network: Classifier, images: ImageSet, batch_size: int = 500) -> tuple[Tensor, Tensor]:
    """Features [N, D] and logits [N, K] of all images, in inference mode."""
    network.eval()
    parts = [network(images.batch(part)) for part in torch.arange(len(images)).split(batch_size)]
    return torch.cat([features for features, _ in parts]), torch.cat([logits for _, logits in parts])


def _quality(network: Classifier, held: ImageSet) -> tuple[float, float]:
    """Accuracy, and the negative loss to break ties."""
    logits = classify(network, held)[1]
    network.train()
    return (logits.argmax(1) == _labels(held)).float().mean().item(), -cross_entropy(logits, _labels(held)).item()


def _confusion(network: Classifier, test: ImageSet) -> Tensor:
    predictions, num = classify(network, test)[1].argmax(1), len(test.classes)
    return torch.bincount(_labels(test) * num + predictions, minlength=num * num).view(num, num)


def _rise_and_fall(share: float, warm_up: float) -> float:
    return share / warm_up if share < warm_up else (1 - share) / (1 - warm_up)


def _uniform(num: int, columns: int, rng: torch.Generator) -> Tensor:
    return 2 * torch.rand(num, columns, generator=rng) - 1


def _labelled(images: Dataset) -> ImageSet:
    if not isinstance(images, ImageSet) or images.labels is None:
        raise InputError("an extractor learns from labelled pictures, and these data have no labels")
    if len(images.labels.unique()) < 2:
        raise InputError("an extractor learns to tell classes apart, and these data have only one")
    if len(images) < 10:
        raise InputError(f"{len(images)} pictures are too few to train or to test an extractor; 10 is the minimum")
    return images


def _labels(images: ImageSet) -> Tensor:
    assert images.labels is not None
    return images.labels
