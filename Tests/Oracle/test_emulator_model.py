"""Random operations on both dialects, compared after each with a plain model; restarts and kills between them."""

import os
import threading
import time
import uuid

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.blob import BlobBlock, BlobServiceClient
from azure.storage.filedatalake import DataLakeServiceClient
from emulator import DEVELOPMENT_ACCOUNT as FLAT, azure_with  # noqa: F401

LAKE = "devlake"


class Model:
    """What an account's container has to hold: contents by name, and on a hierarchical account directories."""

    def __init__(self, has_directories):
        self.has_directories = has_directories
        self.files = {}
        self.directories = set()
        self.staged = {}

    def parents(self, name):
        parts = name.split("/")[:-1]
        return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]

    def may_write(self, name):
        if not self.has_directories:
            return True
        return name not in self.directories and not any(parent in self.files for parent in self.parents(name))

    def write(self, name, content):
        self.files[name] = content
        self.staged.pop(name, None)
        if self.has_directories:
            self.directories.update(self.parents(name))

    def below(self, name):
        return [found for found in self.files if found.startswith(name + "/")]

    def drop_directory(self, name):
        for found in self.below(name):
            del self.files[found]
        self.directories = {d for d in self.directories if d != name and not d.startswith(name + "/")}
        self.staged = {s: v for s, v in self.staged.items() if not s.startswith(name + "/")}

    def rename_directory(self, old, new):
        def moved(name):
            return new + name[len(old):] if name == old or name.startswith(old + "/") else name

        self.files = {moved(name): content for name, content in self.files.items()}
        self.directories = {moved(name) for name in self.directories}
        self.staged = {moved(name): blocks for name, blocks in self.staged.items()}


class Clients:
    def __init__(self, azure, account, container):
        options = {"credential": azure.key(account), "retry_total": 0}
        self.box = BlobServiceClient(f"{azure.http}/{account}", **options).get_container_client(container)
        self.lake = DataLakeServiceClient(f"{azure.http}/{account}", **options).get_file_system_client(container)


def step(rng, model, clients):
    """One operation; what it did to the model follows from what it may do."""
    name = "/".join(rng.choice("abc") for _ in range(rng.randint(1, 3)))
    box, lake = clients.box, clients.lake
    content = rng.randbytes(rng.choice([0, 1, 10, 5000]))
    kind = rng.choice(["put", "put", "create", "blocks", "stage", "dfs", "delete", "copy", "rename", "directory", "drop", "move"])
    if kind == "put":
        if expect(model.may_write(name), lambda: box.upload_blob(name, content, overwrite=True)):
            model.write(name, content)
    elif kind == "create":
        may = model.may_write(name) and name not in model.files
        if expect(may, lambda: lake.get_file_client(name).create_file(match_condition=MatchConditions.IfMissing)):
            model.write(name, b"")
    elif kind == "stage":
        content = content or b"x"
        if name in model.directories:
            return
        # An id of its own, since a block of the blob as it is would do as well.
        block = rng.randbytes(4).hex()
        box.get_blob_client(name).stage_block(block, content)
        model.staged[name] = block, content
    elif kind == "blocks":
        may = model.may_write(name) and name in model.staged
        block, content = model.staged.get(name, ("missing!", b""))
        if expect(may, lambda: box.get_blob_client(name).commit_block_list([BlobBlock(block)])):
            model.write(name, content)
    elif kind == "dfs":
        content = content or b"x"
        if expect(model.may_write(name), lambda: lake.get_file_client(name).upload_data(content, overwrite=True)):
            model.write(name, content)
    elif kind == "delete":
        is_empty = name in model.directories and not model.below(name) and not any(
            found.startswith(name + "/") for found in model.directories)
        if expect(name in model.files or is_empty, lambda: box.delete_blob(name)):
            model.files.pop(name, None)
            model.staged.pop(name, None)
            model.directories.discard(name)
    elif kind == "copy":
        source = rng.choice(sorted(model.files)) if model.files else "none"
        may = source in model.files and model.may_write(name)
        if expect(may, lambda: box.get_blob_client(name).start_copy_from_url(box.get_blob_client(source).url)):
            model.write(name, model.files[source])
    elif kind == "rename":
        source = rng.choice(sorted(model.files)) if model.files else "none"
        parent = name.rpartition("/")[0]
        may = source in model.files and (
            not model.has_directories
            or (name not in model.directories and (not parent or parent in model.directories)))
        if expect(may, lambda: lake.get_file_client(source).rename_file(f"{lake.file_system_name}/{name}")):
            if name != source:
                # What waits to be committed goes along.
                waiting = model.staged.pop(source, None)
                model.write(name, model.files.pop(source))
                if waiting is not None:
                    model.staged[name] = waiting
    elif model.has_directories and kind == "directory":
        may = name not in model.files and not any(parent in model.files for parent in model.parents(name))
        if expect(may, lambda: lake.create_directory(name)):
            model.directories.update([*model.parents(name), name])
    elif model.has_directories and kind == "drop":
        if expect(name in model.directories, lambda: lake.get_directory_client(name)._client.path.delete(recursive=True)
                  if name in model.directories else lake.get_directory_client(name + "/none").delete_directory()):
            model.drop_directory(name)
    elif model.has_directories and kind == "move" and model.directories:
        source = rng.choice(sorted(model.directories))
        parent = name.rpartition("/")[0]
        may = (name != source and not name.startswith(source + "/") and name not in model.files
               and (not parent or parent in model.directories)
               and not model.below(name) and not any(d.startswith(name + "/") for d in model.directories))
        if expect(may, lambda: lake.get_directory_client(source).rename_directory(f"{lake.file_system_name}/{name}")):
            model.directories.discard(name)
            model.staged = {s: v for s, v in model.staged.items() if s != name and not s.startswith(name + "/")}
            model.rename_directory(source, name)


def expect(may, operation):
    """Does it; true when it succeeded, which it has to exactly when it may."""
    try:
        operation()
    except HttpResponseError as error:
        assert not may, f"refused: {error}"
        assert error.status_code in (400, 404, 409, 412), error
        return False
    assert may, "was not refused"
    return True


def compare(model, clients):
    shown = {found.name: found.size for found in clients.box.list_blobs()}
    assert shown == {**{name: len(content) for name, content in model.files.items()},
                     **{name: 0 for name in model.directories}}
    paths = {found.name: found.is_directory for found in clients.lake.get_paths()}
    assert paths == {**{name: False for name in model.files}, **{name: True for name in model.directories}}


@pytest.mark.parametrize("account", [FLAT, LAKE])
def test_it_is_as_the_model(azure_with, rng, account):
    azure = azure_with()
    name = f"model-{uuid.uuid4().hex[:8]}"
    clients = Clients(azure, account, name)
    clients.box.create_container()
    model = Model(account == LAKE)
    for number in range(200):
        step(rng, model, clients)
        compare(model, clients)
        if number % 50 == 49:
            if number % 100 == 49:
                azure.kill()
            else:
                azure.stop()
            azure.start()
            compare(model, clients)
            for found, content in model.files.items():
                assert clients.box.download_blob(found).readall() == content


def test_kills_lose_nothing_that_was_answered(azure_with, rng):
    """Writers go on while the emulator is killed, again and again: what was answered is there, whole, and nothing by half."""
    azure = azure_with()
    service = BlobServiceClient(f"{azure.http}/{FLAT}", credential=azure.key(FLAT), retry_total=0)
    box = service.create_container("killed")
    for round_number in range(4):
        done, begun, stop = {}, {}, threading.Event()

        def write(writer):
            number = 0
            mine = BlobServiceClient(
                f"{azure.http}/{FLAT}", credential=azure.key(FLAT), retry_total=0, connection_timeout=5, read_timeout=5
            ).get_container_client("killed")
            while not stop.is_set():
                name, content = f"r{round_number}/w{writer}/{number % 7}", os.urandom(200_000 if number % 3 else 50)
                number += 1
                begun.setdefault(name, []).append(content)
                try:
                    if number % 2:
                        mine.upload_blob(name, content, overwrite=True)
                    else:
                        blob = mine.get_blob_client(name)
                        blob.stage_block("a" * 8, content[:25])
                        blob.stage_block("b" * 8, content[25:])
                        blob.commit_block_list([BlobBlock("a" * 8), BlobBlock("b" * 8)])
                except AzureError:
                    return
                done[name] = len(begun[name]) - 1

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
        for thread in threads:
            thread.start()
        time.sleep(rng.uniform(0.5, 1.5))
        azure.kill()
        stop.set()
        for thread in threads:
            thread.join()
        azure.start()
        assert done
        there = {found.name for found in box.list_blobs(name_starts_with=f"r{round_number}/")}
        assert set(done) <= there <= set(begun)
        for name in there:
            # The last one that was answered, or one that was under way after it.
            assert box.download_blob(name).readall() in begun[name][done.get(name, 0):], name


def test_two_cannot_share_a_folder(azure_with):
    azure = azure_with()
    with pytest.raises(RuntimeError, match="another emulator works in this folder"):
        azure_with(data=azure.data)
