"""Remote files: their description and check, and the sources that they can be fetched from."""
