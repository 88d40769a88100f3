import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.distributed.rows import Rows, sharded
from sparring.errors import InputError
from sparring.networks.layers.dropout import Dropout, shared_masks


@pytest.fixture(autouse=True)
def own_randomness():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize(("rate", "threshold"), [(0.0, 0), (0.1, 6554), (0.3, 19661), (0.5, 32768), (0.75, 49152)])
def test_zeros_come_at_the_rate(rate, threshold):
    layer, num = Dropout(rate), 1 << 20
    assert layer.threshold == threshold  # of 65536
    share = (layer(torch.ones(num)) == 0).double().mean().item()
    assert share == pytest.approx(threshold / 65536, abs=5 * (rate * (1 - rate) / num) ** 0.5)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5])
def test_what_is_kept_grows_by_the_share_of_zeros(rate):
    layer = Dropout(rate)
    kept = {value.item() for value in layer(torch.ones(10_000, dtype=torch.float64)).unique()}
    assert kept == {0.0, 65536 / (65536 - layer.threshold)}  # so that rate * 0 + (1 - rate) * scale is 1


@pytest.mark.parametrize("rate", [0.1, 0.3])
def test_the_mean_is_kept(rate):
    x = torch.linspace(0.5, 1.5, 1 << 20)
    assert Dropout(rate)(x).double().mean().item() == pytest.approx(1, abs=5e-3)


def test_every_place_of_the_four_in_a_word_is_fair():
    zeros = (Dropout(0.3)(torch.ones(1 << 18, 4)) == 0).double()
    assert zeros.mean(0).tolist() == pytest.approx([0.3] * 4, abs=5e-3)
    correlations = torch.corrcoef(zeros.T) - torch.eye(4)
    assert correlations.abs().max() < 0.01


def test_inference_is_the_identity():
    x = torch.randn(3, 5)
    assert Dropout(0.9).eval()(x) is x
    assert Dropout(0.0)(x) is x


@settings(deadline=None, max_examples=50)
@given(shape=st.lists(st.integers(0, 7), max_size=4), rate=st.floats(0, 0.99))
def test_any_shape(shape, rate):
    layer, x = Dropout(rate), torch.rand(shape) + 1
    y = layer(x)
    scaled = x * (65536 / (65536 - layer.threshold))
    assert y.shape == x.shape
    assert bool(((y == 0) | (y == scaled)).all())


@pytest.mark.parametrize("shape", [(2, 8, 14, 14), (3, 5, 7, 3)])
def test_channels_last_stays_so(shape):
    x = torch.rand(shape).add(1).to(memory_format=torch.channels_last)
    y = Dropout(0.5)(x)
    assert y.stride() == x.stride()
    zeros = (y == 0).double()
    assert zeros.mean().item() == pytest.approx(0.5, abs=0.15)
    torch.testing.assert_close(y, x * 2 * (1 - zeros).float())


def test_every_channel_has_its_own_mask():
    x = torch.ones(1, 4, 32, 32).to(memory_format=torch.channels_last)
    zeros = (Dropout(0.5)(x) == 0)[0].flatten(1).double()
    assert (torch.corrcoef(zeros) - torch.eye(4)).abs().max() < 0.2


def test_the_default_generator_determines_the_mask():
    layer, x = Dropout(0.5), torch.ones(1001)
    torch.manual_seed(3)
    first, second = layer(x), layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first)
    assert not torch.equal(first, second)


def test_the_gradient_meets_the_same_mask():
    x = torch.rand(33, 7, dtype=torch.float64).add(1).requires_grad_()
    y = Dropout(0.3)(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, y.detach() / x.detach())


def test_the_input_is_left_alone():
    x = torch.ones(100)
    Dropout(0.5)(x)
    assert torch.equal(x, torch.ones(100))


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, float("nan")])
def test_rate_out_of_range(rate):
    with pytest.raises(InputError, match=rf"the dropout rate is {rate}; it must lie in \[0, 1\)"):
        Dropout(rate)


def test_a_rate_just_below_1_still_divides():
    assert Dropout(1 - 1e-9)(torch.ones(1000)).isfinite().all()


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_batches_in_one_can_share_a_mask(memory_format):
    layer, alone = Dropout(0.5), torch.ones(4, 3, 5, 5).to(memory_format=memory_format)
    torch.manual_seed(1)
    expected = layer(alone)
    torch.manual_seed(1)
    with shared_masks(layer, 2):
        found = layer(torch.ones(8, 3, 5, 5).to(memory_format=memory_format))
    assert torch.equal(found, torch.cat((expected, expected)))
    assert not torch.equal(*layer(torch.ones(2, 75)))


def test_processes_share_the_rows_of_one_mask():
    layer, rng = Dropout(0.5), torch.Generator()
    rows = Rows(6, ((2, 4),), rng.manual_seed(1), lambda tensor: tensor[None])
    with sharded(layer, rows):
        expected = layer(torch.ones(2, 40))
        rng.manual_seed(1)
        with shared_masks(layer, 3):
            found = layer(torch.ones(6, 40))
    assert torch.equal(found, torch.cat([expected] * 3))
