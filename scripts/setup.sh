#!/usr/bin/env bash
# Installs the system libraries that kglab is built against, where they are missing; does nothing where they are there.
set -euo pipefail

packages=(libsqlite3-dev libdnnl-dev libssl-dev pkg-config)

if ! command -v swift >/dev/null; then
  echo "setup: no 'swift' on the PATH; install Swift 6.3 or later from https://www.swift.org/install" >&2
  exit 1
fi

# Elsewhere than on Debian and Ubuntu only the headers can be looked for.
if ! command -v apt-get >/dev/null; then
  missing=()
  for header in sqlite3.h openssl/sha.h oneapi/dnnl/dnnl.h; do
    printf '#include <%s>\n' "$header" | clang -E -x c - >/dev/null 2>&1 || missing+=("$header")
  done
  if ((${#missing[@]})); then
    echo "setup: not found: ${missing[*]}. Install the development packages of SQLite 3, OpenSSL and oneDNN 2 or 3" >&2
    echo "setup: (Fedora: sqlite-devel openssl-devel onednn-devel; Arch: sqlite openssl onednn; macOS is not supported yet)" >&2
    exit 1
  fi
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  # pkgconf provides pkg-config on newer releases.
  if [[ $package == pkg-config ]] && command -v pkg-config >/dev/null; then continue; fi
  state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ $state == installed ]] || missing+=("$package")
done
((${#missing[@]})) || exit 0

root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "setup: run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --no-install-recommends "${missing[@]}" >"$log" 2>&1
}

echo "setup: installing ${missing[*]} with apt-get"
# Package lists may be absent or old: fetch them only when the packages are not found with what is there.
if ! install; then
  echo "setup: fetching package lists (apt-get update)"
  "${root[@]}" apt-get update >"$log" 2>&1 && install || {
    cat "$log" >&2
    echo "setup: apt-get failed; install ${missing[*]} by hand, then run the command again" >&2
    exit 1
  }
fi
echo "setup: done"
