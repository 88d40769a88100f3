"""Storage: atomic file writes, strict JSON, tensors with a checksum, checksums of folders, and locks."""
