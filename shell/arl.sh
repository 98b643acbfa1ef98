# shellcheck shell=sh
# arl for POSIX shells: eval "$(arl init sh)". It defines only the function, because these shells have no hook
# that could clear an expired role.

# Unsets the variables whose text arl evaluates if they are exported. arl never exports them, so an exported
# one came from the environment. Tools such as direnv can export one at any time, so arl checks again before
# each use.
__arl_drop_inherited() {
    case ${__arl_restore:+x}${__arl_refresh:+x}${__arl_region:+x} in '') \return ;; esac
    case $(\export -p) in
        *' __arl_re'*) \unset __arl_restore __arl_refresh __arl_region ;;
    esac
}
__arl_drop_inherited

# The shell would expand an alias named arl here.
\unalias arl 2>/dev/null || \:
arl() {
    # A subshell checks first whether a variable is readonly, because many shells exit when they assign to
    # one.
    (__arl_unset_scratch) 2>/dev/null || {
        __arl_refuse "$@"
        \return
    }
    # This also removes attributes such as those of `typeset -u`.
    __arl_unset_scratch
    __arl_trace=$-
    # Neither -x nor -v may show the evaluated statements.
    { \set +xv; } 2>/dev/null
    __arl_choose_mode "$@" || __arl_mode=stop
    case $__arl_mode in
        stop)
            __arl_end
            __arl_refuse "$@"
            \return
            ;;
        eval)
            if __arl_eval "$@"; then
                \set -- 0
            else
                \set -- "$?"
            fi
            __arl_end
            \return "$1"
            ;;
        # arl runs last, so that its status becomes the status of the function without `return`. ksh93 treats
        # a status above 256 as a signal: `return` and subshells truncate it, and after SIGINT a subshell ends
        # the script.
        original)
            __arl_end
            __arl_run_from_original "$@"
            ;;
        *)
            __arl_end
            \command arl "$@"
            ;;
    esac
}

# Unsets the variables that a call uses.
__arl_unset_scratch() {
    \unset __arl_verb __arl_eval_output __arl_from_original __arl_skip __arl_word __arl_out __arl_code __arl_fd __arl_key \
        __arl_value __arl_mode __arl_trace
}

# Ends a call: restores -x and -v, and unsets the variables of the call.
__arl_end() {
    case $__arl_trace in
        *x*v* | *v*x*) __arl_unset_scratch && \set -xv ;;
        *x*) __arl_unset_scratch && \set -x ;;
        *v*) __arl_unset_scratch && \set -v ;;
        *) __arl_unset_scratch ;;
    esac
}

# Reports that a variable of arl cannot be used. In eval "$(arl assume ROLE)" it also prints a failing
# statement, because evaluating an empty text succeeds.
__arl_refuse() {
    \printf 'arl: a variable whose name begins with __arl_ is readonly, so nothing was done\n' >&2
    case ${KSH_VERSION-}:${1-} in
        *93*:assume | *93*:clear | *93*:-*)
            \eval 'case ${.sh.subshell} in 0) ;; *) \printf "(exit 1)\n" ;; esac'
            ;;
        *:assume | *:clear | *:-*) ! \test -p /dev/stdout || \printf '(exit 1)\n' ;;
    esac
    \return 1
}

# Sets __arl_mode: `eval` if the shell evaluates the output, `original` if arl starts from the environment
# before the role, else `plain`. Sets __arl_from_original if the verb starts from there.
__arl_choose_mode() {
    __arl_drop_inherited || \return
    __arl_verb='' __arl_eval_output=x __arl_from_original=x __arl_skip=''
    for __arl_word in "$@"; do
        case $__arl_skip in
            x)
                __arl_skip=''
                \continue
                ;;
        esac
        case $__arl_word in
            --) \break ;;
            --color) case $__arl_verb in '') __arl_skip=x ;; esac ;;
            --chain) __arl_from_original='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_eval_output='' ;;
            -*) ;;
            *) case $__arl_verb in '') __arl_verb=$__arl_word ;; esac ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_from_original='' ;;
    esac
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x) __arl_mode='eval' ;;
        *)
            case $__arl_from_original:${__arl_restore:+x} in
                x:x) __arl_mode=original ;;
                *) __arl_mode=plain ;;
            esac
            ;;
    esac
}

# Runs arl and evaluates the statements that it prints.
__arl_eval() {
    __arl_out=$(__arl_use_original_env && ARL_SHELL=posix \command arl "$@") || {
        __arl_skip=$?
        # The output of a failed arl contains no secret.
        ! \test -p /dev/stdout || \printf '%s\n' "$__arl_out"
        \return "$__arl_skip"
    }
    __arl_code=0
    __arl_shell_reads_stdout || __arl_code=$?
    case $__arl_code in
        2)
            \printf '(exit 1)\n'
            \printf 'arl: this subshell does not tell who reads the pipe; use arl exec\n' >&2
            \return 1
            ;;
    esac
    # A subshell evaluates the statements first. If that fails, for example because a variable is readonly,
    # the shell keeps its current role.
    (__arl_use_original_env && \eval "$__arl_out") || {
        __arl_skip=$?
        case $__arl_code in 0) \printf '(exit %s)\n' "$__arl_skip" ;; esac
        \return "$__arl_skip"
    }
    __arl_use_original_env
    \eval "$__arl_out"
    # In eval "$(arl assume ROLE)" the changes to the subshell are lost, and the shell evaluates the printed
    # statements.
    case $__arl_code in 0) \printf '%s\n' "$__arl_out" ;; esac
}

# Runs arl in the environment from before the role. The shell keeps the role.
__arl_run_from_original() {
    (
        { \set +xv; } 2>/dev/null
        # Without `unset`, mksh would run the function again.
        # shellcheck disable=SC2030 # only this subshell needs it
        __arl_from_original=x && __arl_use_original_env && \unset -f arl && \exec arl "$@"
    )
}
case ${KSH_VERSION-} in
    *93*)
        # After SIGINT a subshell of ksh93 ends the script, so this sets the original environment in local
        # variables. Only `function` makes variables local, and it also keeps the options of the shell.
        \eval 'function __arl_run_from_original {
            \typeset __arl_name __arl_from_original=x
            \set +xv
            for __arl_name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
                AWS_ACCOUNT_ID AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION \
                AWS_CREDENTIALS_EXPIRATION AWS_CREDENTIAL_SCOPE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME \
                AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI \
                AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_CONTAINER_AUTHORIZATION_TOKEN \
                AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT \
                ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_ENDPOINT AWS_REGION AWS_DEFAULT_REGION; do
                \eval "case \${$__arl_name+x} in x) \typeset -x $__arl_name=\"\$$__arl_name\" ;;
                    *) \typeset $__arl_name; \unset $__arl_name ;; esac"
            done
            __arl_use_original_env
            \command arl "$@"
        }'
        ;;
esac

# Returns 0 if one of the shells above this subshell reads the pipe on stdout, 1 if none does, and 2 if it
# cannot tell. In { arl assume ROLE; … } | tee another program reads the pipe, and it must not receive
# secrets.
__arl_shell_reads_stdout() {
    \test -p /dev/stdout || \return 1
    __arl_key=''
    case ${KSH_VERSION-} in
        *93*)
            \eval '__arl_key=${.sh.subshell}'
            case $__arl_key in 0) \return 1 ;; esac
            ;;
    esac
    if (IFS=' ') 2>/dev/null && { IFS=' ' \read -r __arl_word __arl_skip </proc/self/stat; } 2>/dev/null; then
        \:
    else
        # Without /proc, or with a readonly IFS, it cannot tell. The shell itself does not need to know.
        case $__arl_key:$(\exec sh -c 'echo $PPID') in ":$$") \return 1 ;; esac
        \return 2
    fi
    # A substitution in ksh93 is not a process, and a nested one looks the same as parentheses.
    case ${KSH_VERSION-} in
        *93*)
            case $__arl_key:$__arl_word in
                *:$$) \return 0 ;;
                1:*) \return 1 ;;
                *) \return 2 ;;
            esac
            ;;
    esac
    # A subshell, because the user may have set IFS and -f.
    (
        \set +f
        IFS=' '
        while \test "$__arl_word" != "$$" && \test "$__arl_word" -gt 1; do
            \read -r __arl_skip <"/proc/$__arl_word/stat" || \exit 1
            __arl_skip=${__arl_skip##*\) ? }
            __arl_word=${__arl_skip%% *}
            for __arl_fd in "/proc/$__arl_word/fd/"*; do
                \test "$__arl_fd" -ef /dev/fd/1 || \continue
                while \read -r __arl_value; do
                    # The last digit of the flags is 0 if the pipe is open for reading only.
                    case $__arl_value in flags:*0) \exit 0 ;; esac
                done <"/proc/$__arl_word/fdinfo/${__arl_fd##*/}"
            done
        done
        \exit 1
    )
}

# Restores the environment from before the role, unless the user has chosen another source since. A subshell
# calls this before it runs arl, so that arl starts from there. The shell itself calls it only after arl has
# succeeded.
__arl_use_original_env() {
    # shellcheck disable=SC2031 # every caller sets it
    case $__arl_from_original:${__arl_restore:+x}:${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-}:${AWS_ACCESS_KEY_ID-} in
        x:x:: | x:x::"${ARL_KEY_ID-}") \eval "$__arl_restore" ;;
    esac
}
