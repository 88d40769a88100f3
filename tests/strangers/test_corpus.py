"""A hundred of the corpus' files, in a process of their own."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded by RLIMIT_AS and forked processes")
def test_a_hundred_files_from_strangers():
    corpus = Path(__file__).with_name("corpus.py")
    done = subprocess.run([sys.executable, corpus, "--short"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-5000:] + done.stderr[-5000:]
    assert int(done.stdout.splitlines()[-1].split()[0]) > 100
