"""Safetensors files that carry their own checksum: tensors, and facts about them as JSON."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sparring.errors import InputError


def seal(format: str, facts: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[bytes, str]:
    """The bytes of a file of this format, and its checksum (SHA-256 over facts and tensors, in hex)."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    checksum = _checksum(text, tensors)
    return _in_order(save(tensors, {"format": format, "facts": text, "sha256": checksum})), checksum


def unseal(path: Path, format: str, what: str) -> tuple[dict[str, Any], dict[str, Tensor], str]:
    """Facts, tensors and checksum of a file.

    Raises InputError, saying that it is no intact `what`, where the file is truncated, altered, or of another format.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} is no intact {what}: {error}") from None
    if metadata.get("format") != format:
        raise InputError(f"{path} has the format {metadata.get('format')!r}; this version reads {format}")
    text = metadata.get("facts", "")
    checksum = _checksum(text, tensors)
    if checksum != metadata.get("sha256"):
        raise InputError(f"{path} is no intact {what}: its checksum does not match")
    return json.loads(text), tensors, checksum


def _in_order(data: bytes) -> bytes:
    """The same file with its metadata in alphabetical order: safetensors writes it in any, and equal files have equal bytes."""
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # tensors are aligned to eight bytes
    return len(text).to_bytes(8, "little") + text + data[end:]


def _checksum(text: str, tensors: dict[str, Tensor]) -> str:
    digest = sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
