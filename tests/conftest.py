"""What several test files share: the site, built once in a run, a server that compresses, and a browser.

Without Playwright or a browser, the tests that ask for one are skipped, and the summary says so. Where `CI=true`, a missing
browser is an error.
"""

import functools
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
FLAGS = ["--all", "-W", "-n", "--keep-going"]
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


# --- The site ---------------------------------------------------------------------------------------------------------------


def build(source, target):
    """Build the book as `make book` does, from clean, into `target`. Return the exit status, the log and the site's folder."""
    program = shutil.which("jupyter-book", path=str(Path(sys.executable).parent))
    run = subprocess.run(
        [program, "build", str(source), "--path-output", str(target), *FLAGS], capture_output=True, text=True, timeout=300
    )
    return run.returncode, COLOUR.sub("", run.stdout + run.stderr), target / "_build" / "html"


def pages():
    """Every page of the table of contents, as a path without suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(entry["file"] for part in toc["parts"] for entry in part["chapters"])]


# The files that take longest, so that short ones are left for the end, when one worker waits for the other.
LONG = ["test_browser", "test_live", "test_site", "test_figures", "test_downloads"]


def pytest_collection_modifyitems(items):
    """The chapters, one file that builds the site, then what needs no site meanwhile: so that no worker waits for another."""
    needs_site = {item.path for item in items if "site" in getattr(item, "fixturenames", ())}
    place = lambda path: LONG.index(path.stem) if path.stem in LONG else len(LONG)
    first = min(needs_site, key=place, default=None)

    def order(item):
        kind = 0 if item.path.suffix == ".ipynb" else 1 if item.path == first else 2 if item.path not in needs_site else 3
        return kind, place(item.path)

    items.sort(key=order)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site. The first worker that asks builds it; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    result, deadline = common / "site.json", time.monotonic() + 400
    try:
        (common / "site").mkdir()
    except FileExistsError:
        while not result.exists():
            assert time.monotonic() < deadline, "another worker began to build the site and did not finish"
            time.sleep(0.2)
    else:
        status, log, html = 1, "the build did not end", Path()
        try:
            status, log, html = build(ROOT, common / "site")
        finally:
            part = result.with_suffix(".part")
            part.write_text(json.dumps([status, log, str(html)]), encoding="utf-8")
            part.replace(result)
    status, log, html = json.loads(result.read_text(encoding="utf-8"))
    assert status == 0, f"the site does not build:\n{log[-6000:]}"
    assert "WARNING" not in log and "ERROR" not in log, log[-6000:]
    return Path(html)


def without_formulas(html):
    """A page whose formulas are `<span class="katex"></span>`: four fifths of its elements are inside them."""
    parts, end = [], 0
    for start in re.finditer('<span class="katex">', html):
        if start.end() < end:
            continue
        depth = 1
        for tag in re.compile("<(/?)span").finditer(html, start.end()):
            depth += -1 if tag[1] else 1
            if depth == 0:
                break
        parts.append(html[end : start.end()])
        end = tag.start()
    return "".join([*parts, html[end:]])


# --- The server -------------------------------------------------------------------------------------------------------------


@functools.cache
def squeezed(path, _changed):
    return gzip.compress(Path(path).read_bytes(), 6)


class Handler(SimpleHTTPRequestHandler):
    """Serves files as a web host does: compressed, over connections that stay open, with the site's own page for 404."""

    protocol_version = "HTTP/1.1"
    extensions_map = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json", ".whl": "application/zip", ".ipynb": "application/json",
    }  # fmt: skip
    compressible = re.compile(r"text/|application/(?:javascript|json|xml|manifest\+json|wasm)|image/svg\+xml")

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        status = 200
        if not path.is_file():
            status, path = 404, Path(self.directory, "404.html")
        kind = self.guess_type(str(path)) if path.is_file() else "text/plain"
        compress = bool(self.compressible.match(kind)) and "gzip" in self.headers.get("Accept-Encoding", "")
        if not path.is_file():
            body = b"not found"
        elif compress:
            body = squeezed(str(path), path.stat().st_mtime_ns)
        else:
            body = path.read_bytes()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=600")
        if compress and path.is_file():
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # A browser that leaves a page hangs up in the middle of an answer. Anything else is ours.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def serve(folder, port=0):
    """A server of `folder` on 127.0.0.1, running in a thread of its own. Stop it with `shutdown()`."""
    running = Server(("127.0.0.1", port), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=running.serve_forever, daemon=True).start()
    return running


@pytest.fixture(scope="session")
def server(site):
    """The address of the site on a server of its own, without a slash at the end."""
    running = serve(site)
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()


# --- The browser ------------------------------------------------------------------------------------------------------------


def find_browser():
    """The program of Chromium or Chrome: the one that CHROME_PATH names (lighthouse reads it as well), else one on PATH."""
    names = [os.environ.get("CHROME_PATH"), "/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


def no_browser(why):
    sentence = f"{why}; the tests in a browser did not run"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright. It cannot look up any host, so nothing outside this machine can answer."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        no_browser("Playwright is not installed")
    program = find_browser()
    if program is None:
        no_browser("no Chromium or Chrome found (install one, or name it in CHROME_PATH)")
    flags = (
        "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync"
    )
    closed = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=[*flags.split(), closed])
        yield running
        running.close()


@pytest.fixture(scope="session")
def new_page(browser):
    """A function that opens an empty page in a profile of its own.

    The page notes what it should not do: `page.outside` lists the addresses on other hosts that it asked for (none of them
    answers), `page.complaints` every warning and error of the console and every error in a script. Close it when done, or
    write `with new_page() as page:`; what is left open is closed after the last test.
    """

    def create(width=1280, height=800, theme="light", javascript=True, **options):
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=theme, java_script_enabled=javascript, **options
        )
        page.outside, page.complaints = [], []

        def asked(request):
            address = urlsplit(request.url)
            if address.scheme not in ("data", "blob", "about") and address.hostname != "127.0.0.1":
                page.outside.append(request.url)

        def said(message):
            if message.type in ("warning", "error"):
                page.complaints.append(f"{message.type}: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: page.complaints.append(f"error: {error}"))
        return page

    return create
