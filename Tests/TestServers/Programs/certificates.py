"""Makes certificates with openssl in a folder, and prints the folder.

    certificates.py FOLDER

    ca.pem, ca.key        a CA that nobody knows
    good.pem, .key        for localhost, 127.0.0.1, ::1 and *.sluice.test, by that CA
    other.pem, .key       by that CA, for other.example only
    expired.pem, .key     by that CA, valid in 2020
    self.pem, .key        for localhost and 127.0.0.1, signed by itself
"""

import subprocess
import sys
from pathlib import Path

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
HERE = "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:*.sluice.test"


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], cwd=folder, check=True, capture_output=True)


def key(name):
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key")


(folder / "ca.cnf").write_text("""
[ca]
default_ca = here
[here]
dir = .
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
""")
(folder / "index.txt").write_text("")
(folder / "serial").write_text("1000\n")
key("ca")
openssl("req", "-x509", "-new", "-key", "ca.key", "-subj", "/CN=Sluice test CA", "-days", 30, "-out", "ca.pem",
        "-addext", "basicConstraints=critical,CA:TRUE")
for name, names, dates in [("good", HERE, ["-days", "30"]), ("other", "DNS:other.example", ["-days", "30"]),
                           ("expired", HERE, ["-startdate", "20200101000000Z", "-enddate", "20201231000000Z"])]:
    key(name)
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}",
            "-out", f"{name}.csr")
    openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-in", f"{name}.csr",
            "-out", f"{name}.pem", *dates)
key("self")
openssl("req", "-x509", "-new", "-key", "self.key", "-subj", "/CN=self", "-days", 30, "-out", "self.pem",
        "-addext", f"subjectAltName={HERE}")
for path in folder.iterdir():
    path.chmod(0o644)
print(folder)
