"""Runs the examples of the documentation. What stands in a console block below `<!-- run -->` is run by a shell, in a copy
of examples/shop that a page's blocks share, and has to print what the page says, apart from what differs from one run to
the next: ids, times, durations, sizes, and the width of what they stand in.

`SLUICE_DOCS=write` puts what is printed into the page instead; what that changed is for a person to judge.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys

from conftest import BINARY, ROOT

BLOCK = re.compile(r"<!-- run -->\n```console\n(.*?)```", re.S)
FOLDER = "/home/ada/shop"

# sqlite3, for machines without it.
SQLITE = """#!{python}
import sqlite3, sys
sqlite3.connect(sys.argv[1]).executescript(sys.stdin.read())
"""


def goes_on(command):
    """Whether a quote is open, or a backslash stands at the end."""
    try:
        shlex.split(command)
        return False
    except ValueError:
        return True


def commands(block):
    """[(command, what is printed)] of a console block."""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif found and not found[-1][1] and goes_on("\n".join(found[-1][0])):
            found[-1][0].append(line)
        else:
            found[-1][1].append(line)
    return [("\n".join(command), "\n".join(lines).strip("\n")) for command, lines in found]


def normal(text):
    """`text` without what differs from one run to the next. The shop's own data is of early 2026, and stays."""
    moment = r"20\d\d-(?!0[12]-)\d\d-\d\d"
    for pattern, word in [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
        (r"\b[0-9a-f]{8}([0-9a-f]{8})?\b", "ID"),
        (r"\b20\d{6}T\d{12}Z", "STAMP"),
        (moment + r"[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "MOMENT"),
        (moment, "DAY"),
        (r"\b\d+(\.\d+)? (ms|s|min)\b", "DURATION"),
        (r"[\d,]+ rows/s", "RATE"),
        (r"\b\d+(\.\d+)? (B|kB|MB|GB)\b", "SIZE"),
        (r"process \d+ on \S+?,", "PROCESS,"),
        (r"SQLite [\d.]+", "SQLite"),
        (r"─+", "─"),
        (r" +", " "),
        (r" $", ""),
    ]:
        text = re.sub(pattern, word, text, flags=re.M)
    return text


class Shop:
    """A copy of examples/shop, with the program on the path."""

    def __init__(self, folder):
        self.folder = folder / "shop"
        shutil.copytree(ROOT / "examples/shop", self.folder)
        tools = folder / "bin"
        tools.mkdir()
        (tools / "sluice").symlink_to(BINARY)
        (tools / "sqlite3").write_text(SQLITE.format(python=sys.executable))
        (tools / "sqlite3").chmod(0o755)
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}", "HOME": str(folder), "LANG": "C.UTF-8", "NO_COLOR": "1"}

    def run(self, command):
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
        # Bash tells of a killed command, in words of its own.
        lines = [line for line in done.stdout.decode().splitlines() if not re.match(r"bash: (line )?\d+: .*Killed", line)]
        return "\n".join(lines).replace(str(self.folder), FOLDER).strip("\n")


def run_page(page, folder):
    """[(what the page says, what is printed)] of a page; writes the page when that is asked for."""
    path = ROOT / page
    text = path.read_text()
    shop = Shop(folder)
    pairs = []

    def replaced(match):
        block = ""
        for command, said in commands(match[1]):
            printed = shop.run(command)
            pairs.append((f"$ {command}\n{said}", f"$ {command}\n{printed}"))
            block += ("\n" if block else "") + f"$ {command}\n" + (printed + "\n" if printed else "")
        return f"<!-- run -->\n```console\n{block}```"

    written = BLOCK.sub(replaced, text)
    if os.environ.get("SLUICE_DOCS") == "write":
        path.write_text(written)
        return []
    return pairs
