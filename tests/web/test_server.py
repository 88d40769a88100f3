"""The command `sparring play` as a process: what it prints, where it serves, how it ends."""

import re
import signal
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection

import pytest

from sparring.errors import InputError
from sparring.web.app import ASSETS
from sparring.web.server import Address, serve
from web.serving import make_run, rounds


def test_it_serves_until_ctrl_c_and_keeps_its_token_to_itself(tmp_path):
    make_run(tmp_path / "a", rounds(3))
    command = [sys.executable, "-m", "sparring", "play", str(tmp_path), "--no-open", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    found = re.fullmatch(r"open http://127\.0\.0\.1:([0-9]+)/\?token=([\w-]{43})\n", process.stdout.readline())
    assert found
    connection = HTTPConnection("127.0.0.1", int(found[1]), timeout=10)
    headers = {"Cookie": f"sparring-{found[1]}={found[2]}"}
    for address in (f"/?token={found[2]}", "/", "/nowhere", "/api/runs/%00", "/static/main.js"):
        connection.request("GET", address, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status < 500
        assert "server" not in {name.lower() for name, _ in answer.getheaders()}
    connection.request("GET", "/api/stream", headers=headers)
    stream = connection.getresponse()
    assert stream.readline() == b"retry: 2000\n"
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert (process.returncode, err) == (0, "")
    assert found[2] not in out
    connection.close()


@pytest.mark.parametrize("address", [Address("256.1.1.1"), Address(port=1 << 20), Address("no.such.host.invalid", 0)])
def test_an_address_that_is_not_to_be_had(tmp_path, address):
    with pytest.raises(InputError, match=r"cannot serve at .*; name another with --host or --port"):
        serve(tmp_path, address, print)


def test_a_port_that_is_taken(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(InputError, match="in use"):
            serve(tmp_path, Address(port=other.getsockname()[1]), print)


def test_faults_of_the_command_get_a_sentence(sparring_command, monkeypatch):
    assert sparring_command("play", "nowhere", "--no-open").err == (
        "sparring: there is no folder nowhere; name a run, or a folder of runs\n"
    )
    assert "--data-root" in sparring_command("play", "--no-open", "--data-root", "nowhere").err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "sparring.web.server", raising=False)
    done = sparring_command("play", "--no-open")
    assert (done.status, done.err) == (2, 'sparring: uvicorn is not installed; install it: pip install "sparring[web]"\n')


def test_every_sentence_is_there_in_both_languages():
    """Each name that the page asks for stands in strings.js, with two texts that are not empty."""
    known = dict(
        re.findall(r'^  "?([\w. -]+?)"?: \[(".*")\],$', ASSETS["strings.js"].read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert len(known) > 150
    for name, texts in known.items():
        english, korean = re.findall(r'"((?:[^"\\]|\\.)+)"', texts)
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", korean)), name
    scripts = "".join(
        path.read_text(encoding="utf-8") for name, path in ASSETS.items() if name.endswith(".js") and name != "uplot.js"
    )
    asked = set(re.findall(r'\bt\(\s*"([\w. ]+)"', scripts))
    assert asked - known.keys() == set()
    for prefix, values in re.findall(r"\bt\(`(\w+)\.\$\{(\w+)\}`", scripts):
        assert any(name.startswith(f"{prefix}.") for name in known), (prefix, values)


def test_the_page_asks_no_other_host():
    for name, path in ASSETS.items():
        if path.suffix in (".js", ".css", ".html") and not name.startswith("uplot"):
            assert re.findall(r"https?://(?!www\.w3\.org/2000/svg\")", path.read_text(encoding="utf-8")) == [], name
