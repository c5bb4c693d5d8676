# Shared by the scripts of this folder; sourced, not run.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

swift_needed=6.3
# swift.org's list for Debian 12; the toolchain itself does not run or link without these.
swift_packages='binutils ca-certificates g++ git libcurl4 libedit2 libncurses6 libpython3.11 libsqlite3-0 libstdc++-12-dev libxml2 libz3-4 pkg-config tzdata zlib1g-dev'

say() { printf '%s\n' "$*" >&2; }

fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" >&2
    exit 1
}

# need_packages REASON CHECK:PACKAGE:WHY…
# Installs the packages whose check fails. A check is `command NAME`, `program PATH`, `library NAME` (pkg-config knows it),
# `compiler` (a C++ standard library to link with), `server` (PostgreSQL's programs), `driver NAME` (unixODBC knows it) or `venv` (Python can make virtual environments).
need_packages() {
    local reason=$1 missing=() lines=() entry check package why
    shift
    for entry in "$@"; do
        IFS=: read -r check package why <<<"$entry"
        # shellcheck disable=SC2086
        is_there $check && continue
        missing+=("$package")
        lines+=("$(printf '  %-18s %s' "$package" "$why")")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Missing system packages, needed $reason:"
    printf '%s\n' "${lines[@]}" >&2
    install_packages "${missing[@]}"
}

is_there() {
    case $1 in
        command) command -v "$2" >/dev/null ;;
        program) [ -x "$2" ] ;;
        library) command -v pkg-config >/dev/null && pkg-config --exists "$2" ;;
        compiler) compgen -G '/usr/lib/gcc/*/*/libstdc++.a' >/dev/null ;;
        driver) command -v odbcinst >/dev/null && odbcinst -q -d -n "${*:2}" >/dev/null 2>&1 ;;
        server) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
        venv) command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    esac
}

install_packages() {
    local as_root=() command="apt-get install -y $*"
    command -v apt-get >/dev/null ||
        fail 'this system has no apt-get, so the packages cannot be installed from here' \
            "Install what your system calls them, then run the same command again: $*"
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            fail 'installing packages needs root, and there is no sudo' "Run this as root, then try again:" "  $command"
        fi
        # Without a terminal sudo must not ask for a password.
        if [ ! -t 0 ] && ! sudo -n true 2>/dev/null; then
            fail 'installing packages needs root, and sudo asks for a password' \
                'Run this, then try again:' "  sudo $command"
        fi
        as_root=(sudo)
    fi
    say "Running: ${as_root[*]} $command"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    # The package lists of a fresh image are empty, those of an old one name files that are gone.
    if ! "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null 2>&1; then
        "${apt[@]}" update || fail 'apt-get update failed; its messages are above'
        "${apt[@]}" install -y --no-install-recommends "$@" >/dev/null ||
            fail 'the packages could not be installed; the messages of apt-get are above'
    fi
    say 'Installed.'
}

need_swift() {
    local found
    if ! command -v swift >/dev/null; then
        fail "no Swift toolchain found: Sluice needs Swift $swift_needed or newer" \
            'Install it from https://www.swift.org/install/linux and put its usr/bin on the PATH.' \
            'Debian packages that the toolchain needs:' \
            "  apt-get install $swift_packages"
    fi
    found=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' | head -n 1)
    [ -n "$found" ] || fail 'swift --version gives no version: the toolchain does not run here' \
        'Debian packages that the toolchain needs:' "  apt-get install $swift_packages"
    [ "$(printf '%s\n' "$swift_needed" "$found" | sort -V | head -n 1)" = "$swift_needed" ] ||
        fail "Swift $found is too old: Sluice needs Swift $swift_needed or newer" \
            'Install it from https://www.swift.org/install/linux and see that it comes first on the PATH.'
}

need_build_packages() {
    need_packages 'to build' \
        'command git:git:tells the program which commit it was built from' \
        'compiler:g++:the C++ standard library, for simdjson and number parsing' \
        'command pkg-config:pkg-config:finds the libraries below' \
        'library zlib:zlib1g-dev:gzip, in Parquet and .gz files' \
        'library libzstd:libzstd-dev:zstd, in Parquet and .zst files' \
        'library snappy:libsnappy-dev:snappy, in Parquet files' \
        'library liblz4:liblz4-dev:lz4, in Parquet files' \
        'library libbrotlienc:libbrotli-dev:brotli, in Parquet files' \
        'library simdjson:libsimdjson-dev:reads JSON' \
        'library yaml-0.1:libyaml-dev:reads sluice.yaml' \
        'library libpq:libpq-dev:talks to PostgreSQL' \
        'library sqlite3:libsqlite3-dev:the embedded warehouse, and the history of runs' \
        'library libcrypto:libssl-dev:hashes and signatures' \
        'library libcurl:libcurl4-openssl-dev:talks HTTP' \
        'library libmicrohttpd:libmicrohttpd-dev:answers HTTP'
}

# The servers that the tests start and stop, each on a port of its own.
need_servers() {
    need_packages 'by the tests' \
        'server:postgresql:a real server to read from and write to' \
        'program /usr/sbin/apache2:apache2-bin:a real web server and proxy' \
        'program /usr/sbin/mariadbd:mariadb-server:a real server to read from through ODBC' \
        'command odbcinst:odbcinst:registers ODBC drivers' \
        'driver MariaDB Unicode:odbc-mariadb:an ODBC driver' \
        'driver PostgreSQL Unicode:odbc-postgresql:an ODBC driver' \
        'driver FreeTDS:tdsodbc:an ODBC driver for SQL Server' \
        'command openssl:openssl:certificates for servers' \
        'command curl:curl:asks servers in examples' \
        'command docker-registry:docker-registry:a real registry for container images' \
        'command htpasswd:apache2-utils:passwords for it' \
        'command skopeo:skopeo:reads images, as container engines do' \
        'command umoci:umoci:unpacks images, as container engines do' \
        'command python3:python3:a web server that misbehaves'
}

# What the tests look at pages with. Without it those tests are skipped and say so.
need_browser() {
    need_packages 'by the tests' 'command chromium:chromium:a real browser to look at reports with'
}

# The Python environment of the tests and benchmarks, made again only when its requirements change.
need_venv() {
    need_packages 'by the tests' 'venv:python3-venv:pyarrow, DuckDB and polars check what Sluice reads and writes'
    local stamp
    stamp=.venv/made-from-$(sha256sum Tests/Oracle/requirements.txt | cut -c 1-16)
    [ -f "$stamp" ] && return 0
    say 'Making .venv with pyarrow, DuckDB, polars and pytest …'
    rm -rf .venv
    python3 -m venv .venv || fail 'python3 could not make a virtual environment; its messages are above'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r Tests/Oracle/requirements.txt ||
        fail 'pip could not install Tests/Oracle/requirements.txt; its messages are above'
    touch "$stamp"
}

# The commit that `sluice --version` names; a `+` says that the sources are not quite those of the commit.
commit() {
    local found
    if found=$(git rev-parse --short=12 HEAD 2>/dev/null); then
        [ -z "$(git status --porcelain 2>/dev/null)" ] || found+=+
        printf '%s' "$found"
    else
        printf 'unknown'
    fi
}

build_release() { SLUICE_COMMIT=$(commit) swift build -c release --static-swift-stdlib "$@"; }
