# arl for zsh 5.0 and later: eval "$(arl init zsh)" in ~/.zshrc. No modules: loading one can hang a prompt.

# Unsets the variables whose text arl evaluates if one is exported: arl never exports them, so the text came from the
# environment. A tool such as direnv may export one after this script ran, so each use checks again.
__arl_drop_inherited() {
    case ${(t)__arl_restore-}${(t)__arl_refresh-}${(t)__arl_region-} in
        *export*) \builtin unset __arl_restore __arl_refresh __arl_region ;;
    esac
}
__arl_drop_inherited
\builtin unset __arl_prefix __arl_warned

# The word before the name keeps an alias of that name from being expanded here.
function arl {
    \builtin emulate -L zsh +x
    \builtin setopt local_options no_verbose
    # Until this function ends: it would be shown what is evaluated.
    \builtin trap - DEBUG
    \builtin local verb='' apply=x __arl_back=x skip='' piped='' word out code
    __arl_drop_inherited || \builtin return
    for word in "$@"; do
        if [[ -n $skip ]]; then
            skip=''
            \builtin continue
        fi
        case $word in
            --) \builtin break ;;
            --color) [[ -n $verb ]] || skip=x ;;
            --chain) __arl_back='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) apply='' ;;
            -*) ;;
            *) verb=${verb:-$word} ;;
        esac
    done
    case $verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    if (( ZSH_SUBSHELL > 0 )) && [[ -p /dev/stdout ]]; then
        piped=x
    fi
    if [[ -n ${__arl_prefix-} && -n $apply ]] && [[ $verb == assume || $verb == clear ]] && (( ZSH_SUBSHELL == 0 )); then
        \builtin print -ru2 "arl: $__arl_prefix before the command ends with it, and with it what arl sets; export it first, or use --profile"
        \builtin return 2
    fi
    case $verb:$apply in
        assume:x | clear:x)
            out="$(__arl_before && ARL_SHELL=zsh \command arl "$@")" || {
                code=$?
                [[ -z $piped ]] || \builtin print -r -- "$out"
                \builtin return $code
            }
            # A variable that cannot be changed must not cost the shell the role that it has.
            (__arl_before && \builtin eval "$out") || {
                code=$?
                [[ -z $piped ]] || \builtin print -r -- "(exit $code);"
                \builtin return $code
            }
            __arl_before
            \builtin eval "$out"
            # In eval "$(arl assume ROLE)" a change of the subshell is lost, and the shell reads what is printed.
            if [[ -n $piped ]] && __arl_is_read; then
                \builtin print -r -- "$out"
            fi
            ;;
        *)
            if [[ -n $__arl_back && -n ${__arl_restore-} ]]; then
                # zsh would execute the function again.
                (__arl_before && \builtin unset -f arl && exec arl "$@")
            else
                \command arl "$@"
            fi
            ;;
    esac
    # A function with `emulate -L` that ends with `case` does not end a shell under errexit; one that returns does.
    \builtin return $?
}

# Whether one of the shells that this subshell comes from reads the pipe that stdout is. In { arl assume ROLE; … } | tee
# it is another program, which must not get to see a secret.
__arl_is_read() {
    \builtin setopt null_glob
    \builtin local IFS=' ' pid rest fd line
    # Where nothing tells, it is read.
    [[ -e /proc/self/fd/1 ]] && \builtin read -r pid rest </proc/self/stat || \builtin return 0
    while [[ $pid != $$ && $pid -gt 1 ]]; do
        \builtin read -r rest <"/proc/$pid/stat" || \builtin return 0
        rest=${rest##*\) ? }
        pid=${rest%% *}
        for fd in /proc/$pid/fd/*; do
            [[ $fd -ef /dev/fd/1 ]] || \builtin continue
            while \builtin read -r line; do
                # The last digit of its flags is 0 for reading only.
                [[ $line != flags:*0 ]] || \builtin return 0
            done <"/proc/$pid/fdinfo/${fd##*/}"
        done
    done
    \builtin return 1
}

# Puts back what was here before a role, unless another source was chosen since. In a subshell, so that arl
# starts there; in the shell itself only once arl has succeeded.
__arl_before() {
    if [[ -n $__arl_back && -n ${__arl_restore-} ]] &&
        [[ -z ${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-} ]] &&
        [[ -z ${AWS_ACCESS_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} == "${ARL_KEY_ID-}" ]]; then
        \builtin eval "$__arl_restore"
    fi
}

# At the prompt: clears a role that has expired. Forks nothing; zsh gives every hook and the prompt their $?.
__arl_hook() {
    \builtin emulate -L zsh +x
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return 0 ;; esac
    # Prompt expansion is a clock that needs no module.
    \builtin local clock='%D{%s}'
    \builtin local now=${(%)clock}
    [[ $now -lt $ARL_EXPIRES_AT ]] || __arl_expired
    \builtin return 0
}

# Before a command: the terminal that sat idle. Nothing is cleared here, or the command that is already typed
# would run as somebody else.
__arl_preexec() {
    \builtin emulate -L zsh +x
    __arl_find_prefix "$3"
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return 0 ;; esac
    \builtin local clock='%D{%s}'
    \builtin local now=${(%)clock}
    if [[ $now -ge $ARL_EXPIRES_AT && -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]] &&
        ! __arl_renew && [[ ${__arl_warned-} != "$ARL_EXPIRES_AT" ]]; then
        \builtin typeset -g __arl_warned=$ARL_EXPIRES_AT
        if [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
            __arl_say 'the next prompt puts back what was here before'
        else
            __arl_say 'the next prompt clears its credentials'
        fi
    fi
    \builtin return 0
}

# Finds a variable of the identity in front of a call of arl: zsh takes such a variable back when the function ends, and
# nothing in there tells. A text, since sh_glob forbids such patterns.
__arl_find_prefix() {
    \builtin typeset -g __arl_prefix=''
    [[ $1 == *AWS_*=*arl* ]] || \builtin return 0
    \builtin setopt extended_glob
    \builtin local name start='(|*[[:blank:];&|(])' rest='=[^;&|'$'\n'']#[[:blank:]]arl[[:blank:]]*'
    for name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE; do
        # A profile does no harm where there is none to come back.
        [[ $name != *PROFILE || -n ${(P)name+x} ]] || \builtin continue
        # Nobody types that much in front of a command.
        [[ ${1[1,1000]} != $~start$name$~rest ]] || __arl_prefix=$name
    done
}

# With an argument it says nothing.
__arl_expired() {
    \builtin emulate -L zsh +x
    \builtin trap - DEBUG
    \builtin local left
    __arl_drop_inherited || \builtin return
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
        left="$(ARL_SHELL=zsh \command arl clear --expired --quiet 2>/dev/null)" && \builtin eval "$left"
        \builtin eval "${__arl_region-}"
        \builtin unset ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE __arl_refresh __arl_region
        [[ -z ${AWS_ACCESS_KEY_ID-} ]] || \builtin unset __arl_restore
    elif __arl_renew; then
        \builtin :
    elif [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
        [[ -n ${1-} ]] || __arl_say 'what was here before is back'
        \builtin eval "$__arl_restore"
        \builtin unset __arl_restore __arl_refresh __arl_region
    else
        [[ -n ${1-} ]] || __arl_say 'its credentials were cleared'
        # What `assume` has set. A profile chosen since is the person's.
        \builtin unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
            AWS_ACCOUNT_ID ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE
        \builtin eval "${__arl_region-}"
        \builtin unset __arl_region
    fi
}

# Assumes the same role again, if that is wished for. Tried once: a failure is not repeated at every prompt.
__arl_renew() {
    \builtin emulate -L zsh +x
    \builtin trap - DEBUG
    __arl_drop_inherited || \builtin return
    [[ ${ARL_ON_EXPIRY-} == refresh && -n ${__arl_refresh-} ]] || \builtin return
    \builtin local out __arl_back=x
    if out="$(\builtin eval "\\builtin set -- $__arl_refresh" && __arl_before && ARL_SHELL=zsh \command arl "$@" --quiet --within 5s)" &&
        (__arl_before && \builtin eval "$out"); then
        __arl_before
        \builtin eval "$out"
    else
        \builtin unset __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_say() {
    \builtin local name='a role' rest=${ARL_ROLE_ARN-}
    if [[ -n $rest && $rest != *[^[:graph:]]* ]]; then
        rest=${rest#*:*:*:*:}
        name="role/${rest##*/} in ${rest%%:*}"
    fi
    \builtin printf 'arl: %s expired %sm ago; %s\n' "$name" "$(((now - ARL_EXPIRES_AT) / 60))" "$1" >&2
}

if [[ -o interactive ]]; then
    \builtin typeset -ga precmd_functions preexec_functions
    precmd_functions=("${(@)precmd_functions:#__arl_hook}" __arl_hook)
    preexec_functions=("${(@)preexec_functions:#__arl_preexec}" __arl_preexec)
    # A role that was over before this shell began is no news, and nothing may be printed at start.
    () {
        \builtin emulate -L zsh
        case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
        \builtin local clock='%D{%s}' ARL_ON_EXPIRY=clear
        [[ ${(%)clock} -lt $ARL_EXPIRES_AT ]] || __arl_expired quietly
    }
fi
