"""The page to watch and steer a training, to fork it, and to explore a generator."""

from importlib import import_module

from sparring.errors import InputError


def need_extra() -> None:
    """InputError, with what to install, where the server's packages are not there."""
    for name in ("starlette", "uvicorn"):
        try:
            import_module(name)
        except ModuleNotFoundError as error:
            raise InputError(f'{error.name} is not installed; install it: pip install "sparring[web]"') from None
