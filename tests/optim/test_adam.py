import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from sparring.errors import InputError
from sparring.optim.adam import Adam, AdamOptimizer, StepClock

LARGE_EPS = 1e-2  # large enough for the place of epsilon to show
SHAPES = [(3, 4), (5,), ()]


def gradients(num_steps: int, seed: int = 0) -> list[list[np.ndarray]]:
    """Random gradients whose sizes span six decades."""
    rng = np.random.default_rng(seed)
    return [[rng.normal(size=s) * 10.0 ** rng.uniform(-5, 1, s) for s in SHAPES] for _ in range(num_steps)]


def parameters(dtype: torch.dtype = torch.float64) -> list[nn.Parameter]:
    rng = np.random.default_rng(99)
    return [nn.Parameter(torch.tensor(rng.normal(size=shape), dtype=dtype)) for shape in SHAPES]


def arrays(tensors) -> list[np.ndarray]:
    return [tensor.detach().numpy().copy() for tensor in tensors]


def assert_alike(tensors, expected, **tolerance):
    for tensor, array in zip(tensors, expected, strict=True):
        np.testing.assert_allclose(tensor.detach().numpy(), array, **(tolerance or {"rtol": 0, "atol": 1e-12}))


class PaperAdam:
    """Algorithm 1 of Kingma and Ba."""

    def __init__(self, values, s: Adam):
        self.values, self.s, self.t = values, s, 0
        self.m, self.v = ([np.zeros_like(x) for x in values] for _ in range(2))

    def step(self, grads):
        self.t += 1
        for i, g in enumerate(grads):
            self.m[i] = self.s.beta1 * self.m[i] + (1 - self.s.beta1) * g
            self.v[i] = self.s.beta2 * self.v[i] + (1 - self.s.beta2) * g**2
            m_hat = self.m[i] / (1 - self.s.beta1**self.t)
            v_hat = self.v[i] / (1 - self.s.beta2**self.t)
            self.values[i] = self.values[i] - self.s.lr * m_hat / (np.sqrt(v_hat) + self.s.eps)


class KerasAdam(PaperAdam):
    """The documented update of Keras and TensorFlow: a corrected rate, epsilon beside the raw root."""

    def step(self, grads):
        self.t += 1
        rate = self.s.lr * math.sqrt(1 - self.s.beta2**self.t) / (1 - self.s.beta1**self.t)
        for i, g in enumerate(grads):
            self.m[i] = self.s.beta1 * self.m[i] + (1 - self.s.beta1) * g
            self.v[i] = self.s.beta2 * self.v[i] + (1 - self.s.beta2) * g**2
            self.values[i] = self.values[i] - rate * self.m[i] / (np.sqrt(self.v[i]) + self.s.eps)


class TensorFlow1Adam:
    """One object for several lists of variables: slots for each, but one pair of beta powers, advanced at every apply."""

    def __init__(self, s: Adam):
        self.s, self.beta1_power, self.beta2_power = s, s.beta1, s.beta2

    def apply(self, values, m, v, grads):
        rate = self.s.lr * math.sqrt(1 - self.beta2_power) / (1 - self.beta1_power)
        for i, g in enumerate(grads):
            m[i] += (g - m[i]) * (1 - self.s.beta1)
            v[i] += (g * g - v[i]) * (1 - self.s.beta2)
            values[i] = values[i] - rate * m[i] / (np.sqrt(v[i]) + self.s.eps)
        self.beta1_power *= self.s.beta1
        self.beta2_power *= self.s.beta2


def run(settings: Adam, params, steps, clock=None) -> AdamOptimizer:
    optimizer = AdamOptimizer(settings, params, clock or StepClock())
    for grads in steps:
        optimizer.step([torch.tensor(g, dtype=p.dtype) for g, p in zip(grads, params, strict=True)])
    return optimizer


@pytest.mark.parametrize("eps", [1e-8, LARGE_EPS])
@pytest.mark.parametrize(("beta1", "beta2"), [(0.9, 0.999), (0.5, 0.999), (0.0, 0.9)])
@pytest.mark.parametrize(("form", "reference"), [("plain", PaperAdam), ("hat", KerasAdam)])
def test_twenty_steps_follow_the_published_formulas(form, reference, beta1, beta2, eps):
    settings = Adam(lr=0.01, beta1=beta1, beta2=beta2, eps=eps, epsilon=form)
    params, steps = parameters(), gradients(20)
    naive = reference(arrays(params), settings)
    for grads in steps:
        naive.step(grads)
    moments = run(settings, params, steps).moments()
    assert_alike(params, naive.values)
    assert_alike(moments["exp_avg"], naive.m)
    assert_alike(moments["exp_avg_sq"], naive.v)


@pytest.mark.parametrize("form", ["plain", "hat"])
def test_float32_agrees_to_its_precision(form):
    settings, params = Adam(lr=0.01, epsilon=form), parameters(torch.float32)
    naive = (PaperAdam if form == "plain" else KerasAdam)(arrays(params), settings)
    for grads in gradients(20):
        naive.step(grads)
    run(settings, params, gradients(20))
    assert_alike(params, naive.values, rtol=1e-5, atol=1e-6)


def test_one_tensorflow_1_optimizer_for_two_players():
    settings = Adam(lr=0.01, eps=LARGE_EPS, epsilon="hat")
    clock, naive = StepClock(), TensorFlow1Adam(settings)
    players = []
    for seed in (1, 2):
        params = parameters()
        slots = [arrays(params), [np.zeros(s) for s in SHAPES], [np.zeros(s) for s in SHAPES]]
        players.append((params, AdamOptimizer(settings, params, clock), slots, gradients(20, seed)))
    for step in range(20):
        for _, optimizer, (values, m, v), grads in players:
            optimizer.step([torch.tensor(g) for g in grads[step]])
            naive.apply(values, m, v, grads[step])
    assert clock.count == 40
    for params, _, (values, _, _), _ in players:
        assert_alike(params, values)


def step_sizes(settings: Adam, clock: StepClock, num: int, others: int = 0, gradient: float = 1.0) -> list[float]:
    """Sizes of one weight's steps under a constant gradient; the clock gains `others` counts between them."""
    weight = nn.Parameter(torch.zeros((), dtype=torch.float64))
    optimizer, values = AdamOptimizer(settings, [weight], clock), [0.0]
    for _ in range(num):
        optimizer.step([torch.tensor(gradient, dtype=torch.float64)])
        clock.count += others
        values.append(weight.item())
    return [before - after for before, after in pairwise(values)]


def test_first_step_is_the_learning_rate_whatever_the_gradient():
    for epsilon in ("plain", "hat"):
        settings = Adam(lr=2e-4, eps=1e-30, epsilon=epsilon)
        for gradient in (1e-6, 1.0, -1e6):
            (size,) = step_sizes(settings, StepClock(), 1, gradient=gradient)
            assert size == pytest.approx(math.copysign(2e-4, gradient), rel=1e-6)


def test_first_step_with_epsilon_by_hand():
    # g = 0.01, eps = 0.001. plain: 0.01 / (0.01 + 0.001); hat: 0.01 / (0.01 + 0.001 / sqrt(0.001))
    (plain,) = step_sizes(Adam(lr=1.0, eps=1e-3), StepClock(), 1, gradient=0.01)
    (hat,) = step_sizes(Adam(lr=1.0, eps=1e-3, epsilon="hat"), StepClock(), 1, gradient=0.01)
    assert plain == pytest.approx(0.9090909, rel=1e-6)
    assert hat == pytest.approx(0.2402530, rel=1e-6)


def test_who_steps_second_on_a_shared_clock_starts_shorter():
    # at t = 2: 0.1 / (1 - 0.81) * sqrt((1 - 0.999^2) / 0.001) of the rate
    (size,) = step_sizes(Adam(lr=1.0, eps=1e-30, epsilon="hat"), StepClock(count=1), 1)
    assert size == pytest.approx(0.1 / 0.19 * math.sqrt(1.999), rel=1e-6)


def test_a_shared_clock_lengthens_early_steps_by_the_square_root_of_2():
    settings = Adam(lr=1.0, beta2=0.99999, epsilon="hat")
    alone = step_sizes(settings, StepClock(), 100)[-1]
    shared = step_sizes(settings, StepClock(), 100, others=1)[-1]
    assert alone == pytest.approx(1, rel=1e-4)
    assert shared == pytest.approx(math.sqrt(2), rel=0.005)


def test_a_step_counts_once_and_leaves_no_gradients():
    params = parameters()
    optimizer = run(Adam(), params, gradients(3))
    assert optimizer.clock.count == 3
    assert all(p.grad is None for p in params)


def test_a_gradient_for_every_parameter():
    optimizer = AdamOptimizer(Adam(), parameters(), StepClock())
    with pytest.raises(ValueError, match="1 gradients for"):
        optimizer.step([torch.zeros(3, 4, dtype=torch.float64)])


def test_a_gradient_in_another_memory_format():
    """The kernel reads memory in order; a gradient of the same shape may lie otherwise than its parameter."""
    steps = []
    for memory_format in (torch.channels_last, torch.contiguous_format):
        parameter = nn.Parameter(torch.zeros(3, 4, 5, 5).to(memory_format=torch.channels_last))
        gradient = torch.arange(300.0).sub(150).view(3, 4, 5, 5).to(memory_format=memory_format)
        optimizer = AdamOptimizer(Adam(lr=1.0, eps=1.0), [parameter], StepClock())
        optimizer.step([gradient])
        steps.append(parameter.detach())
    assert torch.equal(*steps)
    torch.testing.assert_close(steps[0].sign(), -torch.arange(300.0).sub(150).view(3, 4, 5, 5).sign())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lr", 0.0),
        ("lr", -1e-3),
        ("lr", math.nan),
        ("beta1", 1.0),
        ("beta1", -0.1),
        ("beta1", math.nan),
        ("beta2", 1.0),
        ("beta2", -0.1),
        ("eps", -1e-8),
        ("eps", math.nan),
    ],
)
def test_unusable_settings(field, value):
    with pytest.raises(InputError, match=rf"optim\.{field} is {value}"):
        Adam(**{field: value})
