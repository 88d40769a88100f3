import io
import zipfile
import zlib

import pytest
from PIL import Image

from sparring.data import PictureFolder, resolve
from sparring.errors import InputError


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("SPARRING_CACHE", str(tmp_path_factory.mktemp("cache")))


def picture(level):
    buffer = io.BytesIO()
    Image.new("L", (3, 2), level).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path, members, how=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def levels(examples):
    return examples.images[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("how", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_is_read_like_the_folder_in_it(tmp_path, how):
    members = {f"{level:03}.png": picture(level) for level in range(20)}
    for name, data in members.items():
        (tmp_path / "folder" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "folder" / name).write_bytes(data)
    zipped = resolve(
        str(pack(tmp_path / "x.zip", members | {"readme.txt": "", "__MACOSX/._1.png": "", ".hidden.png": ""}, how))
    )
    folder = PictureFolder(str(tmp_path / "folder"))
    assert isinstance(zipped, PictureFolder)
    assert zipped.is_cached()
    assert levels(zipped.train()) == levels(folder.train())
    assert levels(zipped.test()) == levels(folder.test())
    assert zipped.train().fingerprint() == folder.train().fingerprint()


def test_classes_and_halves_lie_below_the_folder_that_was_packed(tmp_path):
    names = ["pets/train/cat/1.png", "pets/train/dog/1.png", "pets/test/dog/1.png"]
    data = PictureFolder(str(pack(tmp_path / "x.zip", {"pets/": ""} | {name: picture(9) for name in names})))
    assert (len(data.train()), len(data.test()), data.train().classes) == (2, 1, ("cat", "dog"))
    only_train = {f"train/{number}.png": picture(number) for number in range(3)}
    assert len(PictureFolder(str(pack(tmp_path / "y.zip", only_train))).train()) == 2


def test_an_empty_class_folder_is_named(tmp_path):
    path = pack(tmp_path / "x.zip", {"cat/1.png": picture(1), "cat/2.png": picture(2), "emu/": ""})
    with pytest.raises(InputError, match="emu holds no picture, though the folders beside it do"):
        PictureFolder(str(path)).train()


@pytest.mark.parametrize(
    "name", ["../1.png", "a/../../1.png", "/etc/1.png", "..\\1.png", "\\1.png", "C:\\1.png", "C:/1.png", "../x.txt"]
)
def test_a_path_that_leads_out_is_refused(tmp_path, name):
    (tmp_path / "in").mkdir()
    path = pack(tmp_path / "in" / "x.zip", {"2.png": picture(2), name: b"1"})
    with pytest.raises(InputError, match=r"has a member .* whose path leads out of it; nothing of it is read"):
        PictureFolder(str(path)).train()
    assert [file.name for file in tmp_path.rglob("*.png")] == []


def test_an_archive_that_unpacks_to_far_more_than_it_weighs_is_refused(tmp_path):
    path = pack(tmp_path / "x.zip", {"1.png": bytes(30_000_000), "2.png": picture(2)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match=r"weighs [0-9,]+ bytes and would unpack to 30,0[0-9,]+, more than 100 times as many"):
        PictureFolder(str(path)).train()


def test_a_member_cannot_declare_what_it_does_not_hold(tmp_path):
    path = pack(tmp_path / "x.zip", {"1.png": picture(1), "2.png": picture(2)})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2")
    data[at + 24 : at + 28] = (10**9).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"'1\.png' that cannot hold the 1,000,000,000 bytes it declares"):
        PictureFolder(str(path)).train()


def test_a_damaged_member_is_named(tmp_path):
    path = pack(tmp_path / "x.zip", {f"{number}.png": picture(number) for number in range(3)})
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 6] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"x\.zip: 0\.png: .*; 1 of 3 files is bad; mend or remove such files"):
        PictureFolder(str(path)).train()


def test_encrypted_doubled_and_other_archives_are_refused(tmp_path):
    path = pack(tmp_path / "x.zip", {"1.png": picture(1), "2.png": picture(2)})
    whole = path.read_bytes()
    data = bytearray(whole)
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"is encrypted \('1\.png'\); pack it without a password"):
        PictureFolder(str(path)).fetch()
    path.write_bytes(whole.replace(b"2.png", b"1.png"))
    with pytest.raises(InputError, match="has two members of one name"):
        PictureFolder(str(path)).fetch()
    for content in (b"", b"no archive", zlib.compress(whole)):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"x\.zip cannot be read as a \.zip file"):
            PictureFolder(str(path)).fetch()


@pytest.mark.parametrize("num", [0, 1])
def test_too_few_pictures_are_refused(tmp_path, num):
    path = pack(tmp_path / "x.zip", {f"{number}.png": picture(number) for number in range(num)})
    with pytest.raises(InputError, match=r"at least 2 are needed"):
        PictureFolder(str(path)).train()
    with pytest.raises(InputError, match=r"there is no folder or \.zip file .*gone\.zip"):
        resolve(str(tmp_path / "gone.zip"))


def read(path):
    return resolve(str(path)).train()


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_of_packing_are_read(tmp_path, how):
    assert len(read(pack(tmp_path / "x.zip", {f"{number}.png": picture(number) for number in range(3)}, how))) == 2


def test_drawings_that_shrink_are_no_bomb(tmp_path):
    buffer = io.BytesIO()
    Image.new("RGB", (256, 256), (255, 255, 255)).save(buffer, "BMP")
    path = pack(tmp_path / "x.zip", {f"{number}.bmp": buffer.getvalue() for number in range(12)}, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size * 100 < 12 * len(buffer.getvalue())
    assert len(read(path)) == 11


@pytest.mark.parametrize("marked", [False, True])
def test_korean_names_of_windows_are_read_as_meant(tmp_path, marked):
    kinds = {kind.encode("cp949"): kind for kind in ("고양이", "강아지")}
    path = tmp_path / "x.zip"
    pack(path, {f"{raw.decode('cp437') if marked else 'x' * 6}{n}/{n}.png": picture(n) for n, raw in enumerate([*kinds] * 3)})
    if not marked:
        data = path.read_bytes()
        for n, raw in enumerate([*kinds] * 3):
            data = data.replace(b"xxxxxx%d/" % n, raw + b"%d/" % n)
        path.write_bytes(data)
    assert read(path).classes == ("강아지1", "강아지3", "강아지5", "고양이0", "고양이2", "고양이4")


def test_other_names_stay_as_they_are(tmp_path):
    names = ["été", "año", "ÄÖÜ", "ßéíó", "日本", "a\\b"]
    classes = read(pack(tmp_path / "x.zip", {f"{name}/{n}.png": picture(n) for name in names for n in (1, 2)})).classes
    assert set(classes) == {"été", "año", "ÄÖÜ", "ßéíó", "日本", "a"}
