"""Access to the server: token, cookie, Host, Origin, headers, sizes; and requests that no browser sends."""

import json
import re
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from sparring.errors import InputError
from sparring.web.app import make_app
from sparring.web.run_index import RunIndex
from sparring.web.safety import HEADERS, LARGEST_BODY, Access, Safety
from web.serving import BASE, PNG, PORT, TOKEN, client, make_run, rounds


@pytest.fixture
def stranger():
    """A client without the cookie, and a server that gives back what is sent to it."""

    async def echo(request: Request):
        return PlainTextResponse(str(len(await request.body())))

    app = Starlette(
        routes=[Route("/{path:path}", echo, methods=["GET", "POST"])],
        middleware=[Middleware(Safety, access=Access(TOKEN, PORT))],
    )
    return TestClient(app, base_url=BASE, follow_redirects=False)


@pytest.fixture
def guest(stranger):
    stranger.cookies.set(f"sparring-{PORT}", TOKEN)
    return stranger


def test_the_token_moves_from_the_address_to_a_cookie(stranger):
    assert stranger.get("/").status_code == 403
    answer = stranger.get(f"/?lang=ko&token={TOKEN}&run=a%26b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?lang=ko&run=a%26b")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"sparring-{PORT}={TOKEN};")
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip().lower() for part in cookie.split(";")}
    assert stranger.get("/").status_code == 200  # the cookie was kept


@pytest.mark.parametrize("token", ["", "the-toke", "the-token2", "열쇠", "the\x00token"])
def test_another_token_opens_nothing(stranger, token):
    assert stranger.get("/", params={"token": token}).status_code == 403


def test_tokens_are_compared_in_constant_time(stranger, monkeypatch):
    compared = []
    monkeypatch.setattr("sparring.web.safety.hmac.compare_digest", lambda a, b: compared.append((a, b)) or False)
    assert stranger.get("/", params={"token": TOKEN}).status_code == 403
    assert compared


def test_other_cookies_of_this_machine_do_no_harm(guest):
    assert guest.get("/", headers={"cookie": f'bad="; x; sparring-{PORT}={TOKEN}; =; a=b'}).status_code == 200
    assert guest.get("/", headers={"cookie": f"sparring-{PORT + 1}={TOKEN}"}).status_code == 403


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_loopback_names_are_hosts(guest, host):
    assert guest.get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1:80", "127.0.0.1", f"::1:{PORT}", ""])
def test_no_other_name_is_a_host(guest, host):
    assert guest.get("/", headers={"host": host}).status_code == 403


def test_two_hosts_are_none(guest):
    headers = [("host", f"127.0.0.1:{PORT}"), ("host", "evil.example")]
    assert guest.get("/", headers=headers).status_code == 403


def test_the_hosts_of_the_options():
    access = Access(TOKEN, 80, "fe80::1", ("lab.example", "other:81"))
    assert all(map(access.knows, ("[fe80::1]:80", "lab.example", "lab.example:443", "other:81")))
    assert not any(map(access.knows, ("fe80::1", "other", "other:82", "x.lab.example", "lab.example.evil:80")))
    assert access.address() == f"http://[fe80::1]:80/?token={TOKEN}"


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", f"http://localhost:{PORT}", BASE + "/"])
def test_what_changes_something_needs_our_origin(guest, origin):
    assert guest.post("/", headers={} if origin is None else {"origin": origin}).status_code == 403
    assert guest.post("/", headers={"origin": BASE}).status_code == 200


def test_every_answer_has_the_headers(stranger, guest):
    for answer in (guest.get("/"), guest.get("/", headers={"host": "evil"}), stranger.get("/?token=" + TOKEN)):
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    policy = "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    assert {
        "Content-Security-Policy": policy + "form-action 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    } == HEADERS


def test_bodies_are_limited(guest):
    def post(content):
        return guest.post("/", content=content, headers={"origin": BASE})

    assert post(b"x" * LARGEST_BODY).text == str(LARGEST_BODY)
    assert post(b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert post(b"x" * LARGEST_BODY for _ in range(2)).status_code == 413  # in parts, without a length


@pytest.mark.parametrize("name", ["recipe.json", "journal.jsonl", "scores.jsonl", ".lock"])
def test_a_run_with_a_link_in_place_of_a_file_harms_and_shows_nothing(tmp_path, name):
    run = make_run(tmp_path / "runs" / "a", rounds(3))
    (tmp_path / "secret").write_text('{"seed": "secret"}\n')
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(tmp_path / "secret")
    assert "secret" not in client(tmp_path / "runs").get("/api/runs").text
    assert (tmp_path / "secret").read_text() == '{"seed": "secret"}\n'


def test_links_out_of_a_run_are_not_followed(tmp_path):
    run = make_run(tmp_path / "runs" / "a", rounds(3))
    (tmp_path / "secret.png").write_bytes(b"secret")
    (run / "samples" / "link.png").symlink_to(tmp_path / "secret.png")
    (run / "samples" / "note.txt").write_text("no picture")
    guest = client(tmp_path / "runs")
    (row,) = guest.get("/api/runs").json()
    pictures = f"/api/runs/{row['id']}/pictures"
    assert guest.get(f"{pictures}/round_000100.png").content == PNG
    names = (
        "link.png",
        "none.png",
        "note.txt",
        "%2e%2e%2f..",
        "..%2frecipe.json",
        "..%2f..%2f..%2fsecret.png",
        "%00.png",
        "a" * 300 + ".png",
    )
    assert {name: guest.get(f"{pictures}/{name}").status_code for name in names} == dict.fromkeys(names, 404)


PARTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["..", "%2e%2e", "%2f", "\\", "api", "runs", "static", "pictures", "series", "orders", "stream\x00", "//", "?"]
    ),
)
ROUTES = [
    re.sub(r"\{\w+\}", "x", getattr(route, "path", "").replace("{run}", "RUN").replace("{of}", "digits"))
    for route in make_app(RunIndex(Path()), Access(TOKEN, PORT)).routes
    if getattr(route, "path", "") != "/api/stream"  # which does not end
]
STARTS = ["/", "/api/runs/RUN/", "/api/runs/RUN/pictures/", "/api/explore/RUN/", "/api/runs/", "/static/", "/api/"]
ADDRESSES = st.one_of(st.tuples(st.sampled_from(STARTS), st.lists(PARTS, max_size=4)), st.tuples(st.sampled_from(ROUTES)))
KEYS = ("recipe", "settings", "lengths", "seed", "data", "from", "order", "name", "z", "num", "class", "image", "search", "at")
VALUES = st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=9), st.just("ring"), st.just({"lr": []}))
BODIES = st.one_of(
    st.binary(max_size=60),
    st.just(b'{"order": "pause", "x": [[1e999]]}'),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=4).map(lambda body: json.dumps(body).encode()),
)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]),
    address=ADDRESSES,
    query=st.dictionaries(st.sampled_from(["axis", "from", "to", "points", "token", "at"]), st.text(max_size=12), max_size=3),
    content=BODIES,
    headers=st.dictionaries(
        st.sampled_from(["last-event-id", "cookie", "range", "x"]),
        st.text(st.characters(max_codepoint=126, min_codepoint=32), max_size=20),
    ),
)
def test_malformed_requests_get_an_answer_and_no_file_outside(crowded, method, address, query, content, headers):
    guest, run, secret, before = crowded
    start, *parts = address
    path = start.replace("RUN", run) + "/".join(quote(part, safe="%\\?") for part in chain(*parts))
    answer = guest.request(method, BASE + path, params=query, content=content, headers={"origin": BASE} | headers)
    assert answer.status_code in (200, 206, 303, 307, 400, 403, 404, 405, 413, 416), answer.text
    assert "Traceback" not in answer.text
    assert secret not in answer.text
    assert {path: path.stat().st_mtime_ns for path in before} == before


class Busy:
    """In place of the process that draws, which would take minutes for so many requests; what it is asked is JSON."""

    def ask(self, do: str, **request: object) -> None:
        json.dumps({"do": do} | request)
        raise InputError("busy")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A client that raises what the server raises, a run's id, what lies outside, and all files with their times."""
    home = tmp_path_factory.mktemp("home")
    make_run(home / "runs" / "a", rounds(70))
    (home / "secret.txt").write_text("the secret")
    guest = client(home / "runs")
    assert isinstance(guest.app, Starlette)
    guest.app.state.worker = Busy()
    (row,) = guest.get("/api/runs").json()
    return guest, row["id"], "the secret", {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}


def test_a_fault_of_the_server_has_the_headers_and_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setattr(RunIndex, "rows", lambda self: 1 / 0)
    answer = client(tmp_path, raise_server_exceptions=False).get("/api/runs")
    assert (answer.status_code, answer.json()) == (500, {"error": "the server met an error; its terminal shows it"})
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
