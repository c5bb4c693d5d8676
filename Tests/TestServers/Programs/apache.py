"""Runs Debian's Apache on free ports of 127.0.0.1 until standard input ends. Prints `PORT PORT PORT PORT` first:

    apache.py FOLDER CERTIFICATE KEY BACKEND

    1. TLS with HTTP/2 and compression: files of FOLDER/www, and under /faults/ what BACKEND (http://…) answers
    2. the same over plain HTTP/1.1
    3. a forward proxy
    4. a forward proxy that wants the user `someone` with the password `pass-word`

FOLDER/access.log has a line for each request: client's port, server's port, protocol, status, path.
"""

import base64
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

folder, certificate, key, backend = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
(folder / "www").mkdir(parents=True, exist_ok=True)
(folder / "www/words.txt").write_text("a word and another word, again and again. " * 2000)
(folder / "www/words.json").write_text('{"words": [' + ", ".join(['"again"'] * 5000) + "]}")
with open(folder / "www/big", "wb") as file:
    file.truncate(4 << 30)
(folder / "types").write_text("text/plain txt\napplication/json json\n")
(folder / "users").write_text("someone:{SHA}" + base64.b64encode(hashlib.sha1(b"pass-word").digest()).decode() + "\n")
for path in [folder, *folder.rglob("*")]:
    path.chmod(0o755 if path.is_dir() else 0o644)

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
secure, plain, proxy, strict = [s.getsockname()[1] for s in sockets]
for s in sockets:
    s.close()

modules = ("mpm_event authz_core authz_host authz_user authn_core authn_file auth_basic mime dir headers filter "
           "deflate brotli ssl http2 proxy proxy_http proxy_connect").split()
root = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
(folder / "apache.conf").write_text("\n".join(f"LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so" for m in modules) + f"""
{root}
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/error.log
LogFormat "%{{remote}}p %{{local}}p %H %>s %U" short
CustomLog {folder}/access.log short
TypesConfig {folder}/types
StartServers 1
ServerLimit 4
ThreadsPerChild 64
MaxRequestWorkers 256
KeepAliveTimeout 20
MaxKeepAliveRequests 0
ProxyTimeout 60
Listen 127.0.0.1:{secure}
Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{proxy}
Listen 127.0.0.1:{strict}
<VirtualHost 127.0.0.1:{secure}>
  SSLEngine on
  SSLCertificateFile {certificate}
  SSLCertificateKeyFile {key}
  Protocols h2 http/1.1
  H2Push off
  DocumentRoot {folder}/www
  SetOutputFilter DEFLATE
  Header always set X-Protocol "expr=%{{SERVER_PROTOCOL}}"
  ProxyPass /faults/ {backend}/
</VirtualHost>
<VirtualHost 127.0.0.1:{plain}>
  Protocols http/1.1
  DocumentRoot {folder}/www
  SetOutputFilter DEFLATE
  ProxyPass /faults/ {backend}/
</VirtualHost>
<VirtualHost 127.0.0.1:{proxy}>
  ProxyRequests On
  AllowCONNECT 1-65535
</VirtualHost>
<VirtualHost 127.0.0.1:{strict}>
  ProxyRequests On
  AllowCONNECT 1-65535
  <Proxy "*">
    AuthType Basic
    AuthName proxy
    AuthBasicProvider file
    AuthUserFile {folder}/users
    Require valid-user
  </Proxy>
</VirtualHost>
""")
child = subprocess.Popen(["/usr/sbin/apache2", "-f", folder / "apache.conf", "-DFOREGROUND"], stdout=sys.stderr)
for attempt in range(600):
    if child.poll() is not None:
        sys.exit("Apache ended at once")
    try:
        socket.create_connection(("127.0.0.1", strict), 1).close()
        break
    except OSError:
        time.sleep(0.05)
print(secure, plain, proxy, strict, flush=True)
sys.stdin.read()
child.terminate()
try:
    child.wait(10)
except subprocess.TimeoutExpired:
    child.kill()
