"""What a picture file says beside its pixels: the orientation is read, and text that Pillow refuses is left out."""

import io
import re
import struct
from typing import BinaryIO

from PIL import Image

_ORIENTATION, _SHORT, _LONG = 0x0112, 3, 4  # a tag of EXIF, and two types of its values
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)([1-8])')
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LEFT_OUT = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")  # chunks of a PNG that say nothing about its pixels


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8, of a picture that was just opened; 1 where nothing intact says otherwise.

    Only this one entry is read, so that damage elsewhere in the EXIF data does no harm. It is 1 for a TIFF, which Pillow turns.
    """
    if image.format == "TIFF":
        return 1
    found = _in_exif(image.info.get("exif", b""))
    if found is None and (match := _XMP_ORIENTATION.search(image.info.get("xmp", b""))):
        found = int(match[1])
    return found if found is not None and 1 <= found <= 8 else 1


def without_text(stream: BinaryIO) -> io.BytesIO | None:
    """A PNG without its texts and its colour profile; None for another file."""
    stream.seek(0)
    if stream.read(len(_SIGNATURE)) != _SIGNATURE:
        return None
    bare = io.BytesIO()
    bare.write(_SIGNATURE)
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in _LEFT_OUT:
            stream.seek(length + 4, io.SEEK_CUR)
        else:
            bare.write(head + stream.read(length + 4))
        if kind == b"IEND":
            break
    bare.seek(0)
    return bare


def _in_exif(data: bytes) -> int | None:
    """The entry `orientation` of EXIF data; None where it is missing or damaged."""
    while data.startswith(b"Exif\0\0"):
        data = data[6:]
    order = _BYTE_ORDERS.get(data[:4])
    try:
        (start,) = struct.unpack_from(f"{order}I", data, 4)
        (num,) = struct.unpack_from(f"{order}H", data, start)
        for at in range(start + 2, start + 2 + 12 * num, 12):
            tag, kind, count = struct.unpack_from(f"{order}HHI", data, at)
            if tag == _ORIENTATION and count == 1 and kind in (_SHORT, _LONG):
                return struct.unpack_from(f"{order}{'H' if kind == _SHORT else 'I'}", data, at + 8)[0]
    except struct.error:  # it ends early, or has no byte order
        return None
    return None
