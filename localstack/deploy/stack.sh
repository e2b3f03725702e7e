#!/usr/bin/env bash
# Deploys or destroys the stack with target=local on an emulator, with cdklocal:
# stack.sh deploy [-c KEY=VALUE…], which updates a stack that exists, or stack.sh destroy. On LocalStack and on ministack, destroy a stack
# whose creation has failed before you deploy it again.
#   EMULATOR  its URL, http://host:port, for this machine and the functions
#   CACHE     redis://host:port, for the functions
#   ISSUER    URL of the token issuer, for the functions
#   OUT       a directory for the files of the CDK; the outputs are in OUT/outputs.json
#   DIST      where the functions were built
set -euo pipefail
cd "$(dirname "$0")/../.."

# Any credentials work; those of a real account must never be used.
export AWS_ENDPOINT_URL=$EMULATOR AWS_ENDPOINT_URL_S3=$EMULATOR
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
unset AWS_PROFILE AWS_SESSION_TOKEN
export SETTINGS=none # those of the deployer's own stack are for AWS
export CI=true JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1

[ -x infra/node_modules/.bin/cdklocal ] || npm ci --no-audit --no-fund --prefix infra

cdk() {
  infra/node_modules/.bin/cdklocal "$@" --ci --no-notices
}

case ${1-} in
deploy)
  cdk bootstrap aws://000000000000/us-east-1
  cdk deploy --app bin/infra --output "$OUT/cdk.out" --require-approval never --outputs-file "$OUT/outputs.json" \
    -c target=local -c emulator="$EMULATOR" -c arch="$(go env GOHOSTARCH)" \
    -c issuer="$ISSUER" -c audience=waggle -c consent=implied -c cacheEndpoint="$CACHE" -c eventBus=default "${@:2}"
  ;;
destroy) WAGGLE_VERB=destroy cdk destroy --app bin/infra --output "$OUT/cdk.out" --force ;;
*)
  echo "stack.sh: the argument must be deploy or destroy, not \"${1-}\"" >&2
  exit 1
  ;;
esac
