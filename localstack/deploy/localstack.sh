#!/usr/bin/env bash
# Deploys the stack on LocalStack and runs a match on it: make deploy-localstack. It has
# never been run, see README.md. LocalStack keeps running afterwards, so that you can
# inspect it; KEEP=0 stops it.
set -euo pipefail
cd "$(dirname "$0")/../.."

fail() {
  echo "make deploy-localstack: $*" >&2
  exit 1
}

command -v docker >/dev/null || fail "Docker is missing: LocalStack and its functions run in containers (make emulator needs no Docker)"
docker info >/dev/null 2>&1 || fail "Docker does not answer: start it (make emulator needs no Docker)"
docker compose version >/dev/null 2>&1 || fail "docker compose is missing: install Docker's Compose plugin"
[ "${LOCALSTACK_AUTH_TOKEN:-}" ] ||
  fail "LOCALSTACK_AUTH_TOKEN is not set: WebSocket APIs need a LocalStack plan; get a token at https://app.localstack.cloud"

compose() { docker compose -f localstack/deploy/compose.yaml "$@"; }
if [ "${KEEP:-1}" = 0 ]; then trap 'compose down' EXIT; fi
compose up --detach --wait

export DIST=bin/emulator # and not dist, which make deploy deploys
make build ARCH="$(go env GOHOSTARCH)" DIST="$DIST"
go build -o bin/waggle ./cmd/waggle
(cd infra && go build -o ../bin/infra .)

# This name resolves to this machine here, and to LocalStack in its containers.
export EMULATOR=http://localhost.localstack.cloud:4566 CACHE=redis://172.28.77.20:6379 ISSUER=http://172.28.77.30:8080
export OUT=$PWD/log/localstack
mkdir -p "$OUT"
localstack/deploy/stack.sh deploy
url=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1])).Waggle.Url' "$OUT/outputs.json")
bin/waggle demo -url "$url" -token-command 'curl -sSf http://127.0.0.1:8099/token?member={member}&pool={pool}'
