"""Parts go together, or say why not."""

import pytest

from matrix.matrix import PAGE, covering, examples, factors, page, refusal


@pytest.mark.parametrize("chosen", covering(factors()), ids=lambda chosen: "-".join(chosen.values()))
def test_any_two_parts_play_or_say_why_not(chosen):
    reason = refusal(chosen, examples())
    assert reason is None or ("must" in reason or ";" in reason or "cannot" in reason)


def test_the_page_tells_what_goes_with_what():
    assert PAGE.read_text() == page(factors(), examples())
