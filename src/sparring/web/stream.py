"""The stream of a page: new lines of the runs that it shows, and the rows of the list that have changed."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from sparring.errors import InputError
from sparring.web.answers import dumps
from sparring.web.run_index import RunIndex, stamp
from sparring.web.series import rows_after

TICK = 0.5  # seconds between two looks at the journals
LIST_EVERY = 4  # ticks between two looks at the list of runs
MOST_RUNS = 16
MOST_NEW = 1 << 23  # bytes of new lines that are sent one by one

Places = dict[str, int]


def places(text: str, run_index: RunIndex) -> Places:
    """`ID:OFFSET,ID:OFFSET` -> how far the page has read each run; runs that are not there are left out."""
    found = re.findall(r"([0-9a-f]{12}):([0-9]{1,15})", text[:2000])
    return {name: int(offset) for name, offset in found[:MOST_RUNS] if name in run_index.entries()}


async def events(app: Starlette, at: Places) -> AsyncIterator[str]:
    """Server-sent events until the page goes or the server ends; the id of each says how far the page has read then."""
    run_index: RunIndex = app.state.run_index
    known: dict[str, Any] = {}
    yield "retry: 2000\n\n"
    tick = 0
    while not app.state.closing:
        for name in at:
            while news := await run_in_threadpool(_news, run_index, name, at[name]):
                at[name] = news["offset"]
                yield _event("lines", {"run": name, **news}, at)
        if tick % LIST_EVERY == 0:
            rows = {row["id"]: row for row in await run_in_threadpool(run_index.rows)}
            if rows != known or tick == 0:
                yield _event("runs", _difference(known, rows), at)
                known = rows
        tick += 1
        await asyncio.sleep(TICK)


def _difference(known: dict[str, Any], rows: dict[str, Any]) -> dict[str, Any]:
    """The rows that are new or have changed, and the ids of runs that have gone."""
    return {"rows": [row for name, row in rows.items() if known.get(name) != row], "gone": [*(known.keys() - rows.keys())]}


def _news(run_index: RunIndex, name: str, offset: int) -> dict[str, Any] | None:
    """The rounds and marks after `offset`, and the new offset; None where there is nothing new.

    `cut` in their place where the journal has become another, or there is so much that the page better reads it anew.
    """
    entry = run_index.entries().get(name)
    if entry is None:
        return None
    length = stamp(entry.journal)[1]
    if length in (0, offset):
        return None
    if length - offset > MOST_NEW:
        return {"offset": length, "cut": True}
    try:
        reached, rounds, marks = rows_after(entry.journal, offset)
    except InputError:
        return {"offset": length, "cut": True}
    return {"offset": reached, "rounds": rounds, "marks": marks} if reached > offset else None


def _event(kind: str, data: Any, at: Places) -> str:
    place = ",".join(f"{name}:{offset}" for name, offset in at.items())
    return f"event: {kind}\nid: {place}\ndata: {dumps(data)}\n\n"
