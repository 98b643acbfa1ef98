# arl for tcsh: arl init tcsh > ~/.arl.tcsh, and in ~/.tcshrc: source ~/.arl.tcsh
# The verb comes first: `arl assume ROLE -v`. tcsh has no clock, so the hook runs arl at each prompt while the
# shell has a role.
#
# tcsh expands a whole command before it evaluates a condition in it. So `eval` delays the expansion of every
# variable that may be unset, and the alias keeps its commands in strings.

# `$?__arl_restore` and `$__arl_restore` fall back to the environment, whose text is not arl's and must not be
# evaluated. arl uses a shell variable, so remove the environment variable here and before each use.
unsetenv __arl_restore; unsetenv __arl_region

# `set echo` and `set verbose` would show the evaluated statements. After Ctrl-C the hook sets them again.
if ( ! $?__arl_trace ) set __arl_trace = ""
set __arl_quiet = 'set __arl_trace = "$__arl_trace"; if ( $?echo ) set __arl_trace = "$__arl_trace echo"; if ( $?verbose ) set __arl_trace = "$__arl_trace verbose"; unset echo verbose'
set __arl_unquiet = 'set __arl_traced = "$__arl_trace"; set __arl_trace = ""; if ( "$__arl_traced" =~ *verbose* ) set verbose; if ( "$__arl_traced" =~ *echo* ) set echo'
set __arl_end = '; set __arl_status = $status; eval "$__arl_unquiet:q"; ( exit $__arl_status )'

set __arl_get_key = 'set __arl_key = "$AWS_ACCESS_KEY_ID:q"'
set __arl_get_own = 'set __arl_own = "$ARL_KEY_ID:q"'
set __arl_get_original = 'set __arl_from_original = "$__arl_restore:q"'

# Sets __arl_from_original to the text that restores the original environment, unless the user has chosen
# another source since.
set __arl_look = 'set __arl_key = ""; set __arl_own = "?"; set __arl_from_original = ":"; if ( $?AWS_ACCESS_KEY_ID ) eval "$__arl_get_key:q"; if ( $?ARL_KEY_ID ) eval "$__arl_get_own:q"; if ( $?__arl_restore && ( "$__arl_key:q" == "" || "$__arl_key:q" == "$__arl_own:q" ) && "$__arl_args" !~ *--chain* && ! $?AWS_PROFILE && ! $?AWS_DEFAULT_PROFILE && ! $?AWS_WEB_IDENTITY_TOKEN_FILE && ! $?AWS_CONTAINER_CREDENTIALS_FULL_URI && ! $?AWS_CONTAINER_CREDENTIALS_RELATIVE_URI && ( "$__arl_verb:q" == assume || "$__arl_verb:q" == exec || "$__arl_verb:q" == each || "$__arl_verb:q" == write || "$__arl_verb:q" == explain || "$__arl_verb:q" == console ) ) eval "$__arl_get_original:q"'

# Without a ROLE, `console` is for the role that the shell has.
set __arl_console = '\arl $__arl_args:q --names-role >& /dev/null; if ( $status ) set __arl_from_original = ":"'
# Tells `arl status` whether the hook is in place.
set __arl_state = 'set __arl_precmd = "`alias precmd`"; set __arl_from_original = "setenv ARL_HOOK none"; if ( "$__arl_precmd:q" =~ *__arl_hook* ) set __arl_from_original = "setenv ARL_HOOK prompt"'

# For output that the shell evaluates: restore the original environment after arl has succeeded, then evaluate
# the output. __arl_ask is a string of its own, because between double quotes its words would be expanded too
# early.
set __arl_ask = '\arl $__arl_args:q --shell tcsh'
set __arl_eval_output = 'set __arl_text = "`eval $__arl_from_original:q; $__arl_ask`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_from_original:q"; if ( $__arl_status == 0 ) eval "$__arl_text:q"; if ( $__arl_status == 0 && $?prompt ) eval "$__arl_install:q"; ( exit $__arl_status )'

# For all other output: run arl in the original environment.
set __arl_pass = '( eval "$__arl_from_original:q"; \arl $__arl_args:q )'

set __arl_run = 'eval "$__arl_quiet:q"; unsetenv __arl_restore; unsetenv __arl_region; eval "$__arl_look:q"; if ( "$__arl_verb:q" == console && "$__arl_from_original:q" != ":" ) eval "$__arl_console:q"; if ( "$__arl_verb:q" == status ) eval "$__arl_state:q"; set __arl_do = "$__arl_pass:q"; if ( ( "$__arl_verb:q" == assume || "$__arl_verb:q" == clear ) && "$__arl_args" !~ *--json* && "$__arl_args" !~ *--format* && "$__arl_args" !~ *--help* && "$__arl_args" !~ *--show* && "$__arl_args" !~ *--shell* && "$__arl_words[$#__arl_args]:q" != -h ) set __arl_do = "$__arl_eval_output:q"; if ( "$__arl_trace" != "" ) set __arl_do = "$__arl_do:q$__arl_end:q"; eval "$__arl_do:q"'

alias arl 'set __arl_args = ( \!* ); set __arl_words = ( \!* "" ); set __arl_verb = "$__arl_words[1]:q"; eval "$__arl_run:q"'

# Runs at each prompt and clears an expired role. `arl clear` can still restore the original environment. If
# arl is missing, the hook cannot tell the time, so the keys stay, and AWS refuses them when they expire.
set __arl_check = 'eval "$__arl_quiet:q"; unsetenv __arl_restore; unsetenv __arl_region; set __arl_text = "`\arl clear --expired --shell tcsh`"; set __arl_status = $status; if ( $__arl_status == 0 ) eval "$__arl_text:q"; if ( $__arl_status != 0 ) unsetenv ARL_EXPIRES_AT'
set __arl_hook = 'set __arl_kept = $status; if ( $?ARL_EXPIRES_AT ) eval "$__arl_check:q"; if ( "$__arl_trace" != "" ) eval "$__arl_unquiet:q"; ( exit $__arl_kept )'
# Puts the hook before the commands of `precmd`, so that one that builds the prompt sees the variables as the
# hook leaves them. `arl assume` does this too, because another tool may have set `precmd` since.
set __arl_first = 'eval "$__arl_hook:q";'
set __arl_install = 'set __arl_precmd = "`alias precmd`"; if ( "$__arl_precmd:q" !~ *__arl_hook* ) alias precmd "$__arl_first:q" "$__arl_precmd:q"'
if ( $?prompt ) eval "$__arl_install:q"
