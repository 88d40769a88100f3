"""Files: written whole or not at all, strict JSON, tensors with a checksum, checksums of folders, locks."""
