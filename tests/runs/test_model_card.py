"""Model cards: what a hub reads of them, whatever the names in them are."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparring.evaluation import Protocol, Score
from sparring.networks.latents import Code, Normal
from sparring.runs.model_card import ModelCard, plain

hub = pytest.importorskip("huggingface_hub")

HOSTILE = [
    "x\n---\nlicense: mit",
    "](javascript:1)",
    "`<script>alert(1)</script>",
    'a"b\\',
    "| cell |",
    "\x1b[2J\x85\u2028",
    "*b* _i_ ~s~",
]
PROTOCOL = Protocol("digits-1", "1f", "mnist", "2f", "test", 1000, 900, "8 bits", "k = 3", 0, "5 independent draws")
SCORES = (
    Score("frechet_distance", 1e-05, 0.5e-05, None, 0.02, None, PROTOCOL),
    Score("memorisation", -0.1, -0.2, 0.1, None, None, replace(PROTOCOL, num_samples=500)),
)
FACTS = {"recipe": "flash", "source": "a paper", "seed": 3, "rounds": 5000, "images": 160000, "seconds": 55.4, "data": "mnist"}
CARD = ModelCard("flash, seed 3", Normal(8), (1, 28, 28), facts=FACTS, scores=SCORES, license="cc-by-4.0")


def test_a_hub_reads_licence_task_and_scores_with_interval_and_protocol():
    data = hub.ModelCard(str(CARD)).data
    assert (data.library_name, data.license, data.pipeline_tag) == ("sparring", "cc-by-4.0", "unconditional-image-generation")
    first, second = data.eval_results
    assert (first.metric_type, first.metric_value, first.dataset_name) == ("frechet_distance", 1e-05, "mnist")
    assert first.metric_args == {"low": 0.5e-05, "floor": 0.02, "interval": "5 independent draws", "options": "k = 3"}
    assert (first.dataset_args["extractor"], first.dataset_args["num_samples"]) == ("digits-1", 1000)
    assert (second.metric_type, second.dataset_args["num_samples"]) == ("memorisation", 500)


def test_people_read_cost_scores_and_limits():
    text = str(CARD)
    assert "| cost | 55 s on a device unknown |" in text
    assert "| frechet distance | 1e-05 | 5e-06 | - | 0.02 |" in text
    assert "Copies of training images: memorisation -0.1" in text
    assert "It draws images of 28 x 28 pixels" in text
    assert "It was not scored" in str(replace(CARD, scores=()))


def test_a_card_without_training_or_licence_says_so():
    card = ModelCard("generator", Code(normal=4, classes=2, continuous=0), (1, 4, 4), ("boot", "shirt"))
    assert "license" not in hub.ModelCard(str(card)).data.to_dict()
    assert "Nobody has stated a licence." in str(card)
    assert "It has 2 classes: 0 boot, 1 shirt." in str(card)
    assert "## Training" not in str(card)
    assert "Its scores are not known here" in str(card)


def test_points_are_no_images():
    data = hub.ModelCard(str(ModelCard("ring", Normal(2), (2,)))).data
    assert (data.pipeline_tag, data.tags) == (None, ["gan"])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_texts(name):
    facts = FACTS | {"recipe": name, "source": name, "data": name, "device": name}
    scores = tuple(replace(score, protocol=replace(PROTOCOL, data=name, extractor=name)) for score in SCORES)
    code = Code(normal=4, classes=2, continuous=0)
    text = str(replace(CARD, name=name, facts=facts, scores=scores, noise=code, classes=(name, name)))
    data = hub.ModelCard(text).data
    assert (data.license, data.model_name, data.eval_results[0].dataset_name) == ("cc-by-4.0", name, name)
    body = text.split("\n---\n")[1]
    assert body.count("\n## ") == 4
    unescaped = re.sub(r"\\.", "", body)
    assert not [mark for mark in ("<", "](java", "\x1b") if mark in unescaped]
    assert {line.count("|") for line in unescaped.splitlines() if line.startswith("| ")} == {3, 6}


@given(st.text(max_size=40))
def test_a_plain_text_is_one_line_without_marks(text):
    shown = plain(text)
    assert "\n" not in shown
    assert not re.search(r"[`*_\[\]<>&|#~$]", re.sub(r"\\.", "", shown))
