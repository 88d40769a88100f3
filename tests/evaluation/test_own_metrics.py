"""Functions of the user's as metrics, scored as the others are."""

from math import isclose

import numpy as np
import pytest
import torch
from PIL import Image

import shapes
import sparring
from sparring import data
from sparring.config.rng import derive_seed
from sparring.errors import InputError
from sparring.metrics.confidence import mean_interval
from tiny import SETTINGS

SHAPES = shapes.drawn(400, seed=1)
SETTING = {name: value for name, value in SETTINGS["vanilla"].items() if not name.startswith("data.")}


def brightness(samples, real):
    return (samples.mean() - real.mean()).item()


def loudest(samples, real):
    assert samples.dtype == real.dtype == torch.float32
    assert samples.shape[1:] == real.shape[1:] == (1, 16, 16)
    assert samples.min() >= -1
    assert samples.max() <= 1
    return samples.amax()  # a tensor of one number


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return sparring.train(
        "vanilla", data=data.of(SHAPES.images), rounds=5, out=tmp_path_factory.mktemp("run"), settings=SETTING, quiet=True
    )


def test_a_function_is_scored_over_draws_without_an_extractor(run):
    result = sparring.evaluate(run, metrics=[brightness, loudest], num=100, draws=3, seed=2, quiet=True)
    assert [score.metric for score in result.scores] == ["brightness", "loudest"]
    score = result["brightness"]
    real = run.recipe.data.test()
    whole = real.batch(torch.arange(len(real)))
    values = []
    for index in range(3):
        sample = run.sample(100, derive_seed(2, "draw", index))
        stored = ((sample.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
        values.append((stored.mean() - whole.mean()).item())
    assert isclose(score.value, sum(values) / 3, abs_tol=1e-6)
    assert (score.low, score.high) == pytest.approx(mean_interval(values), abs=1e-6)
    train = run.recipe.data.train()
    last = train.batch(torch.arange(len(train) - 100, len(train)))
    assert score.floor == pytest.approx((last.mean() - whole.mean()).item(), abs=1e-6)
    assert (score.protocol.num_samples, score.protocol.num_real) == (100, 40)
    assert score.protocol.interval == "3 independent draws"
    assert run.scores()[-1]["brightness"] == score  # read back from the run's folder


def test_the_floor_of_a_folder_is_of_all_its_classes(tmp_path):
    for name, level in (("dark", 0), ("light", 255)):
        (tmp_path / "folder" / name).mkdir(parents=True)
        for i in range(60):
            Image.new("L", (32, 32), level).save(tmp_path / "folder" / name / f"{i}.png")
    np.savez(tmp_path / "pictures.npz", images=np.zeros((50, 32, 32), np.uint8))
    found = sparring.evaluate(
        tmp_path / "pictures.npz",
        against=str(tmp_path / "folder"),
        settings={"size": 32, "channels": 1},
        metrics=[brightness],
        num=50,
        quiet=True,
    )
    floor = found["brightness"].floor
    assert floor is not None
    assert abs(floor) < 0.5  # of the last fifty, which are light, 1.0


def test_a_generator_and_a_file_of_pictures(run, tmp_path):
    own = run.recipe.data
    assert sparring.evaluate(run.generator, against=own, metrics=[brightness], num=50, quiet=True)["brightness"].low
    np.savez(tmp_path / "pictures.npz", images=SHAPES.images[:, 0].numpy())
    score = sparring.evaluate(tmp_path / "pictures.npz", against=own, metrics=[brightness], quiet=True)["brightness"]
    assert score.low is not None
    assert score.high is not None
    assert score.low < score.value < score.high
    assert score.protocol.interval == "8 subsamples of 100"
    assert score.floor is None  # there are not 400 images to train on


def test_beside_the_others(tmp_path):
    run = sparring.train("ring", rounds=3, out=tmp_path / "run", settings=SETTINGS["ring"], quiet=True)

    def spread(samples, real):
        return samples.std() / real.std()

    plain = sparring.evaluate(run, num=500, draws=2, quiet=True)
    result = sparring.evaluate(run, num=500, draws=2, metrics=[spread], quiet=True)
    assert result.scores[:-1] == plain.scores
    assert result.scores[-1].metric == "spread"


def nothing(samples, real):
    return None


def infinite(samples, real):
    return torch.inf


def each(samples, real):
    return samples.flatten(1).mean(1)


def recall(samples, real):
    return 1.0


@pytest.mark.parametrize(
    ("metrics", "sentence"),
    [
        ([nothing], "the metric nothing gives a NoneType; it must give a number"),
        ([infinite], "the metric infinite gives inf for 50 samples; it must give a finite number"),
        ([each], "the metric each gives a Tensor; it must give a number"),
        ([recall], "there is a score recall already"),
        ([brightness, brightness], "there is a score brightness already"),
        ([lambda samples, real: 1.0], "must be a function that was named by `def`"),
        (["fid"], "the metric 'fid' must be a function"),
    ],
)
def test_what_is_no_metric_is_refused(run, metrics, sentence):
    with pytest.raises(InputError, match=sentence):
        sparring.evaluate(run, metrics=metrics, num=50, quiet=True)


def test_too_few_samples_and_other_shapes(run):
    with pytest.raises(InputError, match="3 samples are too few: the scores need at least 16"):
        sparring.evaluate(run, metrics=[brightness], num=3, quiet=True)
    other = data.of(SHAPES.images[:, :, :8])
    with pytest.raises(InputError, match="have different shapes, 1 x 16 x 16 and 1 x 8 x 16; name other data"):
        sparring.evaluate(run, metrics=[brightness], num=50, against=other, quiet=True)
    with pytest.raises(InputError, match="no extractor suits in-memory-data"):
        sparring.evaluate(run, num=1000, against=data.of(SHAPES.images[:60], test=SHAPES.images[60:80]), quiet=True)
