"""How rounds are executed on a device; losses, networks and recipes know nothing of it."""

from sparring.engine.eager import Engine, own_torch_state

__all__ = ["Engine", "own_torch_state"]
