"""The Korean for what the library says in English: the coach, recipes, ranges and refusals are all in sentences.js."""

import json
import re

import pytest

from coach.test_signs import PATIENCE, SCORE, SICK
from sparring import recipes
from sparring.api.resolve import resolve
from sparring.coach import SIGNS, Coach
from sparring.errors import InputError
from sparring.web import command
from sparring.web.app import ASSETS
from sparring.web.run_index import RunIndex
from tiny import SETTINGS as RECIPES
from web.serving import make_run

PAIRS = [
    tuple(json.loads(line.strip().rstrip(",")))
    for line in ASSETS["sentences.js"].read_text(encoding="utf-8").splitlines()
    if line.startswith('  ["')
]
NAME = re.compile(r"\{(\w+\*?)\}")
MISSING = {f"share_{digit}": 0.0 for digit in range(3)}


def in_korean(text: str) -> str | None:
    """As sentences.js does it."""
    for english, korean in PAIRS:
        literal = re.sub(r"[.*+?^$()|\[\]\\]", r"\\\g<0>", english)
        found = re.fullmatch(re.sub(r"\{(\w+)(\\\*)?\}", r"(?P<\1>.+?)", literal), text)
        if found:
            return _filled(korean, found.groupdict())
    return None


def _filled(korean: str, groups: dict[str, str]) -> str:
    return NAME.sub(lambda name: _part(name[1], groups), korean)


def _part(name: str, groups: dict[str, str]) -> str:
    text = groups[name.rstrip("*")]
    return (in_korean(text) or text) if name.endswith("*") else text


def test_both_languages_have_the_same_names():
    assert len(PAIRS) > 70
    assert len({english for english, _ in PAIRS}) == len(PAIRS)
    for english, korean in PAIRS:
        assert sorted(NAME.findall(english)) == sorted(NAME.findall(korean)), english
        assert re.search("[가-힣]", korean), english


@pytest.mark.parametrize("cause", SICK)
def test_every_sentence_of_the_coach(cause):
    running, ending = Coach(), Coach()
    said = [remark for event in SICK[cause] for remark in running.observe(event)]
    list(ending.observe(SICK[cause][-1]))
    for remark in (*said, *ending.conclude()):
        korean = in_korean(remark.text) or ""
        assert re.search("[가-힣]{2}", korean.removeprefix("학습이 끝난 시점: ")), remark.text
        assert sorted(re.findall(r"\d\.?\d*", remark.text)) == sorted(re.findall(r"\d\.?\d*", korean))
        assert in_korean(remark.advice), remark.advice
    assert f'"sign.{cause}"' in ASSETS["strings.js"].read_text(encoding="utf-8")


def test_the_other_sentences_on_classes():
    def said(**values: float) -> str:
        coach = Coach()
        score = {name: value for name, value in SCORE.items() if not name.startswith("share_")} | values
        return next(remark.text for _ in range(PATIENCE) for remark in coach.observe(score))

    shares = {"largest_class": 0.5, "largest_class_excess": 0.3}
    assert in_korean(said(**shares)) == "샘플의 50%가 한 클래스에 속합니다. 진짜에서는 어느 클래스도 20%를 넘지 않습니다."
    assert "클래스 8에" in (in_korean(said(**shares, share_8=0.5)) or "")
    assert "거의 없는 클래스: 0, 1, 2." in (in_korean(said(**shares, share_8=0.5, **MISSING)) or "")


def test_all_advice():
    assert [sign.cause for sign in SIGNS if not in_korean(sign.advice)] == []


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe(name):
    found = recipes.describe(name)
    assert in_korean(found["summary"]), found["summary"]
    assert [text for text in found["ranges"].values() if not in_korean(text)] == []


def test_every_help_is_that_of_a_setting():
    """`help.penalties.every` is shown with each setting that ends so, numbers of lists aside."""
    names = set()
    for name in RECIPES:
        names |= set(_names(recipes.describe(name)["settings"]))
    helped = re.findall(r'^  "help\.([\w.]+)":', ASSETS["strings.js"].read_text(encoding="utf-8"), re.MULTILINE)
    assert len(helped) > 30
    assert [end for end in helped if not any(f".{name}".endswith(f".{end}") for name in names)] == []


def _names(value, prefix=""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _names(item, f"{prefix}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, prefix)
    else:
        yield prefix.removesuffix(".name")


BODIES = (
    {"recipe": "../x"},
    {"recipe": "ring", "seed": -1},
    {"recipe": "ring", "lengths": {"rounds": 0}},
    {"recipe": "ring", "settings": {"a b": "1"}},
    {"recipe": "ring", "settings": {"data.path": "1"}},
    {"recipe": "ring", "settings": {"loss": 3}},
    {"recipe": "ring", "from": "nowhere"},
)
SETTINGS = (
    {"batch_size": "0"},
    {"batch_size": "x"},
    {"optim.lr": "-1"},
    {"optim.beta1": "2"},
    {"loss": "foo"},
    {"nosuch": "1"},
    {"precision": "float3"},
    {"shared_clock": "3"},
    {"packing": "100"},
    {"generator.widths": "[0]"},
)


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_refusals_of_the_form(tmp_path, body):
    make_run(tmp_path / "a")
    with pytest.raises(InputError) as refusal:
        command.parse(body, RunIndex(tmp_path), {})
    assert in_korean(str(refusal.value)), refusal.value


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_refusals_of_settings(settings):
    with pytest.raises(InputError) as refusal:
        resolve("vanilla", settings, None)
    assert in_korean(str(refusal.value)), refusal.value
