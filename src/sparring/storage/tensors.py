"""Safetensors files with a checksum, which hold tensors and JSON facts about them."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from sparring.errors import InputError
from sparring.storage import strict_json


def encode_tensors(format: str, facts: dict[str, Any], tensors: dict[str, Tensor]) -> tuple[bytes, str]:
    """The bytes of a file of this format, and its checksum (SHA-256 over facts and tensors, in hex)."""
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    text = json.dumps(facts, ensure_ascii=False, allow_nan=False)
    checksum = _checksum(text, tensors)
    return _in_order(save(tensors, {"format": format, "facts": text, "sha256": checksum})), checksum


def read_tensors(path: Path, format: str, what: str) -> tuple[dict[str, Any], dict[str, Tensor], str]:
    """Facts, tensors and checksum of a file.

    `what` names the kind of file in errors. Raises InputError if the file is truncated, altered, or of another format.
    """
    tensors, metadata = read_safetensors(path, what)
    if metadata.get("format") != format:
        raise InputError(f"{path} has the format {_quoted(metadata.get('format'))}; this version reads {format}")
    text = metadata.get("facts", "")
    checksum = _checksum(text, tensors)
    if checksum != metadata.get("sha256"):
        raise InputError(f"{path} is no intact {what}: its checksum does not match")
    facts = strict_json.parse(text, f"the facts in {path}")
    if not isinstance(facts, dict):
        raise InputError(f"{path} is no {what}: its facts are no JSON object")
    return facts, tensors, checksum


def read_safetensors(path: Path, what: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of any safetensors file; InputError, naming it by `what`, if it is not an intact one.

    The library checks the header against the file's size before it returns a tensor, and maps the file instead of copying.
    """
    if not path.is_file():  # reading a pipe could block
        raise InputError(f"{path} is no intact {what}: there is no such file")
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except MemoryError:
        raise
    except Exception as error:  # damaged files cause errors of many types
        raise InputError(f"{path} is no intact {what}: {strict_json.one_line(str(error))}") from None


def _quoted(word: str | None) -> str:
    return repr(word and strict_json.one_line(word))


def _in_order(data: bytes) -> bytes:
    """The same file with sorted metadata: safetensors writes it in arbitrary order, but equal files shall have equal bytes."""
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
