"""Who may talk to the server, and what every answer carries: token, Host, Origin, size of bodies, headers.

As Jupyter does it. Host is checked against DNS rebinding: a foreign page whose name is made to resolve to this machine.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 3 << 19  # bytes: a picture of 512 x 512 pixels in colour and with alpha, as text
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
TOKEN_HEADER = "x-sparring-token"  # of a page in a notebook's frame, which has no cookie


def policy(framed_by: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy of a page that may stand in a frame of these origins, or in none."""
    ancestors = " ".join(framed_by) or "'none'"
    return (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors {ancestors}"
    )


HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Access:
    """The token that opens the page, and the addresses under which it may be asked for.

    host: the address of `--host`; allowed: further names, of `--allow-host`, for which any port will do where none is given;
    framed_by: the origins of a notebook that shows the page in a frame.
    """

    token: str
    port: int
    host: str = "127.0.0.1"
    allowed: tuple[str, ...] = ()
    framed_by: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """The cookie's name; the port is in it, because browsers share cookies between the ports of a host."""
        return f"sparring-{self.port}"

    def knows(self, host: str) -> bool:
        """True if a request's Host names this server."""
        here = {f"{name}:{self.port}" for name in (*LOOPBACK, bracketed(self.host))}
        host = host.lower()
        return host in here or any(host == name.lower() or host.rpartition(":")[0] == name.lower() for name in self.allowed)

    def opens(self, token: str | None) -> bool:
        """True for the right token, compared in constant time."""
        return token is not None and hmac.compare_digest(token.encode(errors="replace"), self.token.encode())

    @property
    def origin(self) -> str:
        """Where the server is, as browsers name it."""
        return f"http://{bracketed(self.host)}:{self.port}"

    def address(self, view: str = "") -> str:
        """The address to print, with the token; `view` is the query of what it shows first, such as "run=ID"."""
        return f"{self.origin}/?token={self.token}" + (f"&{view}" if view else "")

    def frame_address(self, view: str = "") -> str:
        """The same for a notebook: browsers do not send what stands behind the #, but the page reads it."""
        return f"{self.origin}/frame" + (f"?{view}" if view else "") + f"#{self.token}"


class Safety:
    """ASGI middleware that answers in place of the application where a request is not ours."""

    def __init__(self, app: ASGIApp, access: Access):
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            raise RuntimeError(f"this server speaks HTTP alone, not {scope['type']}")
        refusal, sender = self._refusal(scope), _with_headers(send)
        if refusal is not None:
            return await refusal(scope, receive, sender)
        return await self._app(scope, _limited(receive), sender)

    def _refusal(self, scope: Scope) -> Response | None:
        """The answer to a request that may not pass; None if it may."""
        headers = Headers(scope=scope)
        hosts, length = headers.getlist("host"), headers.get("content-length", "0")
        if len(hosts) != 1 or not self._access.knows(hosts[0]):
            return _plain("this server does not answer under that name; start it with --allow-host NAME", 403)
        if not length.isdecimal() or len(length) > 12 or int(length) > LARGEST_BODY:
            return _plain("the body is too long", 413)
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = next((value for name, value in query if name == "token"), None)
        if scope["method"] == "GET" and self._access.opens(given):
            return self._welcome(scope, [(name, value) for name, value in query if name != "token"])
        given = headers.get(TOKEN_HEADER) or _cookie(headers, self._access.cookie)
        if not self._access.opens(given) and not self._is_frame(scope):
            return _plain("open the address that `sparring play` has printed; it holds the token", 403)
        if scope["method"] not in ("GET", "HEAD") and headers.get("origin") not in _origins(hosts[0]):
            return _plain("only this server's own page may change something", 403)
        return None

    def _is_frame(self, scope: Scope) -> bool:
        """True for what a frame loads before it has the token: its page and the package's files, which hold nothing secret."""
        path = scope["path"]
        return bool(self._access.framed_by) and scope["method"] == "GET" and (path == "/frame" or path.startswith("/static/"))

    def _welcome(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        """Move the token from the address to a cookie."""
        address = "/" + (f"?{urlencode(query)}" if query else "")
        response = RedirectResponse(address, 303)
        response.set_cookie(self._access.cookie, self._access.token, httponly=True, samesite="strict")
        return response


def bracketed(host: str) -> str:
    """An address as it stands in a URL: that of IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _origins(host: str) -> tuple[str, str]:
    return f"http://{host}", f"https://{host}"


def _cookie(headers: Headers, name: str) -> str | None:
    return cookie_parser("; ".join(headers.getlist("cookie"))).get(name)


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status)


def _limited(receive: Receive) -> Receive:
    """The same messages, as long as their bodies are not too long together."""
    length = 0

    async def limited() -> Message:
        nonlocal length
        message = await receive()
        length += len(message.get("body", b""))
        if length > LARGEST_BODY:
            raise HTTPException(413, "the body is too long")
        return message

    return limited


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message["headers"]}
            added = [
                (name.lower().encode(), text.encode()) for name, text in HEADERS.items() if name.lower().encode() not in names
            ]
            message["headers"] = [*message["headers"], *added]
        await send(message)

    return with_headers
