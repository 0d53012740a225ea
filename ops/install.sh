#!/bin/sh
# Installs a released program of Rollbook for one user. It needs no root and never calls sudo.
#
#   sh install.sh [--version VERSION] [--to DIRECTORY] [--from ADDRESS]
#
# The script downloads the archive for this machine and the file of checksums, compares them, and puts the program into
# ~/.local/bin or DIRECTORY. If the checksum differs, nothing is installed. ADDRESS is that of the releases. The release
# fills it in; a copy from the repository needs it.
set -eu

releases=""
version=latest
to="${HOME:-}/.local/bin"

fail() {
    echo "install.sh: $1" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case "$1" in
    --version) version="${2:?--version needs a version}" && shift 2 ;;
    --to) to="${2:?--to needs a directory}" && shift 2 ;;
    --from) releases="${2:?--from needs an address}" && shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;;
    *) fail "unknown argument $1" ;;
    esac
done
[ -n "$releases" ] || fail "give the address of the releases with --from"

[ "$(uname -s)" = Linux ] || fail "Rollbook runs on Linux"
case "$(uname -m)" in
x86_64 | amd64) machine=x86-64 ;;
aarch64 | arm64) machine=arm64 ;;
*) fail "there is no program for $(uname -m): build it with cargo" ;;
esac
glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | cut -d' ' -f2) || true
[ -n "$glibc" ] || fail "the program needs glibc, which this system lacks: use the image, or build it with cargo"
[ "$(printf '%s\n' 2.35 "$glibc" | sort -V | head -n 1)" = 2.35 ] ||
    fail "the program needs glibc 2.35, and this system has $glibc: use the image, or build it with cargo"

case "$version" in
latest) from="$releases/latest/download" ;;
*) from="$releases/download/v${version#v}" ;;
esac
name="rollbook-$machine-linux.tar.gz"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fetch() {
    curl --proto '=https,file' --tlsv1.2 --fail --silent --show-error --location --output "$work/$1" "$from/$1" ||
        fail "downloading $from/$1 failed"
}
fetch "$name"
fetch SHA256SUMS
grep "  $name\$" "$work/SHA256SUMS" >"$work/expected" || fail "SHA256SUMS has no checksum of $name"
(cd "$work" && sha256sum --check --strict --status expected) ||
    fail "$name does not have the checksum of SHA256SUMS: nothing was installed"
tar -xzf "$work/$name" -C "$work" rollbook

mkdir -p "$to" 2>/dev/null || true
if [ ! -d "$to" ] || [ ! -w "$to" ]; then
    fail "$to is not writable: choose another directory with --to"
fi
# Renamed into place, so that a program that runs is not overwritten.
cp "$work/rollbook" "$to/.rollbook.new"
chmod 755 "$to/.rollbook.new"
mv "$to/.rollbook.new" "$to/rollbook"
echo "installed $("$to/rollbook" --version) as $to/rollbook"
case ":$PATH:" in
*":$to:"*) ;;
*) echo "$to is not in your PATH" ;;
esac
case "$releases" in
https://github.com/*/releases)
    repository=${releases#https://github.com/}
    echo "To verify where it was built: gh attestation verify $to/rollbook --repo ${repository%/releases}"
    ;;
esac
