"""Two and four processes compute what one computes: in float64, where sums in another order agree to 15 digits."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiny import TUTORIALS
from torchrun import Group

SCRIPT = Path(__file__).with_name("group.py")
SIZES = [2, 4]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[int, list[dict]]:
    """What each process of a group of 1, 2 and 4 found."""
    folder = tmp_path_factory.mktemp("groups")
    subprocess.run([sys.executable, SCRIPT, folder], check=True)
    for size in SIZES:
        group = Group(size, SCRIPT, folder)
        assert group.wait() == 0, group.said
    return {size: [json.loads((folder / f"{size}-{rank}.json").read_text()) for rank in range(size)] for size in (1, *SIZES)}


def assert_same_trace(one: list, other: list) -> None:
    assert len(one) == len(other)
    for now, then in zip(other, one, strict=True):
        assert now == pytest.approx(then, rel=1e-9, abs=1e-11)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("recipe", [*TUTORIALS, "modern", "differences", "selfcond"])
def test_n_processes_give_the_trace_of_one(found, size, recipe):
    for process in found[size]:
        assert_same_trace(found[1][0]["traces"][recipe], process["traces"][recipe])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("recipe", ["dcgan", "paper", "vanilla"])
def test_batches_need_not_divide_evenly_and_some_have_no_rows(found, size, recipe):
    for process in found[size]:
        assert_same_trace(found[1][0]["odd_batches"][recipe], process["odd_batches"][recipe])


@pytest.mark.parametrize("size", SIZES)
def test_evaluation_is_shared(found, size):
    for process in found[size]:
        alone, shared = found[1][0]["evaluation"], process["evaluation"]
        assert shared["test"] == pytest.approx(alone["test"], rel=1e-12)
        assert shared["same"]
        assert shared["checkup"]
        for one, other in zip(alone["samples"], shared["samples"], strict=True):
            assert other == pytest.approx(one, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_synchronised_batch_norm_is_that_of_the_whole_batch(found, size):
    for process in found[size]:
        assert len(process["batch_norms"]) == 6
        for name, difference in process["batch_norms"].items():
            assert difference < 1e-12, name


@pytest.mark.parametrize("size", SIZES)
def test_batch_norm_per_process_is_another_computation_with_one_result(found, size):
    first, *others = (process["per_process"]["trace"] for process in found[size])
    for other in others:
        assert other == first
    alone = found[1][0]["per_process"]["trace"]
    assert first[0]["g_loss"] == pytest.approx(alone[0]["g_loss"], rel=0.1)
    assert first[0]["g_loss"] != pytest.approx(alone[0]["g_loss"], rel=1e-9)
    refused = found[size][0]["per_process"]["too small"]
    assert refused.startswith(f"InputError: batch_size is {2 * size - 1}; it must leave at least 2 samples to each of {size}")


@pytest.mark.parametrize("size", SIZES)
def test_an_error_of_one_is_an_error_of_all(found, size):
    for rank, process in enumerate(found[size]):
        errors = process["errors"]
        assert errors["agreed"] == f"InputError: no, says {size - 1}"
        assert errors["first"] == {"from": 0}
        assert errors["small batch"] == f"InputError: batch_size is 1; it must be at least {size}, the number of processes"
        assert errors["part"] == list(range(5 * rank // size, 5 * (rank + 1) // size))


@pytest.mark.parametrize("size", SIZES)
def test_nobody_leaves_before_the_first_who_has_to_write(found, size):
    assert all(process["left_last"] for process in found[size])
