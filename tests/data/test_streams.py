import zipfile
import zlib

from sparring.data.streams import most_bytes, most_pixels


def test_deflate_gives_nearly_as_much_as_the_bound_allows():
    num = 50_000_000
    packed = len(zlib.compress(bytes(num), 9, -15))
    assert 0.99 * most_bytes(packed) < num <= most_bytes(packed)


def test_what_is_stored_does_not_grow_and_other_methods_are_never_read():
    assert most_bytes(7, zipfile.ZIP_STORED) == 7
    assert most_bytes(7, zipfile.ZIP_LZMA) == most_bytes(7, zipfile.ZIP_BZIP2) == 0


def test_a_picture_of_one_bit_a_pixel_has_room():
    assert most_pixels(100) > 8 * most_bytes(100)
