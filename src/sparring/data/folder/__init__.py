"""Pictures of the user's own, in a folder or in a .zip file."""

from sparring.config import registry

registry.import_all(__name__, __path__)
