"""The journal's lines and their checksums, whatever a kill or a disk does between them."""

import pytest

from sparring.errors import InputError, MachineError
from sparring.runs import journal
from sparring.runs.journal import Journal


@pytest.fixture
def path(tmp_path):
    """A journal of three lines."""
    written = Journal(tmp_path / "journal.jsonl")
    for number in range(3):
        written.write("note", round=number, text="é\u2028")
    return tmp_path / "journal.jsonl"


def rounds(path) -> list[int]:
    return [event["round"] for event in journal.read(path)]


def test_lines_are_read_as_they_were_written(path):
    assert rounds(path) == [0, 1, 2]
    assert path.read_bytes().count(b"\n") == 3
    assert journal.sums_of(path).stat().st_size == 3 * 9


@pytest.mark.parametrize("name", ["journal.jsonl", "journal.crc32"])
def test_every_flipped_bit_is_noticed(path, name):
    file = path.with_name(name)
    whole = file.read_bytes()
    for place in range(8 * len(whole)):
        data = bytearray(whole)
        data[place // 8] ^= 1 << place % 8
        file.write_bytes(data)
        with pytest.raises(InputError, match=r"journal.jsonl:[1-3] was damaged"):
            rounds(path)


@pytest.mark.parametrize("fields", [{"differs_by": [1e-7]}, {"round": -1}, {"d_loss": float("nan")}])
def test_what_could_not_be_read_is_not_written(path, fields):
    with pytest.raises(ValueError, match=r"the journal cannot hold .*it must be|Out of range float values"):
        Journal(path).write("capture", **fields)
    with pytest.raises(ValueError, match="the event 'end' lacks ending"):
        Journal(path).write("end", round=3, seconds=1.0)
    assert rounds(path) == [0, 1, 2]


def test_what_a_kill_leaves_is_read(path):
    """Whichever of a line's two writes it comes into."""
    whole, sums = path.read_bytes(), journal.sums_of(path).read_bytes()
    for torn in range(1, 10):
        journal.sums_of(path).write_bytes(sums + b"01234567\n"[:torn])
        assert rounds(path) == [0, 1, 2]
    journal.sums_of(path).write_bytes(sums)
    line = whole.splitlines(keepends=True)[-1]
    for torn in range(len(line)):
        path.write_bytes(whole[: len(whole) - len(line) + torn])
        assert rounds(path) == [0, 1]


def test_lines_that_are_gone_are_counted_but_for_the_one_of_a_kill(path):
    lines = path.read_bytes().splitlines(keepends=True)
    for kept, missing in ((3, 0), (2, 0), (1, 1)):
        path.write_bytes(b"".join(lines[:kept]))
        assert journal.missing_lines(path) == missing


def test_a_cut_drops_lines_and_their_checksums(path):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + b'{"event": "ro')
    journal.truncate_after(path, len(lines[0]))
    assert rounds(path) == [0]
    Journal(path).write("note", round=9)
    assert rounds(path) == [0, 9]
    assert journal.missing_lines(path) == 0


def test_a_cut_of_a_damaged_journal_is_refused_and_changes_nothing(path):
    data = path.read_bytes().replace(b'"round": 0', b'"round": 7')
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"journal.jsonl:1 was damaged"):
        journal.truncate_after(path, len(data))
    assert path.read_bytes() == data


def test_a_journal_without_checksums_gets_them_when_it_goes_on(path):
    journal.sums_of(path).unlink()
    assert rounds(path) == [0, 1, 2]
    journal.truncate_after(path, path.stat().st_size)
    Journal(path).write("note", round=3)
    path.write_bytes(path.read_bytes().replace(b'"round": 1', b'"round": 5'))
    with pytest.raises(InputError, match=r"journal.jsonl:2 was damaged"):
        rounds(path)


@pytest.fixture
def disk(tmp_path):
    """A folder in the place of the journal's file: it takes nothing until it is removed."""
    (tmp_path / "gone").mkdir()
    path = tmp_path / "gone" / "journal.jsonl"
    Journal(path).write("note", round=0)
    (tmp_path / "gone").rename(tmp_path / "elsewhere")
    return tmp_path


def test_a_line_that_the_disk_does_not_take_is_an_error(disk):
    with pytest.raises(MachineError, match=r"cannot write .*: No such file .*its folder is gone"):
        Journal(disk / "gone" / "journal.jsonl").write("note", round=1)


def test_a_patient_journal_keeps_its_lines_for_better_times(disk):
    patient = Journal(disk / "gone" / "journal.jsonl", patient=True)
    for number in (1, 2):
        patient.write("note", round=number)
        assert not patient.is_written
    (disk / "elsewhere").rename(disk / "gone")
    patient.write("note", round=3)
    assert patient.is_written
    assert rounds(disk / "gone" / "journal.jsonl") == [0, 1, 2, 3]
