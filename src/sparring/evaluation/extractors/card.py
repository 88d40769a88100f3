"""The model card of an extractor."""

from sparring.evaluation.extractors.classifier_extractor import ClassifierExtractor


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
