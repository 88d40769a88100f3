"""Lists of widths, as recipes and strangers' files give them."""

from sparring.errors import check

MOST_LAYERS = 1000  # nobody wants more, and a file could ask for millions


def check_widths(name: str, widths: tuple[int, ...], may_be_empty: bool = False) -> None:
    """InputError where there are too many, one is below 1, or there is none where there should be."""
    wanted = "be numbers, each at least 1" if may_be_empty else "be one or more numbers, each at least 1"
    check(len(widths) <= MOST_LAYERS, name, f"a list of {len(widths):,}", f"have at most {MOST_LAYERS} numbers")
    check((may_be_empty or bool(widths)) and min(widths, default=1) >= 1, name, list(widths), wanted)
