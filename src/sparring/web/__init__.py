"""The page to watch and steer a training, to fork it, and to explore a generator."""

from importlib.util import find_spec

from sparring.errors import InputError


def need_extra() -> None:
    """InputError, with what to install, where the server's packages are not there."""
    for name in ("starlette", "uvicorn"):
        if find_spec(name) is None:
            raise InputError(f'{name} is not installed; install it: pip install "sparring[web]"')
