#!/usr/bin/env bash
# Makes the files of a release, and fetches them:
#   release.sh pack ARCH DIST FOLDER     packs each function in DIST into a zip in FOLDER
#   release.sh tools FOLDER              builds the command line and the local stack for this machine
#   release.sh fetch VERSION ARCH DIST   fetches the functions of a release into DIST
# fetch downloads from RELEASES/VERSION/ and checks the sums. By default RELEASES is that of
# the GitHub repository that this checkout was cloned from.
set -euo pipefail

fail() {
  printf 'make: %s\n' "$*" >&2
  exit 1
}

need() { command -v "$1" >/dev/null || fail "$1 is missing, and releases need it"; }

sums() {
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

functions() { (cd functions && printf '%s\n' *); }

pack() {
  local arch=$1 dist=$2 folder=$3 f
  need zip
  mkdir -p "$folder"
  for f in $(functions); do
    [ -e "$dist/$f/bootstrap" ] || fail "$dist/$f/bootstrap is missing: make build ARCH=$arch"
    rm -f "$folder/$f-$arch.zip"
    (cd "$dist/$f" && zip -qX - bootstrap) >"$folder/$f-$arch.zip"
  done
}

tools() {
  local folder=$1 tool
  mkdir -p "$folder"
  for tool in ./cmd/waggle ./localstack; do
    go build -trimpath -ldflags='-s -w' -o "$folder/$(basename "$tool")-$(go env GOOS)-$(go env GOARCH)" "$tool"
  done
}

fetch() {
  local version=$1 arch=$2 dist=$3 releases=${RELEASES:-} dir f origin
  need curl
  need unzip
  [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+[a-z0-9.-]*$ ]] || fail "RELEASE is a version such as v1.2.3, not $version"
  [[ $arch =~ ^(arm64|amd64)$ ]] || fail "ARCH is arm64 or amd64, not $arch"
  if [ -z "$releases" ]; then
    origin=$(git remote get-url origin 2>/dev/null || true)
    [[ $origin =~ github\.com[:/](.+)$ ]] ||
      fail "this checkout has no GitHub remote: say where the releases are with RELEASES=https://github.com/OWNER/REPOSITORY/releases/download"
    releases=https://github.com/${BASH_REMATCH[1]%.git}/releases/download
  fi
  dir=$(mktemp -d)
  trap "rm -rf '$dir'" EXIT
  for f in SHA256SUMS $(functions | sed "s/\$/-$arch.zip/"); do
    curl -fsSL --retry 3 -o "$dir/$f" "$releases/$version/$f" || fail "$releases/$version/$f could not be fetched: is there a release $version?"
  done
  for f in $(functions); do
    grep -q "^[0-9a-f]\{64\} [ *]$f-$arch.zip\$" "$dir/SHA256SUMS" || fail "SHA256SUMS of $version does not name $f-$arch.zip"
    (cd "$dir" && grep " [ *]$f-$arch.zip\$" SHA256SUMS | sums --check --status -) ||
      fail "$f-$arch.zip is not what SHA256SUMS of $version says: nothing was changed"
  done
  # DIST is changed only after every file has passed.
  for f in $(functions); do
    mkdir -p "$dist/$f"
    unzip -qo "$dir/$f-$arch.zip" bootstrap -d "$dist/$f"
    chmod +x "$dist/$f/bootstrap"
  done
  echo "the functions of $version for $arch are in $dist"
}

case ${1-} in
pack) pack "$2" "$3" "$4" ;;
tools) tools "$2" ;;
fetch) fetch "$2" "$3" "$4" ;;
*) fail "release.sh pack, tools or fetch, not ${1-}" ;;
esac
