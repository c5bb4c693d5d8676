"""Runs Debian's MariaDB on a port of 127.0.0.1 until standard input ends. Prints `ready PID` first:

    mariadb.py FOLDER PORT USER PASSWORD

FOLDER is made and holds everything. USER may do everything from 127.0.0.1, and there is a database `shop`.
"""

import os
import pwd
import subprocess
import sys
import time
from pathlib import Path

folder, port, user, password = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
folder.mkdir(parents=True)
owner = pwd.getpwuid(os.getuid()).pw_name
if os.getuid() == 0:
    # The server refuses to be root.
    owner = "mysql"
    account = pwd.getpwnam(owner)
    os.chown(folder, account.pw_uid, account.pw_gid)
data = folder / "data"
install = subprocess.run(
    ["mariadb-install-db", "--no-defaults", f"--user={owner}", f"--datadir={data}", "--skip-test-db",
     "--auth-root-authentication-method=normal"], capture_output=True, text=True)
if install.returncode:
    print("mariadb-install-db failed:", (install.stdout + install.stderr).replace("\n", " ")[-400:], flush=True)
    sys.exit(1)
socket = folder / "socket"
server = subprocess.Popen(
    ["/usr/sbin/mariadbd", "--no-defaults", f"--user={owner}", f"--datadir={data}", f"--socket={socket}",
     f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={folder}/pid", f"--log-error={folder}/log",
     "--character-set-server=utf8mb4", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=64M",
     "--skip-name-resolve"],
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


setup = f"""CREATE DATABASE shop;
CREATE USER {quoted(user)}@'127.0.0.1' IDENTIFIED BY {quoted(password)};
GRANT ALL ON *.* TO {quoted(user)}@'127.0.0.1' WITH GRANT OPTION;
CREATE USER 'reader'@'127.0.0.1' IDENTIFIED BY 'reader';
GRANT SELECT ON shop.* TO 'reader'@'127.0.0.1';
"""
for attempt in range(600):
    if server.poll() is not None:
        print("MariaDB ended at once:", (folder / "log").read_text()[-400:].replace("\n", " "), flush=True)
        sys.exit(1)
    made = subprocess.run(
        ["mariadb", "--no-defaults", f"--socket={socket}", "--user=root", "--default-character-set=utf8mb4"],
        input=setup, capture_output=True, text=True)
    if made.returncode == 0:
        break
    time.sleep(0.1)
print("ready", server.pid, flush=True)
sys.stdin.read()
server.terminate()
try:
    server.wait(20)
except subprocess.TimeoutExpired:
    server.kill()
