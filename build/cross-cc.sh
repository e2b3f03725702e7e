#!/usr/bin/env bash
# Prints the C compiler that links the functions statically for Lambda's
# machines: cross-cc.sh ARCH, arm64 or amd64. H3 is C, so Go needs one.
set -uo pipefail

case ${1-} in
arm64) machine=aarch64 package="gcc-aarch64-linux-gnu libc6-dev-arm64-cross" ;;
amd64) machine=x86_64 package="gcc-x86-64-linux-gnu libc6-dev-amd64-cross" ;;
*)
  echo "make build: ARCH is arm64 or amd64, not ${1-}" >&2
  exit 1
  ;;
esac

# links COMPILER… succeeds if the compiler exists and can link statically with a C library.
links() {
  command -v "$1" >/dev/null && printf 'int main(void) { return 0; }\n' | "$@" -static -x c -o /dev/null - 2>/dev/null
}

own=
if [ "$(uname -s)" = Linux ] && [[ $(uname -m) =~ ^($machine|${1})$ ]]; then own=gcc; fi
cross=$machine-linux-gnu-gcc

if [ "$own" ] && links $own; then
  echo $own
elif links "$cross"; then
  echo "$cross"
elif command -v zig >/dev/null; then
  echo "zig cc -target $machine-linux-musl"
elif python3 -m ziglang version >/dev/null 2>&1; then
  echo "python3 -m ziglang cc -target $machine-linux-musl"
else
  [ -z "$own" ] || package="gcc libc6-dev"
  cat >&2 <<END
make build: no C compiler for $1 with a C library was found. Install one of
  ${own:-$cross}: apt-get install $package (Debian, Ubuntu)
  zig: pip install ziglang, or brew install zig (any system)
or name another with make build CC=…
END
  exit 1
fi
