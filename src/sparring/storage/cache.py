"""The cache folder: a place for what was fetched or computed, shared by all processes of a user."""

import os
from pathlib import Path

import platformdirs

from sparring.errors import InputError


def cache_folder() -> Path:
    """$SPARRING_CACHE, or else the user's cache folder; InputError where the user has no home."""
    try:
        folder = os.environ.get("SPARRING_CACHE") or platformdirs.user_cache_dir("sparring", appauthor=False)
    except RuntimeError:  # from platformdirs 4.4 on
        folder = "~"
    if folder.startswith("~"):
        raise InputError("this user has no home folder to keep data in; name a folder with SPARRING_CACHE")
    return Path(folder)
