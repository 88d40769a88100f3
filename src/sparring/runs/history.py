"""The journalled rounds of a run as a table."""

from typing import Any

from sparring.errors import InputError


class History(list[dict[str, Any]]):
    """The journalled rounds in order, each a dict with `round`, `epoch`, `images`, `seconds`, `g_loss`, `d_loss`, ..."""

    def to_pandas(self) -> Any:
        """A pandas.DataFrame with a row for each round; InputError where pandas is not installed."""
        try:
            import pandas  # pyright: ignore[reportMissingImports]
        except ImportError:
            raise InputError("pandas is not installed; install it, or use the history as a list of dicts") from None
        return pandas.DataFrame(list(self))
