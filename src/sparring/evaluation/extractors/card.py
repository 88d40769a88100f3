"""The model card of a yardstick."""

from sparring.evaluation.extractors.classifier_extractor import ClassifierExtractor


def card(yardstick: ClassifierExtractor) -> str:
    """What it is, what it learned from, how good it is and where it errs; Markdown."""
    facts = yardstick.facts
    num_test = sum(map(sum, facts.confusion))
    num_weights = sum(parameter.numel() for parameter in yardstick.network.parameters())
    header = " | ".join(("", *facts.classes))
    rows = [" | ".join((f"**{name}**", *map(str, row))) for name, row in zip(facts.classes, facts.confusion, strict=True)]
    table = "\n".join(f"| {row} |" for row in (header, " | ".join(["---"] * (1 + len(facts.classes))), *rows))
    return f"""# {yardstick.label}

A classifier of {" x ".join(map(str, facts.shape))} images by which Sparring scores generators trained on `{facts.data}`: its
pooled last layer gives {facts.network.widths[-1]} features, its verdicts the classes.

- weights: {num_weights:,}; SHA-256 {yardstick.hash}
- trained on its training images, slightly bent, labels not smoothed; seed {facts.seed}, {facts.epochs} epochs
- chosen among the epochs on training images held back: {facts.held_back_accuracy:.2%} of them right
- test images: {facts.test_accuracy:.2%} of {num_test:,} right (SHA-256 of the test set: {facts.data_fingerprint[:16]})

## Verdicts on the test images (rows: label, columns: verdict)

{table}

Scores by it say how near generated images are to real ones of this data set, in what it sees. They say nothing of other
pictures, and are not comparable with scores by another extractor.
"""
