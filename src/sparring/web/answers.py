"""JSON for the page."""

import json
from typing import Any

from starlette.responses import JSONResponse


class Finite(JSONResponse):
    """JSON in which numbers that are not finite are null."""

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


def dumps(content: Any) -> str:
    """JSON on one line; what is not finite, as a damaged file may hold it, is null."""
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(json.loads(json.dumps(content), parse_constant=lambda _: None), separators=(",", ":"))
