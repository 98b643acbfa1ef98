#!/bin/sh
# Shows what arl does, against the loopback STS. Needs no AWS account and no network, and takes about ten seconds.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/target/debug:$PATH"

# A home directory of its own, with a user `ann` and three roles.
demo=$(mktemp -d)
trap 'rm -rf "$demo"' EXIT
trap 'exit 130' INT
mkdir "$demo/.aws" "$demo/sts"
cat >"$demo/.aws/config" <<'CONFIG'
[profile dev]
role_arn = arn:aws:iam::123456789012:role/ReadOnly
source_profile = ann

[profile dns]
role_arn = arn:aws:iam::123456789012:role/team/dns_editor
source_profile = ann

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

# The user's own AWS settings must not take part.
for name in $(env | sed -n 's/^\(AWS_[A-Z_]*\|ARL_[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done
unset XDG_CACHE_HOME XDG_RUNTIME_DIR
export HOME="$demo" AWS_EC2_METADATA_DISABLED=true ARL_SHELL=posix BROWSER="$demo/browser"

# Starts a loopback STS, with sessions of $1 seconds if given. It ends when its standard input does.
start_sts() {
    rm -f "$demo/sts/in" "$demo/sts/out"
    mkfifo "$demo/sts/in" "$demo/sts/out"
    arl-sts ${1:+--session-seconds "$1"} <"$demo/sts/in" >"$demo/sts/out" &
    exec 9>"$demo/sts/in" 8<"$demo/sts/out"
    while read -r line <&8; do
        case $line in
            AWS_ENDPOINT_URL_STS=*) AWS_ENDPOINT_URL_STS=${line#*=} ;;
            AWS_ACCESS_KEY_ID=*) key=${line#*=} ;;
            AWS_SECRET_ACCESS_KEY=*) secret=${line#*=} && break ;;
        esac
    done
    export AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_SSO="$AWS_ENDPOINT_URL_STS" AWS_ENDPOINT_URL_SSO_OIDC="$AWS_ENDPOINT_URL_STS"
    printf '[ann]\naws_access_key_id=%s\naws_secret_access_key=%s\n' "$key" "$secret" >"$demo/.aws/credentials"
}

if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    title=$(printf '\033[1;36m') typed=$(printf '\033[1m') plain=$(printf '\033[0m')
else
    title='' typed='' plain=''
fi
# The Python that has boto3: the system's, else that of the tests. Prints nothing if there is none.
with_boto3() {
    for python in python3 .tools/venv/bin/python; do
        if "$python" -c 'import boto3' 2>/dev/null; then
            printf '%s' "$python"
            return
        fi
    done
}
scene() {
    printf '\n%s# %s%s\n' "$title" "$1" "$plain"
}
show() {
    printf '%s$ %s%s\n' "$typed" "$1" "$plain"
    eval "$1" 2>&1 || printf '(exit status %s)\n' "$?"
}

start_sts
printf '%s\n' "A local stand-in for AWS STS answers at $AWS_ENDPOINT_URL_STS. Nothing here reaches AWS."
eval "$(arl init sh)"

# shellcheck disable=SC2016 # the commands are shown as a user would type them
{
    scene 'These are the roles in ~/.aws/config:'
    show 'arl list'

    scene 'Ask what would happen, and why. This makes no call:'
    show 'arl explain prod-deploy'

    scene 'Switch this shell to a role. Everything that uses an AWS SDK runs as the role now.'
    show 'export AWS_PROFILE=ann'
    show 'arl assume prod-deploy'
    show 'arl status'
    show 'echo "region: $AWS_REGION, profile: ${AWS_PROFILE-none}"'

    scene 'If a call fails, the shell keeps its role, and the command after && does not run:'
    show 'arl assume 123456789012/Closed && echo "this is not printed"'
    show 'arl status | head -n 1'

    scene 'Drop the role. The previous settings of the shell are back:'
    show 'arl clear'
    show 'echo "region: ${AWS_REGION-none}, profile: ${AWS_PROFILE-none}"'
    unset AWS_PROFILE

    scene 'Run one command as a role. arl exits with the status of the command:'
    show 'arl exec prod-deploy -- sh -c "echo \$ARL_ROLE_ARN; exit 7"'

    scene 'Run one command as each of several roles:'
    show 'arl each dev dns prod-deploy -- sh -c "echo \$ARL_ROLE_ARN"'

    scene 'Print JSON for programs that run a credential_process (the secrets are shortened here):'
    show 'arl assume prod-deploy --json | sed -E "s/(SecretAccessKey|SessionToken)\":\"[^\"]{4}[^\"]*/\1\":\"…/g"'

    scene 'Sign in to IAM Identity Center, and use one of its roles without a profile:'
    show 'arl login corp'
    show 'arl assume corp:111122223333/ReadOnly'
    show 'arl status | head -n 1'
    show 'arl clear'

    scene 'Every SDK and the AWS CLI use the same sign-in, through the token file that they share:'
    show 'arl configure corp:111122223333/Dev --profile-name corp-dev --region eu-west-1'
    boto3=$(with_boto3)
    if [ -n "$boto3" ]; then
        python() { "$boto3" "$@"; }
        show 'python -c "import boto3; print(boto3.Session(profile_name=\"corp-dev\").client(\"sts\").get_caller_identity()[\"Arn\"])"'
    else
        printf '%s\n' '(boto3 is not installed here, so this is skipped; to see it: `pip install boto3`, or `make test`, which installs it)'
    fi
    show 'arl logout corp'
}

# The hook runs at the prompt of an interactive shell, so this scene needs one: bash with its input from here.
start_sts 2
if command -v bash >/dev/null; then
    scene 'When a session expires (here after two seconds), the next prompt clears it:'
    # bash shows the lines that it reads. Without a terminal it also says that it has no job control.
    bash --noprofile --norc -i 2>&1 <<'SESSION' | sed '/^bash: .*\(job control\|terminal process group\)/d; /PS1=/d; /^[$ ]*exit$/d'
eval "$(arl init bash)"; PS1="$ "
arl assume prod-deploy
sleep 2
arl status
SESSION
else
    scene 'When a session expires (here after two seconds), a command clears it in sh; other shells clear it at the prompt:'
    show 'arl assume prod-deploy; sleep 2'
    # shellcheck disable=SC2016 # shown as a user would type it
    show 'eval "$(arl clear --expired)"; arl status'
fi

cat <<NEXT

${title}# Next$plain
  cargo install --path . --locked     installs arl
  arl init                            prints the line for the startup file of your shell
  arl list                            shows your own roles; then: arl assume ROLE
NEXT
