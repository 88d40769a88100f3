"""With --no-skips, as CI runs the tests, a test that finds no browser or package fails; one for other machines is skipped."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

def test_without_a_browser():
    pytest.skip("no browser starts here")

@pytest.mark.skipif(True, reason="another machine")
def test_of_another_machine():
    pass
"""


def test_a_test_or_a_file_that_skips_itself_fails(tmp_path):
    (tmp_path / "conftest.py").symlink_to(Path(__file__).with_name("conftest.py"))
    (tmp_path / "test_one.py").write_text(TESTS)
    (tmp_path / "test_file.py").write_text("import pytest\npytest.importorskip('a_package_that_is_missing')\n")
    pytest = [sys.executable, "-m", "pytest", "-q", "--no-skips", "--continue-on-collection-errors", str(tmp_path)]
    done = subprocess.run(pytest, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("1 failed, 1 skipped, 1 error")
    assert "--no-skips: " in done.stdout
