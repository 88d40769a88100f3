"""`sparring.play`: its value in Python, what Jupyter tells of the notebook, and the frame in a real browser."""

import json
import re
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace
from urllib.error import HTTPError, URLError
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

import sparring
from browser import chromium
from sparring.errors import InputError
from sparring.web.jupyter import is_remote, notebook_origins
from sparring.web.run_index import identity
from web.serving import add, make_run, rounds

ORIGIN = "http://localhost:8888"


@pytest.fixture(autouse=True)
def no_ssh(monkeypatch):
    for name in ("SSH_CONNECTION", "JUPYTERHUB_SERVICE_PREFIX", "JPY_PARENT_PID", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


def test_a_page_in_python(tmp_path, capsys, monkeypatch):
    run = make_run(tmp_path / "a", rounds(3))
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    with sparring.play(SimpleNamespace(path=run), port=0) as page:  # type: ignore[arg-type]
        assert capsys.readouterr().out == f"open {page.url}\n"  # no screen
        assert page.url.endswith(f"&run={identity(run, run)}")
        browser = build_opener(HTTPCookieProcessor())
        text = browser.open(page.url).read()
        assert b"<title>Sparring</title>" in text
        assert re.fullmatch(r"<sparring page at http://127\.0\.0\.1:\d+>", repr(page))
        with pytest.raises(HTTPError, match="404"):  # no notebook, no frame
            browser.open(page.url.partition("?")[0] + "frame")
    assert repr(page).endswith(", closed>")
    with pytest.raises(URLError):
        urlopen(page.url)
    monkeypatch.setenv("DISPLAY", ":0")
    with sparring.play(tmp_path, port=0) as page:
        assert opened == [page.url]
        assert "run=" not in page.url
    assert capsys.readouterr().out == ""


def test_faults_get_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="there is no folder nowhere"):
        sparring.play("nowhere")
    with pytest.raises(InputError, match="run is a int; it must be a run"):
        sparring.play(3)  # type: ignore[arg-type]
    for origin in ("localhost:8888", "http://a b", "http://a;script-src *", "http://a/b"):
        with pytest.raises(InputError, match="must be an address up to its port"):
            sparring.play(tmp_path, origin=origin)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(InputError, match=r'uvicorn is not installed; install it: pip install "sparring\[web\]"'):
        sparring.play(tmp_path)


def test_the_frame_is_for_the_notebook_and_its_token_goes_as_a_header(tmp_path):
    make_run(tmp_path / "a", rounds(3))
    with sparring.play(tmp_path, port=0, origin=ORIGIN) as page:
        here, token = re.findall(r"(.*)/\?token=(.*)", page.url)[0]
        answer = urlopen(f"{here}/frame")
        assert f"frame-ancestors {ORIGIN};" in answer.headers["Content-Security-Policy"] + ";"
        assert token.encode() not in answer.read()
        answer = urlopen(f"{here}/static/main.js")
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        for path, headers in (("/", {}), ("/api/runs", {}), ("/api/runs", {"x-sparring-token": "x"}), ("/frames", {})):
            with pytest.raises(HTTPError, match="403"):
                urlopen(Request(here + path, headers=headers))
        with pytest.raises(HTTPError, match="403"):  # it changes something, and comes from no page of ours
            urlopen(Request(f"{here}/api/check", b"{}", {"x-sparring-token": token, "origin": ORIGIN}))
        (row,) = json.load(urlopen(Request(f"{here}/api/runs", headers={"x-sparring-token": token})))
        assert row["name"] == "a"


def test_jupyter_tells_where_the_notebook_is(tmp_path, monkeypatch):
    pytest.importorskip("jupyter_core")
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    assert (notebook_origins(), is_remote()) == ((), False)
    monkeypatch.setenv("JPY_PARENT_PID", "123")
    assert notebook_origins() == ()
    file = tmp_path / "jpserver-123.json"
    for text in ("", "[]", "{}", '{"port": "x"}'):
        file.write_text(text)
        assert notebook_origins() == ()
    file.write_text(json.dumps({"port": 8899, "secure": False, "hostname": "localhost"}))
    assert (notebook_origins(), is_remote()) == (("http://localhost:8899", "http://127.0.0.1:8899"), False)
    assert notebook_origins("https://lab.example/") == ("https://lab.example",)
    file.write_text(json.dumps({"port": 8899, "secure": True, "hostname": "0.0.0.0"}))
    assert (notebook_origins()[0], is_remote()) == ("https://localhost:8899", True)
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    file.unlink()
    assert is_remote()


def test_a_remote_notebook_gets_a_link_and_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    with sparring.play(tmp_path, port=0) as page:
        shown = page._repr_html_()
    assert "<iframe" not in shown
    assert re.search(r'href="http://127\.0\.0\.1:(\d+)/frame#.*ssh -L \1:localhost:\1 ', shown, re.DOTALL)


@contextmanager
def notebook(content):
    """The origin of a server whose only page is what `content` returns."""

    class Notebook(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>notebook</title>" + content().encode())

        def log_message(self, format, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Notebook) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def test_the_frame_in_a_browser(tmp_path):
    """It shows the run in the notebook's origin, without a cookie; in another origin the browser refuses it."""
    run = make_run(tmp_path / "a", rounds(70))
    place = {name: rounds(70)[-1][name] for name in ("round", "epoch", "images", "seconds")}
    add(run, [{"event": "sample", **place, "file": "samples/round_000100.png"}])
    playwright = pytest.importorskip("playwright.sync_api")
    pages = []

    def shown():
        return pages[0]._repr_html_()

    with (
        chromium() as browser,
        notebook(shown) as ours,
        notebook(shown) as other,
        sparring.play(run, port=0, origin=ours) as page,
    ):
        pages.append(page)
        context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 1000})
        window = context.new_page()
        window.set_default_timeout(60_000)
        window.goto(ours)
        frame = window.frame_locator("iframe")
        frame.get_by_role("heading", name="Losses").wait_for()
        picture = frame.locator(".pictures img[src^='blob:']")
        playwright.expect(picture).to_have_js_property("naturalWidth", 1)
        add(run, [line | {"round": 71} for line in rounds(71)[70:]])
        frame.get_by_text("71", exact=True).wait_for()  # by the stream
        assert context.cookies() == []
        assert "#" not in window.frames[1].url

        with context.expect_page() as tab:  # a tab has a cookie
            window.get_by_text("in a tab of its own").click()
        tab.value.get_by_role("heading", name="Losses").wait_for()
        assert "/?run=" in tab.value.url

        stranger = browser.new_page()
        said = []
        stranger.on("console", lambda message: said.append(message.text))
        stranger.goto(other)
        assert stranger.frames[1].url.startswith("chrome-error:")
        assert any("frame-ancestors" in text for text in said)
