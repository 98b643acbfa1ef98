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
    \builtin local __arl_verb='' __arl_eval_output=x __arl_back=x __arl_skip='' __arl_stdout_is_pipe='' __arl_word __arl_out __arl_code
    __arl_drop_inherited || \builtin return
    for __arl_word in "$@"; do
        if [[ -n $__arl_skip ]]; then
            __arl_skip=''
            \builtin continue
        fi
        case $__arl_word in
            --) \builtin break ;;
            --color) [[ -n $__arl_verb ]] || __arl_skip=x ;;
            --chain) __arl_back='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_eval_output='' ;;
            -*) ;;
            *) __arl_verb=${__arl_verb:-$__arl_word} ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_back='' ;;
    esac
    if (( ZSH_SUBSHELL > 0 )) && [[ -p /dev/stdout ]]; then
        __arl_stdout_is_pipe=x
    fi
    if [[ ${__arl_prefix-} == AWS_* && -n $__arl_eval_output ]] && [[ $__arl_verb == assume || $__arl_verb == clear ]] && (( ZSH_SUBSHELL == 0 )); then
        \builtin printf 'arl: %s before the command ends with it, and with it what arl sets; export it first, or use --profile\n' \
            "$__arl_prefix" >&2
        \builtin return 2
    fi
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x)
            __arl_out="$(__arl_before && ARL_SHELL=zsh \command arl "$@")" || {
                __arl_code=$?
                [[ -z $__arl_stdout_is_pipe ]] || \builtin print -r -- "$__arl_out"
                \builtin return $__arl_code
            }
            # A variable that cannot be changed must not cost the shell the role that it has.
            (__arl_before && \builtin eval "$__arl_out") || {
                __arl_code=$?
                [[ -z $__arl_stdout_is_pipe ]] || \builtin print -r -- "(exit $__arl_code);"
                \builtin return $__arl_code
            }
            __arl_before
            \builtin eval "$__arl_out"
            [[ -n $__arl_stdout_is_pipe ]] || \builtin return 0
            # In eval "$(arl assume ROLE)" a change of the subshell is lost, and the shell reads what is printed.
            __arl_code=0
            __arl_is_read || __arl_code=$?
            case $__arl_code in
                0) \builtin print -r -- "$__arl_out" ;;
                1) ;;
                *)
                    \builtin print -r -- '(exit 1);'
                    \builtin print -ru2 -- 'arl: this subshell does not tell who reads the pipe; use arl exec'
                    \builtin return 1
                    ;;
            esac
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
# it is another program, which must not get to see a secret. 2 if that cannot be told.
__arl_is_read() {
    # Without /proc nothing tells, and the shell is taken for the reader.
    [[ -e /proc/self/fd/1 ]] || \builtin return 0
    # IFS may be readonly.
    ( IFS=' ' ) 2>/dev/null || \builtin return 2
    \builtin setopt null_glob
    \builtin local IFS=' ' __arl_pid __arl_rest __arl_fd __arl_line
    \builtin read -r __arl_pid __arl_rest </proc/self/stat || \builtin return 2
    while [[ $__arl_pid != $$ && $__arl_pid -gt 1 ]]; do
        \builtin read -r __arl_rest <"/proc/$__arl_pid/stat" || \builtin return 0
        __arl_rest=${__arl_rest##*\) ? }
        __arl_pid=${__arl_rest%% *}
        for __arl_fd in /proc/$__arl_pid/fd/*; do
            [[ $__arl_fd -ef /dev/fd/1 ]] || \builtin continue
            while \builtin read -r __arl_line; do
                # The last digit of its flags is 0 for reading only.
                [[ $__arl_line != flags:*0 ]] || \builtin return 0
            done <"/proc/$__arl_pid/fdinfo/${__arl_fd##*/}"
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
    \builtin local __arl_clock='%D{%s}'
    \builtin local __arl_now=${(%)__arl_clock}
    [[ $__arl_now -lt $ARL_EXPIRES_AT ]] || __arl_expired
    \builtin return 0
}

# Before a command: the terminal that sat idle. Nothing is cleared here, or the command that is already typed
# would run as somebody else.
__arl_preexec() {
    \builtin emulate -L zsh +x
    __arl_find_prefix "$3"
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return 0 ;; esac
    \builtin local __arl_clock='%D{%s}'
    \builtin local __arl_now=${(%)__arl_clock}
    if [[ $__arl_now -ge $ARL_EXPIRES_AT && -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]] &&
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
    \builtin local __arl_name __arl_start='(|*[[:blank:];&|(])' __arl_rest='=[^;&|'$'\n'']#[[:blank:]]arl[[:blank:]]*'
    for __arl_name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE; do
        # A profile does no harm where there is none to come back.
        [[ $__arl_name != *PROFILE || -n ${(P)__arl_name+x} ]] || \builtin continue
        # Nobody types that much in front of a command.
        [[ ${1[1,1000]} != $~__arl_start$__arl_name$~__arl_rest ]] || __arl_prefix=$__arl_name
    done
}

# With an argument it says nothing.
__arl_expired() {
    \builtin emulate -L zsh +x
    \builtin trap - DEBUG
    \builtin local __arl_left
    __arl_drop_inherited || \builtin return
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # Other keys were loaded since: those are not arl's to clear. arl knows what else a role has left.
        __arl_left="$(ARL_SHELL=zsh \command arl clear --expired --quiet 2>/dev/null)" && \builtin eval "$__arl_left"
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
    \builtin local __arl_out __arl_back=x
    # Unset first: neither a failure nor Ctrl-C may be repeated at every prompt.
    \builtin set -- "$__arl_refresh"
    \builtin unset __arl_refresh
    if __arl_out="$(\builtin eval "\\builtin set -- $1" && __arl_before && ARL_SHELL=zsh \command arl "$@" --quiet --within 5s)" &&
        (__arl_before && \builtin eval "$__arl_out"); then
        __arl_before
        \builtin eval "$__arl_out"
    else
        \builtin unset __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_say() {
    \builtin local __arl_name='a role' __arl_rest=${ARL_ROLE_ARN-}
    if [[ -n $__arl_rest && $__arl_rest != *[^[:graph:]]* ]]; then
        __arl_rest=${__arl_rest#*:*:*:*:}
        __arl_name="role/${__arl_rest##*/} in ${__arl_rest%%:*}"
    fi
    \builtin printf 'arl: %s expired %sm ago; %s\n' "$__arl_name" "$(((__arl_now - ARL_EXPIRES_AT) / 60))" "$1" >&2
}

if [[ -o interactive ]]; then
    \builtin typeset -ga precmd_functions preexec_functions
    precmd_functions=("${(@)precmd_functions:#__arl_hook}" __arl_hook)
    preexec_functions=("${(@)preexec_functions:#__arl_preexec}" __arl_preexec)
    # A role that was over before this shell began is no news, and nothing may be printed at start.
    () {
        \builtin emulate -L zsh
        case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
        \builtin local __arl_clock='%D{%s}' ARL_ON_EXPIRY=clear
        [[ ${(%)__arl_clock} -lt $ARL_EXPIRES_AT ]] || __arl_expired quietly
    }
fi
