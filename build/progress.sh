#!/usr/bin/env bash
# Builds a Go program and shows the progress: progress.sh OUTPUT PACKAGE. On a
# terminal it draws a bar, elsewhere it prints a line every quarter, and it is silent
# if there is little to build. It exits with go build's status.
set -uo pipefail

output=$1 package=$2
output_of_go=$(mktemp) stale=$(mktemp)
trap 'rm -f "$output_of_go" "$stale"' EXIT

columns=80
terminal=
if [ -t 2 ]; then
  terminal=yes
  read -r _ columns < <(stty size <&2 2>/dev/null)
  [ "${columns:-0}" -ge 20 ] || columns=80
fi

# show DONE TOTAL TEXT replaces the last line; with a TOTAL of 0 there is no bar.
show() {
  [ "$terminal" ] || return 0
  local line=$3 width=30 filled
  if [ "$2" -gt 0 ]; then
    filled=$(($1 * width / $2))
    printf -v line '[%s%s] %*d/%d %s' "${full:0:filled}" "${empty:0:width - filled}" ${#2} "$1" "$2" "$3"
  fi
  printf '\r%s\033[K' "${line:0:columns - 1}" >&2
}
full='##############################'
empty='..............................'

clear() {
  [ -z "$terminal" ] || printf '\r\033[K' >&2
}

# follow TOTAL reads the output of go and shows the modules that it fetches and the
# packages that it compiles. It prints all other lines, and saves them for advise.
follow() {
  local total=$1 begun=0 fetched=0 shown=0 line
  while IFS= read -r line; do
    case $line in
    "go: downloading "*)
      fetched=$((fetched + 1))
      if [ $fetched = 1 ] && [ -z "$terminal" ]; then echo "fetching modules" >&2; fi
      show 0 0 "fetching modules: $fetched, ${line#go: downloading }"
      ;;
    *[[:space:]]* | "")
      clear
      printf '%s\n' "$line" >&2
      printf '%s\n' "$line" >>"$output_of_go"
      ;;
    *)
      begun=$((begun < total ? begun + 1 : begun))
      if [ "$total" -gt "$few" ]; then
        if [ $begun = "$total" ]; then show $begun "$total" "$line, and linking"; else show $begun "$total" "$line"; fi
        if [ -z "$terminal" ] && [ $((begun * 4 / total)) -gt $shown ]; then
          shown=$((begun * 4 / total))
          echo "compiling: $begun of $total packages" >&2
        fi
      fi
      ;;
    esac
  done
  clear
}
few=20

# advise prints what to do about an error of go.
advise() {
  if grep -Eqi 'dial tcp|no such host|i/o timeout|connection refused|unreachable|handshake|proxyconnect|GOPROXY=off|EOF$' "$output_of_go"; then
    echo "make: the modules could not be fetched, which is needed once: check the network, or name a mirror with go env -w GOPROXY=… (it is $(go env GOPROXY))" >&2
  elif grep -qi 'no space left' "$output_of_go"; then
    echo "make: the disk is full: go clean -cache empties $(go env GOCACHE)" >&2
  fi
}

# This lists the packages to compile, and fetches the modules.
{ go list -deps -f '{{if .Stale}}{{.ImportPath}}{{end}}' "$package" 2>&1 >&3 | follow 0; } 3>"$stale"
listed=${PIPESTATUS[0]}
total=$(grep -c . "$stale")
if [ "$listed" != 0 ] && [ -s "$output_of_go" ]; then
  advise
  exit "$listed"
fi
if [ "$total" -gt "$few" ]; then
  echo "compiling $total packages; the first time this takes a minute or so" >&2
fi
go build -v -o "$output" "$package" 2>&1 | follow "$total"
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || advise
if [ "$status" = 0 ] && [ "$total" -gt "$few" ]; then echo "built in $SECONDS s" >&2; fi
exit "$status"
