"""What a score means beside known ones."""

from sparring.evaluation.score import BETTER, Score, number

_DIGITS, _NUM = "digits-25fd6534", 10_000
_FRECHET = (  # of that extractor and so many samples against MNIST's test images; other machines and versions round differently
    (0.020, "real images"),  # scored on 22 November 2026, commit 48a9d41 (docs/scores.md); so are those without a comment
    (0.131, "selfcond after a minute"),  # seed 0, two threads, 27 November 2026, commit f68499f (README.md)
    (0.278, "flash after a minute"),  # seed 0, 26 November 2026, commit 4ca2bfd (docs/flash.md)
    (1.043, "dcgan at its full length"),  # seed 0, bfloat16, 27 November 2026, commit a084f71 (docs/reproduction.md)
    (2.004, "dropout-mlp at its full length"),
    (3.487, "quick after 2 epochs"),
    (5.023, "vanilla at its full length"),
    (8.216, "paper at its full length"),
    (88.6, "uniform noise"),
)


def meaning(score: Score) -> str | None:
    """A sentence that places a score between known ones, or beside real images; None where there is nothing to compare."""
    text = f"{score.metric.replace('_', ' ')} {number(score.value)}"
    protocol = score.protocol
    if (score.metric, protocol.extractor, protocol.data, protocol.num_samples) == ("frechet_distance", _DIGITS, "mnist", _NUM):
        below = [f"{name} ({number(value)})" for value, name in _FRECHET if value <= score.value]
        above = [f"{name} ({number(value)})" for value, name in _FRECHET if value > score.value]
        if below and above:
            return f"{text}, lower is better: between {below[-1]} and {above[0]}"
        return f"{text}, lower is better: {f'beyond {below[-1]}' if below else f'better than {above[0]}'}"
    if BETTER.get(score.metric) != "lower" or score.floor is None or score.floor <= 0:
        return None  # an unbiased distance of real examples may be negative
    return f"{text}, lower is better: {number(score.value / score.floor)} times that of real images ({number(score.floor)})"
