"""Every code block of the documents runs as it stands there, shortened by `rules` where it would take long.

The blocks of a document are one story: they are played in order, in one folder. A block that is asked for alone comes after
those before it. A new block is picked up by itself.
"""

import json

import pytest
import rules
from blocks import DOCUMENTS, TRANSLATIONS, Block, read
from story import PLAYERS, PROPS, Stage, Story

BLOCKS = [block for document in DOCUMENTS for block in read(document)]
PLAYED = [block for block in BLOCKS if block.language in PLAYERS]
OTHERS = [block for block in BLOCKS if block.language not in PLAYERS]


@pytest.fixture(scope="module")
def stories(tmp_path_factory) -> dict[str, Story]:
    return {document: Story(document, tmp_path_factory.mktemp("story")) for document in DOCUMENTS}


def original(block: Block) -> Block | None:
    """The block of which this one is a translation: the same code, with other comments."""
    candidates = read(TRANSLATIONS[block.document]) if block.document in TRANSLATIONS else []
    return next((candidate for candidate in candidates if block.means_the_same_as(candidate)), None)


@pytest.mark.parametrize("block", PLAYED, ids=str)
def test_block_runs(block, stories, sparring_command, monkeypatch):
    if original(block):
        return
    story = stories[block.document]
    monkeypatch.chdir(story.folder)
    story.play_up_to(block, Stage(sparring_command, monkeypatch))


@pytest.mark.parametrize("block", OTHERS, ids=str)
def test_block_that_is_not_run_is_listed_with_a_reason(block):
    if block.language in rules.SHOWN:
        assert all(json.loads(line) for line in block.code.splitlines())
    else:
        assert block.language == "", f"{block}: no rule says how to play {block.language!r}"
        assert rules.what_it_shows(block.code), f"{block}: name its language, or say in rules.OUTPUT what it shows"


def test_no_rule_is_left_over():
    shell = [command for block in BLOCKS if block.language == "sh" for command in block.commands]
    commands = [str(command) for command in shell]
    python = "".join(block.code for block in BLOCKS if block.language == "python")
    shown = {rules.what_it_shows(block.code) for block in OTHERS}
    assert {word for command in shell for word in command.words} >= rules.MINIATURES.keys()
    assert set(commands) >= rules.NOT_RUN.keys()
    assert shown >= set(rules.OUTPUT.values())
    assert [text for text in rules.PYTHON if text not in python] == []
    assert [text for text in PROPS if text not in python + "".join(commands)] == []
