"""An HTTP/1.1 server that misbehaves as its URLs say. Prints its port, then serves until its standard input ends.

    faults.py [CERTIFICATE KEY]        with both: TLS

    /echo                 what was asked, as JSON: method, path, headers, length and sha256 of the body
    /bytes/N              N bytes; a Range is honoured          /chunked/N      N bytes in chunks
    /cut/N/M              declares N bytes, sends M, closes     /cut-chunked/M  M bytes in chunks, closes without an end
    /close                closes without an answer              /reset          the same, with a TCP reset
    /status/S?after=A     status S, Retry-After A               /flaky/KEY/S/K?after=A  S the first K times, then 200
    /flaky-cut/KEY/K      cut the first K times, then 200       /flaky-close/KEY/K      closes the first K times
    /slow/MS              answers after MS milliseconds         /stall/N        N bytes of N + 1, then nothing for long
    /drip/N/MS            a byte every MS milliseconds          /slurp/MS       reads the body 64 kB every MS milliseconds
    /pour/KEY/N           N bytes, and counts them as KEY       /poured/KEY     how many of them have left
    /redirect?to=URL&status=S                                   /loop           redirects to itself
    /headers/N            N kB of headers                       /garbage        no HTTP at all
    /early/S              answers S before it reads the body, closes
    /stale                answers, and closes the connection a moment later without saying so
    /seen/KEY             how many requests named KEY in x-key  /requests       everything that was asked, as JSON
"""

import hashlib
import json
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
from urllib.parse import parse_qs, unquote, urlsplit

lock = threading.Lock()
counts = {}
requests = []
connections = 0
PATTERN = bytes(range(251)) * 4096


def pattern(start, count):
    """The bytes from `start` on of the endless row 0 … 250, 0 … 250, …"""
    while count > 0:
        offset = start % 251
        piece = PATTERN[offset:offset + min(count, 1 << 19)]
        yield piece
        start += len(piece)
        count -= len(piece)


class Handler(socketserver.StreamRequestHandler):
    rbufsize = 1 << 16
    disable_nagle_algorithm = True

    def setup(self):
        global connections
        with lock:
            connections += 1
        super().setup()

    def handle(self):
        try:
            while self.one():
                pass
        except (ConnectionError, ssl.SSLError, TimeoutError, ValueError):
            pass

    def one(self):
        line = self.rfile.readline(1 << 20).decode("latin-1").split()
        if len(line) < 3:
            return False
        self.method, target = line[0], line[1]
        self.headers = {}
        while (field := self.rfile.readline(1 << 20).decode("latin-1").strip()):
            name, _, value = field.partition(":")
            self.headers[name.lower()] = value.strip()
        url = urlsplit(target)
        self.query = {k: v[0] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        parts = [unquote(p) for p in url.path.strip("/").split("/")]
        with lock:
            if parts[0] not in ("seen", "requests", "poured"):
                requests.append({"method": self.method, "path": target, "headers": self.headers})
            if "x-key" in self.headers:
                counts[self.headers["x-key"]] = counts.get(self.headers["x-key"], 0) + 1
        self.unread = int(self.headers.get("content-length", 0))
        self.is_chunked = self.headers.get("transfer-encoding", "").lower() == "chunked"
        return getattr(self, "do_" + parts[0].replace("-", "_"), self.do_unknown)(target, *parts[1:]) is not False

    def body(self, size=1 << 16):
        """The pieces of the request's body."""
        if self.is_chunked:
            while (count := int(self.rfile.readline().split(b";")[0], 16)) > 0:
                while count > 0 and (piece := self.rfile.read(min(size, count))):
                    count -= len(piece)
                    yield piece
                self.rfile.readline()
            self.rfile.readline()
            self.is_chunked = False
            return
        while self.unread > 0 and (piece := self.rfile.read(min(size, self.unread))):
            self.unread -= len(piece)
            yield piece

    def answer(self, status, headers=None, body=b"", length=None):
        for _ in self.body():
            pass
        fields = {"Content-Length": len(body) if length is None else length, **(headers or {})}
        head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items() if v is not None)
        self.wfile.write(head.encode() + b"\r\n" + (b"" if self.method == "HEAD" else body))

    def json(self, value, status=200):
        self.answer(status, {"Content-Type": "application/json"}, json.dumps(value).encode())

    def turn(self, key):
        with lock:
            counts["turn " + key] = counts.get("turn " + key, 0) + 1
            return counts["turn " + key]

    # What the URLs mean

    def do_unknown(self, target, *_):
        self.json({"error": "no such page"}, 404)

    def do_echo(self, target, *_):
        digest, length = hashlib.sha256(), 0
        was_chunked = self.is_chunked
        for piece in self.body():
            digest.update(piece)
            length += len(piece)
        self.json({"method": self.method, "path": target, "headers": self.headers, "length": length,
                   "sha256": digest.hexdigest(), "chunked": was_chunked})

    def do_bytes(self, target, count):
        count, start = int(count), 0
        status, headers = 200, {"ETag": f'"{count}"'}
        if (wanted := self.headers.get("range")):
            low, _, high = wanted.removeprefix("bytes=").partition("-")
            start, end = int(low), min(int(high or count - 1), count - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{count}"
            status, count = 206, end - start + 1
        self.answer(status, headers, length=count)
        if self.method != "HEAD":
            for piece in pattern(start, count):
                self.wfile.write(piece)

    def do_pour(self, target, key, count):
        self.answer(200, length=int(count))
        for piece in pattern(0, int(count)):
            self.wfile.write(piece)
            with lock:
                counts["poured " + key] = counts.get("poured " + key, 0) + len(piece)

    def do_poured(self, target, key):
        with lock:
            self.json({"count": counts.get("poured " + key, 0)})

    def chunk(self, piece):
        self.wfile.write(b"%x\r\n" % len(piece) + piece + b"\r\n")

    def do_chunked(self, target, count):
        self.answer(200, {"Content-Length": None, "Transfer-Encoding": "chunked"})
        for piece in pattern(0, int(count)):
            self.chunk(piece)
        self.wfile.write(b"0\r\n\r\n")

    def do_cut(self, target, count, sent):
        self.answer(200, length=int(count))
        for piece in pattern(0, int(sent)):
            self.wfile.write(piece)
        return False

    def do_cut_chunked(self, target, count):
        self.answer(200, {"Content-Length": None, "Transfer-Encoding": "chunked"})
        for piece in pattern(0, int(count)):
            self.chunk(piece)
        return False

    def do_close(self, target):
        for _ in self.body():
            pass
        return False

    def do_reset(self, target):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False

    def after(self):
        return {"Retry-After": self.query["after"]} if "after" in self.query else {}

    def do_status(self, target, status):
        self.answer(int(status), self.after(), b"as you wish")

    def do_flaky(self, target, key, status, times):
        if self.turn(key) <= int(times):
            return self.answer(int(status), self.after(), b"not now")
        self.answer(200, body=b"at last")

    def do_flaky_cut(self, target, key, times):
        if self.turn(key) <= int(times):
            return self.do_cut(target, 1000, 500)
        self.do_bytes(target, 1000)

    def do_flaky_close(self, target, key, times):
        if self.turn(key) <= int(times):
            return self.do_close(target)
        self.answer(200, body=b"at last")

    def do_slow(self, target, milliseconds):
        time.sleep(int(milliseconds) / 1000)
        self.answer(200, body=b"well")

    def do_stall(self, target, count):
        self.answer(200, length=int(count) + 1)
        for piece in pattern(0, int(count)):
            self.wfile.write(piece)
        time.sleep(30)
        return False

    def do_drip(self, target, count, milliseconds):
        self.answer(200, length=int(count))
        for piece in range(int(count)):
            self.wfile.write(b".")
            time.sleep(int(milliseconds) / 1000)

    def do_slurp(self, target, milliseconds):
        length = 0
        for piece in self.body():
            length += len(piece)
            time.sleep(int(milliseconds) / 1000)
        self.json({"length": length})

    def do_redirect(self, target):
        self.answer(int(self.query.get("status", 302)), {"Location": self.query["to"]}, b"over there")

    def do_loop(self, target):
        self.answer(302, {"Location": "/loop"})

    def do_headers(self, target, kilobytes):
        self.answer(200, {f"X-Field-{n}": "x" * 1000 for n in range(int(kilobytes))})

    def do_garbage(self, target):
        self.wfile.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" * 4)
        return False

    def do_early(self, target, status):
        self.wfile.write(f"HTTP/1.1 {status} X\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnope".encode())
        time.sleep(0.3)
        return False

    def do_stale(self, target):
        self.answer(200, body=b"bye")
        time.sleep(float(self.query.get("after", "0.05")))
        return False

    def do_seen(self, target, key):
        with lock:
            self.json({"count": counts.get(key, 0)})

    def do_requests(self, target):
        with lock:
            self.json({"requests": requests, "connections": connections})


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, request, client_address):
        pass


server = Server(("127.0.0.1", 0), Handler)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
