"""PyTorch's exporters, which versions of it can be used, and what is left of their remarks."""

import logging
import sys
import warnings

import pytest

from sparring.errors import InputError
from sparring.exporters.quietly import quietly, require_version


@pytest.mark.parametrize("version", ["2.7.0", "2.7.1+cu126", "2.10.0", "2.13.0+cpu", "3.0.0a0+git1234567"])
def test_newer_versions_export(version):
    require_version(version)


@pytest.mark.parametrize("version", ["2.5.1", "2.6.0+cu124"])
def test_older_versions_are_named(version):
    with pytest.raises(InputError, match=rf"exports need PyTorch 2\.7 or newer, and this is {version.split('+')[0]}"):
        require_version(version)


def test_nothing_is_said(capsys, caplog):
    with quietly("x"):
        print("a remark")
        print("another", file=sys.stderr)
        warnings.warn("a third", stacklevel=1)
        logging.getLogger("torch.onnx").error("a fourth")
    assert capsys.readouterr() == ("", "")
    assert not caplog.records
    logging.getLogger("torch.onnx").error("afterwards")
    assert [record.message for record in caplog.records] == ["afterwards"]


def test_the_first_cause_is_the_reason():
    @quietly("cannot export x")
    def fail() -> None:
        raise RuntimeError("wrapped") from ValueError("\x1b[96mrows\x1b[0m are fixed\nmore")

    with pytest.raises(InputError, match=r"^cannot export x: rows are fixed$"):
        fail()
