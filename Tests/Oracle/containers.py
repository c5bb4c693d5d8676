"""A container of a test's own in the emulator, as `sluice lake` and the official clients see it."""

import json
import os
import random
import subprocess

from azure.storage.blob import BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient

from conftest import BINARY, run

# A flat account by Blob, and a hierarchical one by DFS.
KINDS = {"blob": ("flatlake", "az://flatlake/{0}"), "dfs": ("devlake", "abfss://{0}@devlake.dfs.core.windows.net")}
# What decides with what right a store is used; of none of it may a test inherit anything.
RIGHTS = ["AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"]


class Place:
    """A container; its official client is that of Blob for a flat account, that of Data Lake for a hierarchical one."""

    def __init__(self, azure, kind, name=None):
        self.azure, self.kind = azure, kind
        self.account, form = KINDS[kind]
        self.name = name or f"test-{random.SystemRandom().randrange(1 << 40):x}"
        self.url = form.format(self.name)
        self.key = azure.key(self.account)
        where = f"{azure.http}/{self.account}"
        if kind == "blob":
            self.client = BlobServiceClient(where, credential=self.key).create_container(self.name)
        else:
            self.client = DataLakeServiceClient(where, credential=self.key).create_file_system(self.name)
        self.env = {
            **dict.fromkeys(RIGHTS, ""), "SLUICE_AZURE_EMULATOR": azure.http, "SLUICE_HTTP_RETRY_WAIT": "5ms",
            "AZURE_STORAGE_ACCOUNT": self.account, "AZURE_STORAGE_KEY": self.key}

    # What the official client does.

    def put(self, name, contents):
        if self.kind == "blob":
            self.client.upload_blob(name, contents, overwrite=True)
        elif contents:
            self.client.get_file_client(name).upload_data(contents, overwrite=True)
        else:  # of which upload_data makes nothing
            self.client.get_file_client(name).create_file()

    def get(self, name):
        if self.kind == "blob":
            return self.client.download_blob(name).readall()
        return self.client.get_file_client(name).download_file().readall()

    def names(self):
        """All files, folders left out."""
        if self.kind == "blob":
            return sorted(self.client.list_blob_names())
        return sorted(found.name for found in self.client.get_paths() if not found.is_directory)

    def files(self):
        return {name: self.get(name) for name in self.names()}

    # What Sluice does.

    def attempt(self, *arguments, env=None, **options):
        """`sluice lake …`, whatever comes of it; its key is nowhere in it."""
        done = run("lake", *arguments, env={**self.env, **(env or {})}, **options)
        assert done.code >= 0 and "Fatal error" not in done.err, done.err
        assert self.key not in done.err and self.key.encode() not in done.out
        return done

    def lake(self, *arguments, **options):
        """`sluice lake …`, which has to succeed."""
        done = self.attempt(*arguments, **options)
        assert done.code == 0, f"exit code {done.code}\n{done.err}"
        return done

    def answer(self, *arguments, code=0, **options):
        """What `sluice lake … --json` answers."""
        done = self.attempt(*arguments, "--json", **options)
        assert done.code == code, f"exit code {done.code}\n{done.err}"
        return json.loads(done.text)

    def start(self, *arguments, **env):
        """`sluice lake …` in the background."""
        return subprocess.Popen(
            [BINARY, "lake", *map(str, arguments)], env={**os.environ, **self.env, **env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def exchanges(self, *paths):
        """What has been asked about this container, of objects called so when they are named, by the emulator's record."""
        found = []
        for line in self.azure.trace.read_text(encoding="utf-8").splitlines():
            if f"/{self.name}" not in line:
                continue
            try:
                entry = json.loads(line)
            except ValueError:  # the last one, while it is written
                continue
            if not paths or any(entry["url"].split("?")[0].endswith(f"/{self.name}/{path}") for path in paths):
                found.append(entry)
        return found


def files(folder):
    """{path: contents} of a folder of this machine."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
