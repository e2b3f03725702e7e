#!/usr/bin/env bash
# Deploys the stack on ministack, an emulator of AWS that needs no Docker, and runs a
# match on it: make emulator. It stops everything that it starts. The logs are kept in
# log/emulator. README.md says what this shows and what it cannot.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$PWD/log/emulator
rm -rf "$out"
mkdir -p "$out/tmp"
exec > >(tee "$out/emulator.log") 2>&1
echo "the log is kept in ${out#"$PWD/"}"

fail() {
  echo "make emulator: $*"
  exit 1
}

export PATH="$PWD/bin/valkey:$PATH"
cache=$(command -v valkey-server || command -v redis-server) || fail "a cache server is missing: install valkey-server or redis-server"
python=$(command -v python3) || fail "python3 is missing: ministack is written in Python"
version=1.5.33
[ -d "bin/ministack/ministack-$version.dist-info" ] ||
  fail "ministack is missing: python3 -m pip install --target bin/ministack ministack==$version"

running=()
end() {
  status=$?
  trap - EXIT
  if [ ${#running[@]} -gt 0 ]; then
    kill "${running[@]}" 2>/dev/null || true
    wait "${running[@]}" || true
  fi
  [ "$status" = 0 ] && echo "emulator: passed" || echo "emulator: FAILED, see $out"
  exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

# start NAME COMMAND… runs a command in the background until this script ends, with its
# output in NAME.log.
start() {
  local name=$1
  shift
  "$@" >"$out/$name.log" 2>&1 &
  running+=($!)
}

# await WHAT COMMAND… repeats a command until it succeeds.
await() {
  local what=$1 n
  shift
  for n in {1..300}; do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  fail "$what did not start: see $out"
}

free() { "$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

step() { printf '\n== %s, after %d s\n' "$*" $SECONDS; }

step "building for this machine"
export DIST=bin/emulator # and not dist, which make deploy deploys
make build ARCH="$(go env GOHOSTARCH)" DIST="$DIST"
go build -o bin/waggle ./cmd/waggle
go build -o bin/localstack ./localstack
(cd infra && go build -o ../bin/infra .)

step "starting a cache, a token issuer and ministack $version"
cache_port=$(free) issuer_port=$(free) port=$(free)
issuer=http://127.0.0.1:$issuer_port
emulator=http://127.0.0.1:$port
start cache "$cache" --port "$cache_port" --bind 127.0.0.1 --save '' --dir "$out/tmp"
# The local stack, of which only the token issuer is used.
start issuer bin/localstack -addr "127.0.0.1:$issuer_port"
start ministack env PYTHONPATH="$PWD/bin/ministack" TMPDIR="$out/tmp" S3_DATA_DIR="$out/tmp/s3" STATE_DIR="$out/tmp/state" \
  BIND_HOST=127.0.0.1 MINISTACK_HOST=127.0.0.1 GATEWAY_PORT="$port" AWS_ENDPOINT_URL="$emulator" \
  IOT_MTLS_ENABLED=0 SFTP_ENABLED=0 REDIS_HOST=127.0.0.1 REDIS_PORT="$cache_port" \
  "$python" -m ministack
await "the issuer" curl -sf "$issuer/healthz"
await ministack curl -sf "$emulator/_localstack/health"

step "deploying the stack with target=local"
export EMULATOR=$emulator CACHE=redis://127.0.0.1:$cache_port ISSUER=$issuer OUT=$out
localstack/deploy/stack.sh deploy
url=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["Waggle"]["Url"])' "$out/outputs.json")

step "waggle doctor finds nothing except a known difference of ministack, at $url"
# For the authorizer's error "Unauthorized" AWS returns 401, ministack 500.
token="curl -sSf $issuer/token?member={member}&pool={pool}"
bin/waggle doctor -url "$url" -token-command "$token" -json >"$out/doctor.json" || true
"$python" - "$out/doctor.json" <<'END' || fail "waggle doctor found something else"
import json, sys
steps = json.load(open(sys.argv[1]))["steps"]
for s in steps:
    print(f"{s['name']:8} {s['status']:8} {s['found']}")
wrong = [s["name"] for s in steps if s["status"] not in ("ok", "skipped")]
tried = [s["name"] for s in steps if s["status"] != "skipped"]
sys.exit(wrong != ["refusal"] or "match" not in tried)
END

step "a bad token is refused"
got=$(curl -s -o /dev/null -w '%{http_code}' --max-time 30 --http1.1 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \
  -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: d2FnZ2xlLXdhZ2dsZS13YQ==' "http${url#ws}?token=nonsense")
[ "$got" = 403 ] || fail "the handshake got $got, want 403"

# ask SERVICE ACTION BODY asks a service of the emulator, in the JSON protocol.
ask() {
  curl -sSf "$emulator/" -H "X-Amz-Target: $2" -H 'Content-Type: application/x-amz-json-1.1' -d "$3" \
    -H "Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/$1/aws4_request"
}
ask sqs AmazonSQS.CreateQueue '{"QueueName":"told"}' >"$out/queue.json"
queue=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["QueueUrl"])' "$out/queue.json")
ask events AWSEvents.PutRule '{"Name":"matches","EventPattern":"{\"source\":[\"waggle\"]}"}' >/dev/null
ask events AWSEvents.PutTargets '{"Rule":"matches","Targets":[{"Id":"told","Arn":"arn:aws:sqs:us-east-1:000000000000:told"}]}' >/dev/null

step "two members are matched by the built functions"
bin/waggle demo -url "$url" -token-command "$token"

step "a rule of the event bus passes on the match and its end"
events=$(ask sqs AmazonSQS.ReceiveMessage "{\"QueueUrl\":\"$queue\",\"MaxNumberOfMessages\":10}")
echo "$events"
for want in match.matched match.ended; do
  [[ $events == *"$want"* ]] || fail "the queue of the rule has no $want"
done

step "the other routes reach their functions"
answers=$(printf '%s\n' ping locate cancel nonsense |
  bin/waggle shell -url "$url" -as eve -linger 5s -token-command "curl -sSf $issuer/token?member={member}")
echo "$answers"
for want in '"type":"pong"' 'no match under way' 'no request under way' '"code":"unknown_action"'; do
  [[ $answers == *"$want"* ]] || fail "no reply contains $want"
done

step "the queue of timers has a member told that its request is over"
answers=$(printf '%s\n' 'location 10 10' 'match wait=1' |
  bin/waggle shell -url "$url" -as fay -linger 8s -token-command "curl -sSf $issuer/token?member={member}")
echo "$answers"
[[ $answers == *'"type":"no_match"'* ]] || fail "no reply is a no_match"

step "an update of a setting reaches the functions, and two members are matched again"
# report prints after how many seconds a member that can be found should report.
report() {
  printf '%s\n' 'hello' |
    bin/waggle shell -url "$url" -as "gil$1" -linger 5s -token-command "curl -sSf $issuer/token?member={member}" |
    sed -n 's/.*"type":"welcome".*"afterSeconds":\([0-9.]*\).*/\1/p' | head -1
}
before=$(report 1)
printf '{"pools":{"default":{"consent":"implied","locationTTL":20}}}' >"$out/pools.json"
localstack/deploy/stack.sh deploy -c pools="$out/pools.json" -c logDays=7
after=$(report 2)
echo "report after $before s, and after the update after $after s"
[ "$before" = 30 ] && [ "$after" = 10 ] || fail "want 30 s and then 10 s"
bin/waggle demo -url "$url" -token-command "$token"

step "destroying"
localstack/deploy/stack.sh destroy
left=$(curl -sf "$emulator/2015-03-31/functions/" -H 'Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/lambda/aws4_request')
[[ $left == *'"Functions"'* && $left != *bootstrap* ]] || fail "functions are left: $left"
