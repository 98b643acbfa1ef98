# shellcheck shell=sh
# arl for POSIX shells: eval "$(arl init sh)". It defines only the function, because these shells have no hook
# that could clear an expired role.

# arl evaluates the text of some variables, and never exports them, so an exported one came from the
# environment: this unsets it. Tools such as direnv can export one at any time, so arl checks again before
# each use.
__arl_drop_inherited() {
    case ${__arl_restore:+x}${__arl_refresh:+x}${__arl_region:+x}${__arl_last:+x}${__arl_previous:+x} in
        '') \return ;;
    esac
    case $(\export -p) in
        *' __arl_re'* | *' __arl_last'* | *' __arl_previous'*)
            \unset __arl_restore __arl_refresh __arl_region __arl_last __arl_previous
            ;;
    esac
}
__arl_drop_inherited

# The shell would expand an alias named arl here.
\unalias arl 2>/dev/null || \:
arl() {
    # A subshell checks first whether a variable is readonly, because many shells exit when they assign to
    # one.
    (__arl_unset_scratch && \unset __arl_subshell __arl_options_to_restore) 2>/dev/null || {
        __arl_refuse "$@"
        \return
    }
    case ${__arl_options_to_restore:+x} in x) __arl_restore_options ;; esac
    # This also removes attributes such as those of `typeset -u`.
    __arl_unset_scratch
    \unset __arl_subshell
    __arl_untraced __arl_choose_mode "$@" || __arl_mode=stop
    # `arl assume -`: replaces `-` with the arguments of the previous role or, if the shell has no role now,
    # of the most recent role.
    case ${__arl_back-}:$__arl_mode in
        :* | *:stop) ;;
        *)
            __arl_value=${__arl_last-}
            case ${AWS_ACCESS_KEY_ID-} in "${ARL_KEY_ID:-?}") __arl_value=${__arl_previous-} ;; esac
            # Without them arl itself reports that there is no role to go back to.
            case ${__arl_value:+x} in
                x)
                    for __arl_word in "$@"; do
                        \shift
                        case $__arl_back:$__arl_word in
                            x:assume) __arl_back=assume ;;
                            assume:-) __arl_back=found ;;
                            *) \set -- "$@" "$__arl_word" ;;
                        esac
                    done
                    \eval "\\set -- $__arl_value \"\$@\""
                    ;;
            esac
            ;;
    esac
    case $__arl_mode in
        stop)
            __arl_unset_scratch
            __arl_refuse "$@"
            \return
            ;;
        eval)
            if __arl_untraced __arl_eval "$@"; then
                \set -- 0
            else
                \set -- "$?"
            fi
            __arl_unset_scratch
            \return "$1"
            ;;
        # arl is the last command, so its status becomes that of the function without `return`. In ksh93 a
        # status above 256 means a signal: `return` and subshells would truncate it, and a subshell that ends
        # by SIGINT would end the script.
        original)
            __arl_unset_scratch
            __arl_run_from_original "$@"
            ;;
        # ARL_HOOK tells arl whether the hook of arl.ksh is in place.
        status)
            __arl_unset_scratch
            case $- in
                *i*)
                    case ${KSH_VERSION:-no}:${PS1-} in
                        no:*) ARL_HOOK=unsupported \command arl "$@" ;;
                        *__arl_hook* | *__arl_prompt*) ARL_HOOK=prompt \command arl "$@" ;;
                        *) ARL_HOOK=none \command arl "$@" ;;
                    esac
                    ;;
                *) ARL_HOOK=script \command arl "$@" ;;
            esac
            ;;
        *)
            __arl_unset_scratch
            case ${__arl_subshell:+x} in
                x) ARL_SUBSHELL=$__arl_subshell \command arl "$@" ;;
                *) \command arl "$@" ;;
            esac
            ;;
    esac
}

# Unsets the variables that a call uses.
__arl_unset_scratch() {
    \unset __arl_verb __arl_eval_output __arl_from_original __arl_skip __arl_word __arl_out __arl_code __arl_fd __arl_key \
        __arl_value __arl_mode __arl_back
}

# Runs a command without -x and -v, which would show the evaluated statements.
__arl_untraced() {
    # After Ctrl-C, the next call or the hook in arl.ksh restores the options.
    __arl_options_to_restore=$-
    { \set +xv; } 2>/dev/null
    if "$@"; then
        \set -- 0
    else
        \set -- "$?"
    fi
    __arl_restore_options
    \return "$1"
}
\unset __arl_options_to_restore
__arl_restore_options() {
    \set -- "${__arl_options_to_restore-}"
    \unset __arl_options_to_restore
    case $1 in *v*) \set -v ;; esac
    case $1 in *x*) \set -x ;; esac
}
# In shells whose functions can have local options, the shell restores them when the function ends, after
# Ctrl-C as well.
if (\eval '__arl_test() { \local - || \exit 1; \set +u; }; \set -u; __arl_test; case $- in *u*) ;; *) \exit 1 ;; esac') >/dev/null 2>&1; then
    \eval '__arl_untraced() {
        \local -
        { \set +xv; } 2>/dev/null
        "$@"
    }'
fi
case ${KSH_VERSION-} in
    *93*)
        \eval 'function __arl_untraced {
            { \set +xv; } 2>/dev/null
            "$@"
        }'
        ;;
esac

# arl.ksh replaces it.
__arl_install_hook() {
    \:
}

# Reports that a variable of arl cannot be used. In eval "$(arl assume ROLE)" it also prints a failing
# statement, because evaluating an empty text succeeds.
__arl_refuse() {
    \printf 'arl: a variable whose name begins with __arl_ is readonly, so arl did nothing; start a new shell, or run: command arl exec ROLE -- COMMAND\n' >&2
    case ${KSH_VERSION-}:${1-} in
        *93*:assume | *93*:clear | *93*:-*)
            \eval 'case ${.sh.subshell} in 0) ;; *) \printf "(exit 1)\n" ;; esac'
            ;;
        *:assume | *:clear | *:-*) ! \test -p /dev/stdout || \printf '(exit 1)\n' ;;
    esac
    \return 1
}

# Sets __arl_mode: `eval` if the shell evaluates the output, `original` if arl starts from the environment
# before the role, `status` for `arl status`, else `plain`. Sets __arl_from_original if the verb starts from
# there.
__arl_choose_mode() {
    __arl_drop_inherited || \return
    __arl_verb='' __arl_eval_output=x __arl_from_original=x __arl_skip='' __arl_back=''
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
            -) case $__arl_verb in assume) __arl_back=x ;; esac ;;
            -*) ;;
            *) case $__arl_verb in '') __arl_verb=$__arl_word ;; esac ;;
        esac
    done
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_from_original='' ;;
    esac
    # Without a ROLE, `console` is for the role that the shell has.
    case $__arl_verb:$__arl_from_original:${__arl_restore:+x} in
        console:x:x) \command arl "$@" --names-role >/dev/null 2>&1 || __arl_from_original='' ;;
    esac
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x) __arl_mode='eval' ;;
        status:*) __arl_mode=status ;;
        *)
            case $__arl_from_original:${__arl_restore:+x} in
                x:x) __arl_mode=original ;;
                *) __arl_mode=plain ;;
            esac
            ;;
    esac
    case ${KSH_VERSION-}:$__arl_mode in *93*:eval) __arl_become_process ;; esac
    # After `arl exec ROLE -- COMMAND &`, `kill $!` kills only the subshell. ARL_SUBSHELL is the process ID of
    # the subshell, so that arl ends when the subshell ends. It is not set without /proc.
    if { \read -r __arl_word </proc/self/stat; } 2>/dev/null; then
        __arl_word=${__arl_word%% *}
        case $__arl_word in "$$") ;; *) __arl_subshell=$__arl_word ;; esac
    fi
}

# Makes ksh93 run a subshell as a process, by setting a resource limit. Otherwise arl could not distinguish a
# command substitution from parentheses: only a substitution that runs as a process writes to a file that arl
# recognizes.
__arl_become_process() {
    \eval '__arl_key=${.sh.subshell}'
    # shellcheck disable=SC3045 # ksh93 has the option
    case $__arl_key in 0) ;; *) \ulimit -S -c "$(\ulimit -S -c)" 2>/dev/null ;; esac
}

# Runs arl and evaluates the statements that it prints.
__arl_eval() {
    __arl_out=$(__arl_use_original_env && ARL_SHELL=posix \command arl "$@") || {
        __arl_skip=$?
        # The output of a failed arl contains no secret.
        case ${KSH_VERSION-}:${__arl_subshell:+x} in
            *93*:x) ! \test -f /dev/stdout || \printf '%s\n' "$__arl_out" ;;
        esac
        ! \test -p /dev/stdout || \printf '%s\n' "$__arl_out"
        \return "$__arl_skip"
    }
    __arl_code=0
    __arl_shell_reads_stdout || __arl_code=$?
    case $__arl_code in
        3)
            \printf '(exit 1)\n'
            # shellcheck disable=SC2016 # the user types it like that
            \printf 'arl: the output goes to a file, and this subshell would lose the role when it ends; use eval "$(arl assume ROLE)", or arl exec ROLE -- COMMAND\n' >&2
            \return 1
            ;;
        2)
            \printf '(exit 1)\n'
            \printf 'arl: arl cannot tell which program would read the credentials from this pipe; use arl exec ROLE -- COMMAND\n' >&2
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
    __arl_install_hook
    # In eval "$(arl assume ROLE)" the changes to the subshell are lost, and the shell evaluates the printed
    # statements.
    case $__arl_code:${__arl_subshell:+x} in
        0:*) \printf '%s\n' "$__arl_out" ;;
        1:x)
            ! \test -p /dev/stdout || \test "/proc/$$/fd/1" -ef /dev/fd/1 ||
                \printf 'arl: this changed only a subshell, not the shell itself; run arl without the pipe\n' >&2
            ;;
    esac
}

# Runs arl in the environment from before the role. The shell keeps the role.
__arl_run_from_original() {
    (
        { \set +xv; } 2>/dev/null
        # Without `unset`, mksh would run the function again.
        # shellcheck disable=SC2030 # only this subshell needs it
        __arl_from_original=x && __arl_use_original_env && \unset -f arl || \exit
        case ${__arl_subshell:+x} in x) ARL_SUBSHELL=$__arl_subshell && \export ARL_SUBSHELL ;; esac
        \exec arl "$@"
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
                ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION ARL_ENDPOINT AWS_REGION AWS_DEFAULT_REGION; do
                \eval "case \${$__arl_name+x} in x) \typeset -x $__arl_name=\"\$$__arl_name\" ;;
                    *) \typeset $__arl_name; \unset $__arl_name ;; esac"
            done
            __arl_use_original_env
            case ${__arl_subshell:+x} in
                x) ARL_SUBSHELL=$__arl_subshell \command arl "$@" ;;
                *) \command arl "$@" ;;
            esac
        }'
        ;;
esac

# Returns 0 if one of the shells above this subshell reads its stdout, 1 if none does, 2 if it cannot tell,
# and 3 if only this call has that stdout and no shell reads it. In { arl assume ROLE; … } | tee, another
# program reads the pipe, and it must not receive secrets.
__arl_shell_reads_stdout() {
    __arl_key=''
    case ${KSH_VERSION-} in
        *93*)
            \eval '__arl_key=${.sh.subshell}'
            case $__arl_key:${__arl_subshell:+x} in
                0:*) \return 1 ;;
                *:)
                    # ksh93 runs the last parentheses of a script in the process of the shell itself.
                    ! \test -e /proc/self/stat || \return 1
                    ! \test -t 1 || \return 1
                    \return 2
                    ;;
            esac
            if \test -f /dev/stdout; then
                __arl_walk_to_reader
                case $? in 1) ;; *) \return ;; esac
            fi
            ;;
    esac
    if \test -f /dev/stdout; then
        ! __arl_stdout_is_redirected || \return 3
        \return 1
    fi
    \test -p /dev/stdout || \return 1
    case ${__arl_subshell:+x} in
        '')
            ! \test -e /proc/self/stat || \return 1
            # Without /proc it can tell only for the shell itself.
            case $(\exec sh -c 'echo $PPID') in "$$") \return 1 ;; esac
            \return 2
            ;;
    esac
    __arl_walk_to_reader
}

# Returns 0 if one of the shells above this subshell has its stdout open for reading, 1 if none has, and 2 if
# it cannot tell.
__arl_walk_to_reader() {
    # IFS may be readonly.
    (IFS=' ') 2>/dev/null || \return 2
    # A subshell, because the user may have set IFS and -f.
    (
        \set +f
        IFS=' '
        __arl_word=$__arl_subshell
        while \test "$__arl_word" != "$$" && \test "$__arl_word" -gt 1; do
            \read -r __arl_skip <"/proc/$__arl_word/stat" || \exit 1
            __arl_skip=${__arl_skip##*\) ? }
            __arl_word=${__arl_skip%% *}
            for __arl_fd in "/proc/$__arl_word/fd/"*; do
                \test "$__arl_fd" -ef /dev/fd/1 || \continue
                while \read -r __arl_value; do
                    case $__arl_value in
                        # The last digit of the flags is 0 if the pipe is open for reading only.
                        flags:*0) \exit 0 ;;
                        # A substitution of ksh93 writes to an unnamed file, open for reading and writing.
                        flags:*2) case $(\command readlink "$__arl_fd") in /*' (deleted)') \exit 0 ;; esac ;;
                    esac
                done <"/proc/$__arl_word/fdinfo/${__arl_fd##*/}"
            done
        done
        \exit 1
    )
}

# Returns 0 if this call itself has a redirection, as in (arl assume ROLE >FILE). The shell then keeps the
# stdout of the subshell at a descriptor above 9, which the shell above does not have.
__arl_stdout_is_redirected() {
    case ${__arl_subshell:+x} in
        '')
            ! \test -e /proc/self/stat || \return 1
            # Without /proc it can tell only for the shell itself.
            case $(\exec sh -c 'echo $PPID') in "$$") \return 1 ;; esac
            \return 0
            ;;
    esac
    ! \test "/proc/$$/fd/1" -ef /dev/fd/1 || \return 1
    for __arl_fd in 10 11 12 13 14 15 16 17 18 19; do
        \test -e "/proc/$__arl_subshell/fd/$__arl_fd" || \continue
        ! \test -e "/proc/$$/fd/$__arl_fd" || \continue
        ! \test -p "/proc/$__arl_subshell/fd/$__arl_fd" || \return 0
        ! \test "/proc/$__arl_subshell/fd/$__arl_fd" -ef "/proc/$$/fd/1" || \return 0
    done
    \return 1
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
