#!/usr/bin/env bash
# Looks before the first deploy whether the account, the region and this machine have what
# the stack needs, and says what to do where they do not: preflight.sh, with ARCH and
# RELEASE as for make deploy. It changes nothing.
set -uo pipefail

missing=0
ok() { printf 'ok       %s\n' "$*"; }
note() { printf 'note     %s\n' "$*"; }
bad() {
  printf 'MISSING  %s\n' "$*"
  missing=$((missing + 1))
}

ask() { aws "$@" --output text 2>/dev/null; }

end() {
  if [ $missing = 0 ]; then
    echo "nothing is missing: make deploy"
    exit 0
  fi
  echo "$missing missing"
  exit 1
}

# This machine.
if command -v node >/dev/null; then
  major=$(node --version)
  major=${major#v}
  major=${major%%.*}
  if [ "$major" -ge 20 ]; then ok "Node.js $major"; else bad "Node.js $major is too old for the CDK: install Node.js 22 or later (https://nodejs.org)"; fi
else
  bad "Node.js, the CDK runs on it: install Node.js 22 or later (https://nodejs.org)"
fi
if command -v go >/dev/null; then ok "Go"; else bad "Go: install Go 1.26 (https://go.dev/dl)"; fi
if [ "${RELEASE:-}" ]; then
  ok "no C compiler needed: the functions are those of $RELEASE"
elif compiler=$(build/cross-cc.sh "${ARCH:-arm64}" 2>/dev/null); then
  ok "a C compiler for ${ARCH:-arm64}: $compiler"
else
  bad "a C compiler for ${ARCH:-arm64}: make build names those that work; or deploy a release with RELEASE=v1.2.3"
fi

# The account and the region.
if ! command -v aws >/dev/null; then
  bad "the AWS command line: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html"
  end
fi
if ! account=$(ask sts get-caller-identity --query Account); then
  bad "credentials: aws configure, or aws sso login"
  end
fi
ok "credentials of account $account"
region=${AWS_REGION:-$(ask configure get region)}
if [ -z "$region" ]; then
  bad "a region: export AWS_REGION=eu-west-1"
  end
fi
export AWS_REGION=$region
ok "region $region"

if version=$(ask ssm get-parameter --name /cdk-bootstrap/hnb659fds/version --query Parameter.Value); then
  ok "the account is prepared for the CDK, version $version"
else
  bad "the account is not prepared for the CDK: npm ci --prefix infra && infra/node_modules/.bin/cdk bootstrap aws://$account/$region"
fi
if versions=$(ask elasticache describe-cache-engine-versions --engine valkey --query 'CacheEngineVersions[].EngineVersion'); then
  if [[ " ${versions//[[:space:]]/ }" == *" 9."* ]]; then
    ok "Valkey 9 in $region"
  else
    bad "Valkey 9 in $region, which has $(echo $versions): choose another region, or name an existing cache with -c cacheEndpoint=…"
  fi
else
  bad "permission to ask ElastiCache for its versions (elasticache:DescribeCacheEngineVersions)"
fi
if limit=$(ask lambda get-account-settings --query AccountLimit.ConcurrentExecutions); then
  if [ "${limit%.*}" -ge 100 ]; then
    ok "$limit concurrent executions of Lambda"
  else
    bad "$limit concurrent executions of Lambda are enough to try Waggle with a few members only: ask for 1000 in Service Quotas, Lambda, Concurrent executions"
  fi
else
  bad "permission to ask Lambda for its limits (lambda:GetAccountSettings)"
fi
if role=$(ask apigateway get-account --query cloudwatchRoleArn) && [ "$role" ] && [ "$role" != None ]; then
  note "API Gateway logs with $role here; make deploy leaves it as it is"
fi
if quotas=$(ask service-quotas list-service-quotas --service-code apigateway --query 'Quotas[].[QuotaName,Value]'); then
  while IFS=$'\t' read -r name value; do
    case $name in *[Tt]hrottle* | *[Ww]eb[Ss]ocket*) note "quota of API Gateway: $name: $value" ;; esac
  done <<<"$quotas"
fi
case $region in
af-south-1 | ap-southeast-3 | ap-south-2 | ap-southeast-4 | ap-southeast-5 | ap-southeast-7 | ca-west-1 | eu-central-2 | eu-south-1 | eu-south-2 | il-central-1 | me-central-1 | mx-central-1)
  note "in $region an account has 2 500 requests a second to API Gateway unless it was raised, and elsewhere 10 000: throttleRate follows"
  ;;
esac
end
