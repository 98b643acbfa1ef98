#!/bin/sh
# Shows the main job against the loopback STS: nothing here knows or needs an AWS account.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/target/debug:$PATH"

# A home directory of its own, with two profiles.
demo=$(mktemp -d)
trap 'rm -rf "$demo"' EXIT
mkdir "$demo/.aws" "$demo/sts"
cat >"$demo/.aws/config" <<'CONFIG'
[profile prod-deploy]
role_arn = arn:aws:iam::123456789012:role/Deploy
source_profile = ann
region = eu-west-1

[sso-session corp]
sso_start_url = https://corp.example/start
sso_region = eu-west-1
CONFIG
# A browser that signs in by itself.
cat >"$demo/browser" <<'BROWSER'
#!/bin/sh
exec curl -sL -o /dev/null "$1"
BROWSER
chmod +x "$demo/browser"

# The service ends when this script does, because its standard input ends then.
mkfifo "$demo/sts/in" "$demo/sts/out"
arl-sts <"$demo/sts/in" >"$demo/sts/out" &
exec 9>"$demo/sts/in" 8<"$demo/sts/out"
while read -r line <&8; do
    case $line in
        AWS_ENDPOINT_URL_STS=*) endpoint=${line#*=} ;;
        AWS_ACCESS_KEY_ID=*) key=${line#*=} ;;
        AWS_SECRET_ACCESS_KEY=*) secret=${line#*=} && break ;;
    esac
done
printf '[ann]\naws_access_key_id=%s\naws_secret_access_key=%s\n' "$key" "$secret" >"$demo/.aws/credentials"

# Nothing of the person's own AWS settings takes part.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\|ARL_[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done
export HOME="$demo" AWS_ENDPOINT_URL_STS="$endpoint" AWS_EC2_METADATA_DISABLED=true
export AWS_ENDPOINT_URL_SSO="$endpoint" AWS_ENDPOINT_URL_SSO_OIDC="$endpoint" BROWSER="$demo/browser"

show() {
    printf '\n$ %s\n' "$1"
    eval "$1" 2>&1 || printf '(status %s)\n' "$?"
}

# shellcheck disable=SC2016 # the commands are shown as a person would type them
{
    printf '# A loopback STS answers at %s. The profiles:\n' "$endpoint"
    show 'cat ~/.aws/config'
    printf '\n# One command as the role:\n'
    show 'arl exec prod-deploy -- env | grep -E "^(AWS_REGION|AWS_ACCOUNT_ID|ARL_ROLE_ARN)="'
    show 'arl exec prod-deploy -- sh -c "exit 7"'
    printf '\n# This shell as the role:\n'
    show 'eval "$(arl assume prod-deploy)"'
    show 'echo "$ARL_ROLE_ARN until $AWS_CREDENTIAL_EXPIRATION"'
    printf '\n# A failure stops what follows:\n'
    show 'eval "$(arl assume 123456789012/Closed)" && echo "this is not printed"'
    printf '\n# For programs that read credential_process (the secrets are cut here):\n'
    show 'arl assume prod-deploy --json | sed -E "s/(SecretAccessKey|SessionToken)\":\"[^\"]{4}[^\"]*/\1\":\"…/g"'
    printf '\n# Signing in to IAM Identity Center, and a role of it without a profile:\n'
    show 'arl login corp'
    show 'arl exec corp:111122223333/ReadOnly -- env | grep -E "^(AWS_ACCOUNT_ID|ARL_ROLE)="'
    show 'arl exec corp:111122223333/Root -- true'
    printf '\n# The AWS CLI and the SDKs read the same token file:\n'
    show 'sed -E "s/(Token|Secret)\": \"[^\"]{4}[^\"]*/\1\": \"…/g" ~/.aws/sso/cache/ee0b*.json; echo'
    show 'arl logout corp'
}
