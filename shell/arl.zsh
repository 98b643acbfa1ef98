# arl for zsh 5.0 and later: eval "$(arl init zsh)" in ~/.zshrc. It loads no modules, because that can hang a
# prompt. `arl init` prints this file as one quoted word and switches aliases off while zsh reads it, because
# zsh expands a global alias in any word. For the same reason the functions switch them off around `eval`.

# arl evaluates the text of some variables, and never exports them, so an exported one came from the
# environment: this unsets it. Tools such as direnv can export one at any time, so arl checks again before
# each use.
__arl_drop_inherited() {
    case ${(t)__arl_restore-}${(t)__arl_refresh-}${(t)__arl_region-}${(t)__arl_last-}${(t)__arl_previous-} in
        *export*) \builtin unset __arl_restore __arl_refresh __arl_region __arl_last __arl_previous ;;
    esac
}
__arl_drop_inherited
\builtin unset __arl_prefix_assignment __arl_warned __arl_hook_refused

# The `function` keyword keeps zsh from expanding an alias named arl here.
function arl {
    \builtin emulate -L zsh +x
    \builtin setopt local_options no_verbose no_aliases
    # A DEBUG trap would see the evaluated statements. zsh restores it when this function returns.
    \builtin trap - DEBUG
    \builtin local __arl_verb='' __arl_eval_output=x __arl_from_original=x __arl_skip='' __arl_stdout_is_pipe='' __arl_word __arl_out __arl_code \
        __arl_subshell='' __arl_reader=shell __arl_back=''
    __arl_drop_inherited || \builtin return
    for __arl_word in "$@"; do
        if [[ -n $__arl_skip ]]; then
            __arl_skip=''
            \builtin continue
        fi
        case $__arl_word in
            --) \builtin break ;;
            --color) [[ -n $__arl_verb ]] || __arl_skip=x ;;
            --chain) __arl_from_original='' ;;
            -h* | -[vq]*h* | --help | --json | --format | --format=* | --show | --shell | --shell=*) __arl_eval_output='' ;;
            -) [[ $__arl_verb != assume ]] || __arl_back=x ;;
            -*) ;;
            *) __arl_verb=${__arl_verb:-$__arl_word} ;;
        esac
    done
    # `arl assume -`: replaces `-` with the arguments of the previous role or, if the shell has no role now,
    # of the most recent role.
    if [[ -n $__arl_back ]]; then
        __arl_out=${__arl_last-}
        [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]] || __arl_out=${__arl_previous-}
        # Without them arl itself reports that there is no role to go back to.
        if [[ -n $__arl_out ]]; then
            for __arl_word in "$@"; do
                \builtin shift
                case $__arl_back:$__arl_word in
                    x:assume) __arl_back=assume ;;
                    assume:-) __arl_back=found ;;
                    *) \builtin set -- "$@" "$__arl_word" ;;
                esac
            done
            \builtin eval "\\builtin set -- $__arl_out \"\$@\""
        fi
    fi
    case $__arl_verb in
        assume | exec | each | write | explain | console) ;;
        *) __arl_from_original='' ;;
    esac
    # Without a ROLE, `console` is for the role that the shell has.
    if [[ $__arl_verb == console && -n $__arl_from_original && -n ${__arl_restore-} ]]; then
        \command arl "$@" --names-role >/dev/null 2>&1 || __arl_from_original=''
    fi
    if (( ZSH_SUBSHELL > 0 )); then
        # The process ID of the subshell, for ARL_SUBSHELL, which is not set without /proc.
        [[ ! -e /proc/self/stat ]] || \builtin read -r __arl_subshell </proc/self/stat
        __arl_subshell=${__arl_subshell%% *}
        if [[ -p /dev/stdout ]]; then
            __arl_stdout_is_pipe=x
        elif [[ -f /dev/stdout ]]; then
            # In `source =(arl assume ROLE)`, stdout is a temporary file that zsh then evaluates.
            case ${ZSH_EVAL_CONTEXT-} in
                *equalsubst*) __arl_stdout_is_pipe=x __arl_reader=file ;;
                *) ! __arl_stdout_is_redirected || __arl_reader=none ;;
            esac
        fi
    fi
    if [[ -n $__arl_verb && -n $__arl_eval_output && ${__arl_prefix_assignment-} == *" $__arl_verb:"* ]]; then
        __arl_word=${__arl_prefix_assignment#*" $__arl_verb:"}
        __arl_word=${__arl_word%% *}
        __arl_skip=--profile
        [[ $__arl_word != *REGION ]] || __arl_skip=--region
        [[ -z $__arl_stdout_is_pipe ]] || \builtin print -r -- '(exit 2)'
        \builtin printf 'arl: %s is set only for this command, so the shell would undo the changes of arl when the command ends; use %s, or export the variable first\n' \
            "$__arl_word" "$__arl_skip" >&2
        \builtin return 2
    fi
    case $__arl_verb:$__arl_eval_output in
        assume:x | clear:x)
            if [[ $__arl_reader == none ]]; then
                \builtin print -r -- '(exit 1)'
                \builtin print -ru2 -- 'arl: the output goes to a file, and this subshell would lose the role when it ends; use eval "$(arl assume ROLE)", or arl exec ROLE -- COMMAND'
                \builtin return 1
            fi
            __arl_out="$(__arl_use_original_env && ARL_SHELL=zsh \command arl "$@")" || {
                __arl_code=$?
                [[ -z $__arl_stdout_is_pipe ]] || \builtin print -r -- "$__arl_out"
                \builtin return $__arl_code
            }
            # A subshell evaluates the statements first. If that fails, for example because a variable is
            # readonly, the shell keeps its current role.
            (__arl_use_original_env && \builtin eval "$__arl_out") || {
                __arl_code=$?
                [[ -z $__arl_stdout_is_pipe ]] || \builtin print -r -- "(exit $__arl_code);"
                \builtin return $__arl_code
            }
            __arl_use_original_env
            \builtin eval "$__arl_out"
            (( ZSH_SUBSHELL > 0 )) || __arl_install_hook
            [[ -n $__arl_stdout_is_pipe ]] || \builtin return 0
            # In eval "$(arl assume ROLE)" the changes to the subshell are lost, and the shell evaluates the
            # printed statements.
            __arl_code=0
            [[ $__arl_reader == file ]] || __arl_shell_reads_stdout || __arl_code=$?
            case $__arl_code in
                0) \builtin print -r -- "$__arl_out" ;;
                1) [[ /proc/$$/fd/1 -ef /dev/fd/1 ]] || \builtin print -ru2 -- 'arl: this changed only a subshell, not the shell itself; run arl without the pipe' ;;
                *)
                    \builtin print -r -- '(exit 1)'
                    \builtin print -ru2 -- 'arl: arl cannot tell which program would read the credentials from this pipe; use arl exec ROLE -- COMMAND'
                    \builtin return 1
                    ;;
            esac
            ;;
        *)
            # After `arl exec ROLE -- COMMAND &`, `kill $!` kills only the subshell. ARL_SUBSHELL is the
            # process ID of the subshell, so that arl ends when the subshell ends.
            [[ -z $__arl_subshell ]] || \builtin local -x ARL_SUBSHELL=$__arl_subshell
            if [[ $__arl_verb == status ]]; then
                # Tells arl whether the hook is in place.
                \builtin local -x ARL_HOOK=none
                [[ -z ${(M)precmd_functions:#__arl_hook} ]] || ARL_HOOK=prompt
                [[ -o interactive ]] || ARL_HOOK=script
            fi
            if [[ -n $__arl_from_original && -n ${__arl_restore-} ]]; then
                # Without `unset`, zsh would run the function again.
                (__arl_use_original_env && \builtin unset -f arl && exec arl "$@")
            else
                \command arl "$@"
            fi
            ;;
    esac
    # Under errexit zsh ignores the status of a function with `emulate -L` that ends with `case`, but not the
    # status of `return`.
    \builtin return $?
}

# Returns 0 if this call itself has a redirection, as in (arl assume ROLE >FILE). zsh then keeps the stdout
# of the subshell at a descriptor above 9, which the shell above does not have.
__arl_stdout_is_redirected() {
    # Without /proc it cannot tell.
    [[ -e /proc/$$/fd/1 ]] || \builtin return 0
    [[ ! /proc/$$/fd/1 -ef /dev/fd/1 ]] || \builtin return 1
    \builtin local __arl_fd
    for __arl_fd in 10 11 12 13 14 15 16 17 18 19; do
        [[ -e /dev/fd/$__arl_fd && ! -e /proc/$$/fd/$__arl_fd ]] || \builtin continue
        [[ ! -p /dev/fd/$__arl_fd && ! /dev/fd/$__arl_fd -ef /proc/$$/fd/1 ]] || \builtin return 0
    done
    \builtin return 1
}

# Returns 0 if one of the shells above this subshell reads the pipe on stdout, 1 if none does, and 2 if it
# cannot tell. In { arl assume ROLE; … } | tee, another program reads the pipe, and it must not receive
# secrets.
__arl_shell_reads_stdout() {
    # Without /proc it cannot tell, and assumes that the shell reads the pipe.
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
                # The last digit of the flags is 0 if the pipe is open for reading only.
                [[ $__arl_line != flags:*0 ]] || \builtin return 0
            done <"/proc/$__arl_pid/fdinfo/${__arl_fd##*/}"
        done
    done
    \builtin return 1
}

# Restores the environment from before the role, unless the user has chosen another source since. A subshell
# calls this before it runs arl, so that arl starts from there. The shell itself calls it only after arl has
# succeeded.
__arl_use_original_env() {
    \builtin setopt local_options no_xtrace
    if [[ -n $__arl_from_original && -n ${__arl_restore-} ]] &&
        [[ -z ${AWS_PROFILE-}${AWS_DEFAULT_PROFILE-}${AWS_WEB_IDENTITY_TOKEN_FILE-}${AWS_CONTAINER_CREDENTIALS_FULL_URI-}${AWS_CONTAINER_CREDENTIALS_RELATIVE_URI-} ]] &&
        [[ -z ${AWS_ACCESS_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} == "${ARL_KEY_ID-}" ]]; then
        \builtin eval "$__arl_restore"
    fi
}

# Runs at each prompt and clears an expired role. It forks nothing, and zsh keeps $? for every hook and the
# prompt.
__arl_hook() {
    \builtin set -- "$?"
    __arl_clear_if_expired || \builtin return 0
    # zsh has run the function `precmd` before all hooks. It may have built a prompt with the role.
    \builtin typeset -f precmd >/dev/null || \builtin return 0
    [[ -o err_exit || -o err_return ]] || __arl_return "$1"
    precmd
    \builtin return 0
}

__arl_return() { \builtin return "$1" }

# Returns 0 if it has cleared or restored an expired role.
__arl_clear_if_expired() {
    \builtin emulate -L zsh +x
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return 1 ;; esac
    # The prompt escape %D{%s} is the time, and needs no module.
    \builtin local __arl_clock='%D{%s}'
    \builtin local __arl_now=${(%)__arl_clock}
    [[ $__arl_now -ge $ARL_EXPIRES_AT ]] || \builtin return 1
    __arl_expired
    [[ -z ${ARL_EXPIRES_AT-} ]]
}

# Runs before each command, for a terminal that sat idle. It does not clear an expired role, because the
# command that was already typed would then run as another identity.
__arl_preexec() {
    \builtin emulate -L zsh +x
    __arl_find_prefix_assignment "$3"
    case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return 0 ;; esac
    \builtin local __arl_clock='%D{%s}'
    \builtin local __arl_now=${(%)__arl_clock}
    if [[ $__arl_now -ge $ARL_EXPIRES_AT && -n ${ARL_KEY_ID-} && ${AWS_ACCESS_KEY_ID-} == "$ARL_KEY_ID" ]] &&
        ! __arl_renew && [[ ${__arl_warned-} != "$ARL_EXPIRES_AT" ]]; then
        \builtin typeset -g __arl_warned=$ARL_EXPIRES_AT
        if [[ -n ${__arl_hook_refused-} ]]; then
            __arl_notice 'its credentials stay set until you run arl clear'
        elif [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
            __arl_notice 'the next prompt puts back your previous credentials'
        else
            __arl_notice 'the next prompt clears its credentials'
        fi
    fi
    \builtin return 0
}

# Finds an identity variable that is set for one call only, as in AWS_PROFILE=x arl assume ROLE. zsh restores
# such a variable when the function returns, although the role is set, and `arl clear` would put back a value
# that the shell itself never had. The function cannot detect it, so this looks for it in the line that the
# user typed. The patterns are strings because sh_glob forbids them as words.
__arl_find_prefix_assignment() {
    \builtin typeset -g __arl_prefix_assignment=''
    [[ $1 == *AWS_*=*arl* ]] || \builtin return 0
    \builtin setopt extended_glob
    \builtin local __arl_name __arl_verb __arl_start='(|*[[:blank:];&|('$'\n''])' __arl_after='(|[^[:alnum:]-]*)'
    \builtin local __arl_rest='=[^;&|'$'\n'']#[[:blank:]]arl[[:blank:]]([^;&|'$'\n'']#[[:blank:]]|)'
    for __arl_verb in assume clear; do
        for __arl_name in AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE \
            AWS_REGION AWS_DEFAULT_REGION; do
            # Look only at the start of a long line, because matching it takes time.
            [[ ${1[1,1000]} != $~__arl_start$__arl_name$~__arl_rest$__arl_verb$~__arl_after ]] ||
                __arl_prefix_assignment+=" $__arl_verb:$__arl_name "
        done
    done
}

# Clears, restores, or renews an expired role. With an argument it prints nothing.
__arl_expired() {
    \builtin emulate -L zsh +x
    \builtin setopt no_aliases
    \builtin trap - DEBUG
    \builtin local __arl_left
    __arl_drop_inherited || \builtin return
    if [[ -z ${ARL_KEY_ID-} || ${AWS_ACCESS_KEY_ID-} != "$ARL_KEY_ID" ]]; then
        # The user loaded other keys, which arl does not touch. `arl clear --expired` removes the rest of the
        # role.
        __arl_region_back
        __arl_left="$(ARL_SHELL=zsh \command arl clear --expired --quiet 2>/dev/null)" && \builtin eval "$__arl_left"
        \builtin unset ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION __arl_refresh
        [[ -z ${AWS_ACCESS_KEY_ID-} ]] || \builtin unset __arl_restore
    elif __arl_renew; then
        \builtin :
    elif [[ ${ARL_ON_EXPIRY-} == restore && -n ${__arl_restore-} ]]; then
        [[ -n ${1-} ]] || __arl_notice 'your previous credentials are back'
        \builtin eval "$__arl_restore"
        \builtin unset __arl_restore __arl_refresh __arl_region
    else
        [[ -n ${1-} ]] || __arl_notice 'its credentials were cleared'
        __arl_region_back
        # These are the variables that `assume` sets. AWS_PROFILE is not one: its value is a later choice.
        \builtin unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION \
            AWS_ACCOUNT_ID ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
    fi
}

# If the region is still the one that arl set, restores the earlier one. A child shell does not know the
# earlier region and only unsets the one that arl set.
__arl_region_back() {
    if [[ -n ${__arl_region-} ]]; then
        \builtin eval "$__arl_region"
    elif [[ -n ${ARL_REGION-} ]]; then
        [[ ${AWS_REGION-} != "$ARL_REGION" ]] || \builtin unset AWS_REGION
        [[ ${AWS_DEFAULT_REGION-} != "$ARL_REGION" ]] || \builtin unset AWS_DEFAULT_REGION
    fi
    \builtin unset __arl_region
}

# Assumes the same role again if ARL_ON_EXPIRY asks for it. arl tries once and does not repeat a failure at
# every prompt.
__arl_renew() {
    \builtin emulate -L zsh +x
    \builtin setopt no_aliases
    \builtin trap - DEBUG
    __arl_drop_inherited || \builtin return
    [[ ${ARL_ON_EXPIRY-} == refresh && -n ${__arl_refresh-} ]] || \builtin return
    \builtin local __arl_out __arl_from_original=x
    # Unset it first, so that neither a failure nor Ctrl-C makes every prompt try again.
    \builtin set -- "$__arl_refresh"
    \builtin unset __arl_refresh
    if __arl_out="$(\builtin eval "\\builtin set -- $1" && __arl_use_original_env && ARL_SHELL=zsh \command arl "$@" --quiet --within 5s)" &&
        (__arl_use_original_env && \builtin eval "$__arl_out"); then
        __arl_use_original_env
        \builtin eval "$__arl_out"
    else
        \builtin unset __arl_refresh
    fi
    [[ -n ${__arl_refresh-} ]]
}

__arl_notice() {
    \builtin local __arl_name='a role' __arl_rest=${ARL_ROLE_ARN-}
    if [[ -n $__arl_rest && $__arl_rest != *[^[:graph:]]* ]]; then
        __arl_rest=${__arl_rest#*:*:*:*:}
        __arl_name="role/${__arl_rest##*/} in ${__arl_rest%%:*}"
        __arl_rest="${__arl_rest%%:*}/${__arl_rest##*/}"
    fi
    # Also show ARL_ROLE, unless it is only the account and the name of the role.
    if [[ -n ${ARL_ROLE-} && $ARL_ROLE != "$__arl_rest" && $ARL_ROLE != *[^[:graph:]\ ]* ]]; then
        [[ $__arl_name == 'a role' ]] && __arl_name=$ARL_ROLE || __arl_name="$ARL_ROLE ($__arl_name)"
    fi
    __arl_rest="expired $(((__arl_now - ARL_EXPIRES_AT) / 60))m ago"
    [[ $__arl_rest != 'expired 0m ago' ]] || __arl_rest='just expired'
    \builtin printf 'arl: %s %s; %s\n' "$__arl_name" "$__arl_rest" "$1" >&2
}

# Puts the hook before all others, so that a hook that builds the prompt sees the variables as this hook
# leaves them. zsh gives each hook the $? and pipestatus of the command line. `arl assume` calls this too,
# because another tool may have assigned precmd_functions since.
__arl_install_hook() {
    \builtin emulate -L zsh +x
    [[ -o interactive ]] || \builtin return 0
    \builtin typeset -ga precmd_functions preexec_functions
    if [[ ${(t)precmd_functions} != *readonly* ]]; then
        precmd_functions=(__arl_hook "${(@)precmd_functions:#__arl_hook}")
    elif [[ -z ${(M)precmd_functions:#__arl_hook} && -z ${__arl_hook_refused-} ]]; then
        \builtin typeset -g __arl_hook_refused=x
        \builtin print -ru2 -- 'arl: precmd_functions is readonly, so the prompt hook cannot clear a role that has expired; use arl clear'
    fi
    [[ ${(t)preexec_functions} == *readonly* ]] ||
        preexec_functions=("${(@)preexec_functions:#__arl_preexec}" __arl_preexec)
}

if [[ -o interactive ]]; then
    __arl_install_hook
    # At start, a role that expired earlier is cleared without a message, because a new shell may print
    # nothing.
    () {
        \builtin emulate -L zsh
        case ${ARL_EXPIRES_AT-} in '' | *[!0-9]* | ????????????????*) \builtin return ;; esac
        \builtin local __arl_clock='%D{%s}' ARL_ON_EXPIRY=clear
        [[ ${(%)__arl_clock} -lt $ARL_EXPIRES_AT ]] || __arl_expired quietly
    }
fi
