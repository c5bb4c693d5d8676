"""Debian's `docker-registry`, started and stopped for tests, and what a container engine would do with its images.

    with Registry() as registry:                      # open to everybody
    with Registry(user="shop", password="s3cret") as registry:
        registry.requests()                           # [("HEAD", "/v2/orders/blobs/sha256:…", 404), …]
"""

import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from servers import free_port


class Registry:
    """A registry on a port of its own."""

    def __init__(self, user=None, password=None):
        self.folder = Path(tempfile.mkdtemp(prefix="sluice-registry-"))
        self.user, self.password = user, password
        self.port = free_port()
        self.log = self.folder / "log"
        auth = ""
        if user:
            done = subprocess.run(["htpasswd", "-Bbn", user, password], capture_output=True, text=True, check=True)
            (self.folder / "htpasswd").write_text(done.stdout.strip() + "\n")
            auth = f"auth:\n  htpasswd:\n    realm: shop\n    path: {self.folder}/htpasswd\n"
        (self.folder / "config.yml").write_text(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: false\n  level: info\n"
            f"storage:\n  delete:\n    enabled: true\n  filesystem:\n    rootdirectory: {self.folder}/data\n"
            f"http:\n  addr: 127.0.0.1:{self.port}\n  secret: x\n{auth}")

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        self.output = open(self.log, "ab")
        self.process = subprocess.Popen(
            ["docker-registry", "serve", self.folder / "config.yml"], stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output)
        for _ in range(200):
            try:
                urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{self.host}/v2/", timeout=5)
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)
        self.output.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def requests(self):
        """(method, path, status) of all that was asked until now."""
        found = re.findall(r'"(GET|HEAD|PUT|POST|PATCH|DELETE) (\S+) HTTP/[\d.]+" (\d+)', self.log.read_text())
        return [(method, path, int(status)) for method, path, status in found]


def skopeo(*arguments, check=True):
    """Runs skopeo."""
    done = subprocess.run(["skopeo", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)
    assert not check or done.returncode == 0, done.stderr
    return done


def unpack(layout, tag, bundle):
    """Unpacks an image as a container runtime would, with umoci; the root folder."""
    command = ["umoci", "unpack", "--image", f"{layout}:{tag}", str(bundle)]
    if os.getuid() != 0:
        command.insert(2, "--rootless")
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return Path(bundle) / "rootfs"


def can_enter():
    """Whether this machine lets us change the root folder and mount /proc, as every container runtime does."""
    probe = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "proc", "proc", "/proc"]
    return os.getuid() == 0 and subprocess.run(probe, capture_output=True, check=False).returncode == 0


def in_root(root, *command, user=None, cwd="/work", env=None):
    """Runs a program with `root` as its root folder, with /proc, and nothing of the machine's environment."""
    program = command if cwd is None else ("/opt/sluice/bin/sluice", "-C", cwd, *command)
    chroot = ["/usr/sbin/chroot", *(["--userspec", user] if user else []), str(root), *map(str, program)]
    (Path(root) / "proc").mkdir(exist_ok=True)
    mounted = f'mount -t proc proc "{root}/proc" && exec "$@"'
    return subprocess.run(
        ["/usr/bin/unshare", "--mount", "--pid", "--fork", "/bin/sh", "-c", mounted, "sh", *chroot], capture_output=True,
        check=False, timeout=120, env=env or {}, stdin=subprocess.DEVNULL)
