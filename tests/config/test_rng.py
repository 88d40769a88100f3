import torch
from hypothesis import given
from hypothesis import strategies as st

from sparring.config.rng import derive_seed, keyed_generator

addresses = st.lists(st.integers(-(2**40), 2**40) | st.text(max_size=5), max_size=4).map(tuple)


@given(seed=st.integers(0, 2**64), address=addresses)
def test_keys_are_seeds(seed, address):
    assert derive_seed(seed, *address) == derive_seed(seed, *address)
    assert 0 <= derive_seed(seed, *address) < 2**63


@given(one=addresses, other=addresses)
def test_another_address_is_another_key(one, other):
    assert (derive_seed(0, *one) == derive_seed(0, *other)) == (one == other)


def test_places_count_not_only_what_stands_in_them():
    keys = {derive_seed(*parts) for parts in [(0,), (1,), (0, 1), (1, 0), (0, "1"), (0, 1, 1), (0, 11), (0, "z", 1), (0, "z1")]}
    assert len(keys) == 9


def test_keys_stay_as_they_are():
    """A change here, or a dependence on the process, would make every run irreproducible."""
    assert derive_seed(0, "z", 0, 0) == 4155016305703087644
    assert derive_seed(0, "order", 5) != derive_seed(0, "order", 6)


def test_a_generator_draws_what_its_address_says():
    one, two, other = (torch.randn(4, generator=keyed_generator("cpu", 0, "z", r)) for r in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_generators_are_independent_of_the_users():
    state = torch.get_rng_state()
    torch.randn(4, generator=keyed_generator("cpu", 0, "z"))
    assert torch.equal(torch.get_rng_state(), state)
