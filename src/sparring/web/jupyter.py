"""Where the notebook is that runs this program: its origins, as browsers name them, and whether it is on this machine."""

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sparring.errors import InputError
from sparring.storage import strict_json

HERE = ("localhost", "127.0.0.1")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?")


def notebook_origins(origin: str | None = None) -> tuple[str, ...]:
    """The origin that was given, or those of the Jupyter server that has started this kernel; () where that is not known.

    Raises InputError if `origin` is none.
    """
    if origin is not None:
        if not _ORIGIN.fullmatch(origin.removesuffix("/")):
            shown = strict_json.shown(origin)
            raise InputError(f"origin is {shown}; it must be an address up to its port, such as http://localhost:8888")
        return (origin.removesuffix("/"),)
    found = _server()
    scheme = "https" if found.get("secure") else "http"
    return tuple(f"{scheme}://{name}:{int(found['port'])}" for name in HERE) if "port" in found else ()


def is_remote() -> bool:
    """True where the browser is likely to be on another machine: an SSH session, JupyterHub, Colab, or a public address."""
    signs = ("SSH_CONNECTION", "JUPYTERHUB_SERVICE_PREFIX")
    host = _server().get("hostname", "localhost")
    return any(name in os.environ for name in signs) or "google.colab" in sys.modules or host not in (*HERE, "::1")


def _server() -> dict[str, Any]:
    """What Jupyter has noted of the server that has started this kernel; {} where there is none."""
    with suppress(ImportError, OSError, ValueError):
        from jupyter_core.paths import jupyter_runtime_dir

        path = Path(jupyter_runtime_dir(), f"jpserver-{int(os.environ.get('JPY_PARENT_PID', ''))}.json")
        found = json.loads(path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) and isinstance(found.get("port"), int) else {}
    return {}
