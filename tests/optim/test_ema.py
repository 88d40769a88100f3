import copy

import pytest
import torch
from torch import nn

from sparring.errors import InputError
from sparring.optim.ema import EMA, update_average


def test_after_a_halflife_the_past_weighs_half():
    average = EMA(halflife_images=1000, rampup=0)
    assert average.decay(images=5000, batch=1000) == pytest.approx(0.5)
    assert average.decay(images=5000, batch=100) ** 10 == pytest.approx(0.5)


def test_at_the_start_the_halflife_is_short():
    average = EMA(halflife_images=1000, rampup=0.05)
    assert average.decay(images=2000, batch=100) == pytest.approx(0.5)  # half-life 100
    assert average.decay(images=10**6, batch=1000) == pytest.approx(0.5)


def test_weights_and_running_statistics_follow():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    averaged = copy.deepcopy(network)
    before = {name: tensor.clone() for name, tensor in averaged.state_dict().items()}
    network(torch.randn(8, 3))
    with torch.no_grad():
        next(network.parameters()).add_(1)
    average = EMA(halflife_images=100, rampup=0)
    decay = 0.5**0.5
    assert average.decay(images=50, batch=50) == pytest.approx(decay)
    update_average(list(averaged.state_dict().values()), list(network.state_dict().values()), decay)
    for name, tensor in averaged.state_dict().items():
        new = network.state_dict()[name]
        expected = decay * before[name] + (1 - decay) * new if tensor.is_floating_point() else new
        torch.testing.assert_close(tensor, expected)
    assert averaged[1].num_batches_tracked == 1


@pytest.mark.parametrize("settings", [{"halflife_images": 0}, {"halflife_images": float("inf")}, {"rampup": -1}])
def test_impossible_averages(settings):
    with pytest.raises(InputError, match="average\\."):
        EMA(**settings)
