"""The model card of an extractor."""

from sparring.evaluation.extractors.classifier_extractor import ClassifierExtractor
from sparring.evaluation.extractors.picture_extractor import PictureExtractor
from sparring.evaluation.extractors.picture_network import SIZE


def card(extractor: ClassifierExtractor) -> str:
    """The model card in Markdown: weights, training data, accuracy and confusion matrix."""
    facts = extractor.facts
    num_test = sum(map(sum, facts.confusion))
    num_weights = sum(parameter.numel() for parameter in extractor.network.parameters())
    header = " | ".join(("", *facts.classes))
    rows = [" | ".join((f"**{name}**", *map(str, row))) for name, row in zip(facts.classes, facts.confusion, strict=True)]
    table = "\n".join(f"| {row} |" for row in (header, " | ".join(["---"] * (1 + len(facts.classes))), *rows))
    weak = f"- weak, {extractor.weakness}: scores by it say little\n" if extractor.weakness else ""
    return f"""# {extractor.label}

A classifier of {" x ".join(map(str, facts.shape))} images by which Sparring scores generators trained on `{facts.data}`: its
pooled last layer gives {facts.network.widths[-1]} features, its predictions the classes.

- weights: {num_weights:,}; SHA-256 {extractor.hash}
- trained on its training images, slightly distorted, labels not smoothed; seed {facts.seed}, {facts.epochs} epochs
- chosen among the epochs on training images held back: {facts.held_back_accuracy:.2%} of them right
- test images: {facts.test_accuracy:.2%} of {num_test:,} right (SHA-256 of the test set: {facts.data_fingerprint[:16]})
{weak}
## Predictions on the test images (rows: label, columns: prediction)

{table}

Scores by it say how near generated images are to real ones of this data set, in what it sees. They say nothing of other
pictures, and are not comparable with scores by another extractor.
"""


def picture_card(extractor: PictureExtractor, notes: str = "") -> str:
    """The model card in Markdown of an extractor for pictures. `notes`: further lines of the list, each with its line break."""
    facts, widths = extractor.facts, extractor.facts.network.widths
    num_weights = sum(parameter.numel() for parameter in extractor.network.parameters())
    levels = ", ".join(map(str, widths[1:]))
    begun = f"begun from {facts.start_from}; " if facts.start_from else ""
    heads = "".join(
        f"- classes of {each.data}: {each.share:.2%} of the pictures held back right\n" for each in facts.accuracies
    )
    weak = f"- weak, {extractor.weakness}: scores by it say little\n" if extractor.weakness else ""
    return f"""# {extractor.label}

A network by whose {facts.network.num_features} features Sparring scores generators of pictures. It sees them at
{SIZE} x {SIZE} pixels in three colours: grey is repeated, what is transparent is mid-grey, and both sides are scaled, whatever
their ratio, by a triangular kernel. The features are the means of its channels at three scales: {levels}.

- weights: {num_weights:,}; SHA-256 {extractor.hash}
- trained on {facts.data}; {begun}seed {facts.seed}, {facts.steps:,} steps
- learned: which of many pictures a second view (moved, turned, scaled) is of, by NT-Xent; in which of ten ways one is spoilt
- of up to 500 pictures held back, recognised by a second view: {facts.recognised:.2%}
{heads}{notes}{weak}
Scores by it say how near generated pictures are to real ones in what it sees. It does not see what is smaller than a
{SIZE}th of the side, nor what pictures mean, and scores by it are not comparable with those by another extractor.
"""
