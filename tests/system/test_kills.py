"""Killed anywhere, and resumed, a run is the one that nobody disturbed. `make torture` tries far more."""

import sys

import pytest

from torture.kills import Arena


@pytest.fixture(scope="module")
def arena(tmp_path_factory) -> Arena:
    return Arena.prepare(tmp_path_factory.mktemp("arena"), ["vanilla"])


def test_every_kind_of_boundary_is_met(arena):
    assert arena.boundaries["vanilla"] > 300


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("share", [0.02, 0.13, 0.37, 0.5, 0.61, 0.74, 0.88, 0.999])
def test_a_kill_at_a_boundary_of_a_write(arena, share):
    assert arena.kill_at("vanilla", round(share * arena.boundaries["vanilla"])) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.6])
def test_a_kill_at_any_time(arena, seconds):
    assert arena.kill_after("vanilla", seconds) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_resume_that_is_killed_too(arena):
    assert arena.kill_at("vanilla", 90, 20, 130) == []
