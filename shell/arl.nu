# arl for nushell: arl init nushell | save -f ~/.arl.nu, and in config.nu: source ~/.arl.nu.
# Options follow the verb: `arl assume ROLE -v`.

# The variables that select or describe an AWS identity.
const ARL_IDENTITY = [
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
    AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION AWS_CREDENTIALS_EXPIRATION
    AWS_CREDENTIAL_SCOPE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE
    ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION ARL_ENDPOINT
]

# The variables that `assume` sets. It removes the other identity variables, so if one of those has a value
# later, the user has set it.
const ARL_SET = [
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
    ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
]

# The variables that belong to arl.
const ARL_OWN = [ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION]

# Sets the variables that have a value and hides those that are null. A function calls this at most once,
# because nushell cannot hide a variable that an earlier call in the same function has set.
def --env __arl_apply [changes: record] {
    let all = ($changes | transpose name value)
    hide-env --ignore-errors ...($all | where value == null | get name)
    load-env ($all | where value != null | reduce --fold {} {|it, acc| $acc | insert $it.name $it.value })
}

# A record with null for each name, which hides the variables.
def __arl_none [names: list<string>] {
    $names | reduce --fold {} {|name, acc| $acc | insert $name null }
}

def __arl_owned [] {
    ($env.ARL_KEY_ID? | is-not-empty) and $env.AWS_ACCESS_KEY_ID? == $env.ARL_KEY_ID?
}

# Returns what was saved before the role, or null. A variable with that name from the environment is a
# string, which arl did not write.
def __arl_memory [] {
    let memory = $env.__arl_memory?
    if ($memory | describe --detailed | get type) == record { $memory } else { null }
}

# Returns the changes that restore the original environment. They include region and source variables only if
# those are still as `assume` left them.
def __arl_undo [] {
    let memory = (__arl_memory)
    if $memory == null or not ((__arl_owned) or ($env.AWS_ACCESS_KEY_ID? | is-empty)) { return {} }
    $memory.before | transpose name value | where {|it|
        if $it.name in [AWS_REGION AWS_DEFAULT_REGION] {
            ($env | get --optional $it.name) == ($memory.after | get $it.name)
        } else { $it.name in $ARL_SET or ($env | get --optional $it.name) == null }
    } | reduce --fold {} {|it, acc| $acc | insert $it.name $it.value }
}

# Returns the changes for a command that starts from the original environment: none if the user has chosen
# another source since.
def __arl_original_env [] {
    let chosen = ([
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    ] | any {|name| $env | get --optional $name | is-not-empty })
    if $chosen { {} } else { __arl_undo }
}

# Runs arl after the changes and returns its output. Fails if arl fails.
def __arl_ask [undo: record, words: list<string>] {
    do { __arl_apply $undo; ^arl ...$words --shell nushell } | from json
}

# Returns the region variables as they are after the changes.
def __arl_regions [changes: record] {
    [AWS_REGION AWS_DEFAULT_REGION] | reduce --fold {} {|name, acc|
        $acc | insert $name (if $name in $changes { $changes | get $name } else { $env | get --optional $name })
    }
}

# Returns the current environment, with the changes in `undo`, as a record to restore later.
def __arl_snapshot [undo: record] {
    $ARL_IDENTITY ++ [AWS_REGION AWS_DEFAULT_REGION] | reduce --fold {} {|name, acc|
        let now = if $name in $undo { $undo | get $name } else { $env | get --optional $name }
        $acc | insert $name (if ($name | str starts-with ARL_) { null } else { $now })
    }
}

# Returns the arguments of this role and of the one before, as `arl assume` has printed them. A variable with
# that name from the environment is a string, which arl did not write.
def __arl_roles [] {
    let roles = $env.__arl_roles?
    if ($roles | describe --detailed | get type) == record { $roles } else { { last: [], previous: [] } }
}

# Replaces `-` by the arguments of the previous role or, if the shell has no role now, of the most recent
# role. Without such a role, arl itself reports that there is no role to go back to.
def __arl_with_previous [words: list<string>] {
    if '-' not-in $words { return $words }
    let roles = (__arl_roles)
    let back = if (__arl_owned) { $roles.previous } else { $roles.last }
    if ($back | is-empty) { $words } else { ($back | skip 1) ++ ($words | where $it != '-') }
}

# Switch this shell to a role, or print its credentials
def --env --wrapped "arl assume" [...typed: string] {
    let words = (__arl_with_previous $typed)
    let chains = ("--chain" in $words)
    let undo = if $chains { {} } else { __arl_original_env }
    if ($words | any {|word| $word =~ '^(--json|--format(=.*)?|--help|-h|--show|--shell(=.*)?)$' }) {
        return (do { __arl_apply $undo; ^arl assume ...$words })
    }
    # If arl fails, the function ends here, before it changes anything.
    let printed = (__arl_ask $undo [assume ...$words --recall])
    let changes = ($printed | reject arl_refresh arl_last)
    let kept = if $chains and (__arl_owned) { (__arl_memory | default {}).before? } else { null }
    # A record is not a string, so child processes do not see it.
    $env.__arl_memory = {
        before: ($kept | default (__arl_snapshot $undo)), after: (__arl_regions ($undo | merge $changes))
        words: $printed.arl_refresh
    }
    # Assuming the same role again must not change the previous one.
    let last = (__arl_roles).last
    if $last != $printed.arl_last { $env.__arl_roles = { last: $printed.arl_last, previous: $last } }
    __arl_apply ($undo | merge $changes)
    __arl_install_hooks
}

# Drop the role and restore your previous credentials
def --env "arl clear" [] {
    let own = (__arl_none $ARL_OWN)
    let changes = if not ((__arl_owned) or ($env.AWS_ACCESS_KEY_ID? | is-empty)) {
        print --stderr "arl: the keys in this shell did not come from arl, so they were left alone"
        $own
    } else if (__arl_memory) != null {
        __arl_undo | merge $own
    } else {
        __arl_region_back | merge (__arl_none $ARL_SET)
    }
    $env.__arl_memory = null
    __arl_apply $changes
}

# Runs a verb in the original environment. The shell keeps its role.
def __arl_run_from_original [verb: string, words: list<string>] {
    let undo = if "--chain" in ($words | take until {|word| $word == "--" }) { {} } else { __arl_original_env }
    do { __arl_apply $undo; ^arl $verb ...$words }
}

# Run a command as a role
def --env --wrapped "arl exec" [...words: string] { __arl_run_from_original exec $words }

# Run a command as each of several roles
def --env --wrapped "arl each" [...words: string] { __arl_run_from_original each $words }

# Write a role's credentials to a profile in ~/.aws/credentials
def --env --wrapped "arl write" [...words: string] { __arl_run_from_original write $words }

# Show what assuming a role would do, and why
def --env --wrapped "arl explain" [...words: string] { __arl_run_from_original explain $words }

# Open the AWS console as a role, or print its sign-in URL
def --env --wrapped "arl console" [...words: string] {
    # Without a ROLE it is for the role that the shell has.
    if (do { ^arl console ...$words --names-role } | complete | get exit_code) == 0 {
        __arl_run_from_original console $words
    } else {
        ^arl console ...$words
    }
}

# Show this shell's role and how long it lasts
def --wrapped "arl status" [...words: string] {
    # Tells arl whether the hook is in place.
    let hook = if not $nu.is-interactive { 'script' } else if (__arl_has_hook $env.config.hooks.pre_prompt) {
        'prompt'
    } else { 'none' }
    with-env { ARL_HOOK: $hook } { ^arl status ...$words }
}

def __arl_is_over [] {
    ($env.ARL_EXPIRES_AT? | default '') =~ '^[0-9]{1,15}$' and (
        ((date now | into int) // 1_000_000_000) >= ($env.ARL_EXPIRES_AT | into int)
    )
}

def __arl_notice [told: string] {
    let parts = ($env.ARL_ROLE_ARN? | default '' | split row ':')
    let role = if ($env.ARL_ROLE_ARN? | default '') =~ '^[!-~]+$' {
        [($env.ARL_ROLE_ARN | split row '/' | last) ($parts | get --optional 4)]
    } else { [] }
    let label = if ($role | is-empty) { 'a role' } else { $"role/($role.0) in ($role.1)" }
    # Also show ARL_ROLE, unless it is only the account and the name of the role.
    let known = if ($env.ARL_ROLE? | default '') =~ '^[ -~]+$' { $env.ARL_ROLE } else { '' }
    let name = if $known == '' or $known == $"($role.1?)/($role.0?)" { $label } else {
        if ($role | is-empty) { $known } else { $"($known) \(($label)\)" }
    }
    let minutes = (((date now | into int) // 1_000_000_000) - ($env.ARL_EXPIRES_AT | into int)) // 60
    let ago = if $minutes == 0 { 'just expired' } else { $"expired ($minutes)m ago" }
    print --stderr $"arl: ($name) ($ago); ($told)"
}

# Returns the changes that renew the role if ARL_ON_EXPIRY asks for it, else null.
def __arl_renewal [] {
    let words = (__arl_memory | default {}).words?
    if $env.ARL_ON_EXPIRY? != 'refresh' or ($words | is-empty) { return null }
    try { let undo = (__arl_original_env); $undo | merge (__arl_ask $undo [...$words --quiet --within 5s]) } catch { null }
}

# If the region is still the one that arl set, returns the earlier one. A child shell does not know the
# earlier region and only removes the one that arl set.
def __arl_region_back [] {
    let memory = (__arl_memory | default { before: {}, after: (__arl_role_region) })
    [AWS_REGION AWS_DEFAULT_REGION]
    | where {|name| $name in $memory.after and ($env | get --optional $name) == ($memory.after | get $name) }
    | reduce --fold {} {|name, acc| $acc | insert $name ($memory.before | get --optional $name) }
}

# Returns the region variables with the region that arl set for the role, if it set one.
def __arl_role_region [] {
    if ($env.ARL_REGION? | is-empty) { return {} }
    { AWS_REGION: $env.ARL_REGION, AWS_DEFAULT_REGION: $env.ARL_REGION }
}

# Returns the changes that remove what a role left behind after its keys were replaced. `arl clear
# --expired` names the variables.
def __arl_forget_role [] {
    let region = (__arl_region_back)
    let left = (try { __arl_ask $region [clear --expired --quiet] } catch { {} })
    $region | merge ($left | default {}) | merge (__arl_none $ARL_OWN)
}

# Runs at each prompt and clears an expired role.
def --env __arl_hook [] {
    if (__arl_is_over) {
        let renewal = if (__arl_owned) { __arl_renewal } else { null }
        if $renewal != null {
            __arl_apply $renewal
        } else if not (__arl_owned) {
            let changes = (__arl_forget_role)
            if ($env.AWS_ACCESS_KEY_ID? | is-not-empty) { $env.__arl_memory = null }
            __arl_apply $changes
        } else if $env.ARL_ON_EXPIRY? == 'restore' and (__arl_memory) != null {
            __arl_notice 'your previous credentials are back'
            arl clear
        } else {
            __arl_notice 'its credentials were cleared'
            __arl_apply (__arl_region_back | merge (__arl_none $ARL_SET))
        }
    }
}

# Runs before each command, for a terminal that sat idle. It does not clear an expired role, because the
# command that was already typed would then run as another identity.
def --env __arl_preexec [] {
    if (__arl_is_over) and (__arl_owned) {
        let renewal = (__arl_renewal)
        if $renewal != null {
            __arl_apply $renewal
        } else if $env.__arl_warned? != [$env.ARL_EXPIRES_AT] {
            $env.__arl_warned = [$env.ARL_EXPIRES_AT]
            __arl_notice (if $env.ARL_ON_EXPIRY? == 'restore' and (__arl_memory) != null {
                'the next prompt puts back your previous credentials'
            } else {
                'the next prompt clears its credentials'
            })
        }
    }
}

def __arl_has_hook [hooks: any] {
    $hooks | default [] | any {|hook| (try { $hook.arl } catch { false }) == true }
}

# Installs the hooks unless they are there. `arl assume` does it too, because $env.config may have been
# replaced since.
def --env __arl_install_hooks [] {
    if not (__arl_has_hook $env.config.hooks.pre_prompt) {
        $env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt | default [] | append [{ arl: true, code: {|| __arl_hook } }])
    }
    if not (__arl_has_hook $env.config.hooks.pre_execution) {
        $env.config.hooks.pre_execution = (
            $env.config.hooks.pre_execution | default [] | append [{ arl: true, code: {|| __arl_preexec } }]
        )
    }
}
__arl_install_hooks
