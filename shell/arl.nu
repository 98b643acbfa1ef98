# arl for nushell: arl init nushell | save -f ($nu.default-config-dir | path join arl.nu), and in config.nu:
# source arl.nu. Options follow the verb: `arl assume ROLE -v`.

# Every variable that decides, or tells, who a process is.
const ARL_IDENTITY = [
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
    AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION AWS_CREDENTIALS_EXPIRATION
    AWS_CREDENTIAL_SCOPE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
    AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE
    ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_ENDPOINT
]

# Those of them that `assume` sets. What stands in the others later was put there by somebody else.
const ARL_SET = [
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
    ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE
]

# Sets what has a value and hides what is null. Called at most once by each function: nushell does not hide
# again what an earlier call in the same function has handed on.
def --env __arl_apply [changes: record] {
    let all = ($changes | transpose name value)
    hide-env --ignore-errors ...($all | where value == null | get name)
    load-env ($all | where value != null | reduce --fold {} {|it, acc| $acc | insert $it.name $it.value })
}

# The names with null, to be hidden.
def __arl_none [names: list<string>] {
    $names | reduce --fold {} {|name, acc| $acc | insert $name null }
}

def __arl_owned [] {
    ($env.ARL_KEY_ID? | is-not-empty) and $env.AWS_ACCESS_KEY_ID? == $env.ARL_KEY_ID?
}

# What arl remembers of the time before the role, or null. A variable of that name from the environment is a string,
# which arl has not written.
def __arl_memory [] {
    let memory = $env.__arl_memory?
    if ($memory | describe --detailed | get type) == record { $memory } else { null }
}

# What is to be put back: region and other sources only if they are still as `assume` left them.
def __arl_undo [] {
    let memory = (__arl_memory)
    if $memory == null or not ((__arl_owned) or ($env.AWS_ACCESS_KEY_ID? | is-empty)) { return {} }
    $memory.before | transpose name value | where {|it|
        if $it.name in [AWS_REGION AWS_DEFAULT_REGION] {
            $memory.region != null and ($env | get --optional $it.name) == $memory.region
        } else { $it.name in $ARL_SET or ($env | get --optional $it.name) == null }
    } | reduce --fold {} {|it, acc| $acc | insert $it.name $it.value }
}

# The same for a role that is to start there: nothing, if another source was chosen since.
def __arl_start [] {
    let chosen = ([
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    ] | any {|name| $env | get --optional $name | is-not-empty })
    if $chosen { {} } else { __arl_undo }
}

# What arl says, started with what was here before; an error if it fails.
def __arl_ask [undo: record, words: list<string>] {
    do { __arl_apply $undo; ^arl ...$words --shell nushell } | from json
}

# What is here, or would be after `undo`, as a record to come back to.
def __arl_picture [undo: record] {
    $ARL_IDENTITY ++ [AWS_REGION AWS_DEFAULT_REGION] | reduce --fold {} {|name, acc|
        let now = if $name in $undo { $undo | get $name } else { $env | get --optional $name }
        $acc | insert $name (if ($name | str starts-with ARL_) { null } else { $now })
    }
}

# The words that get the same role again, or null: a code works once, and a chain's start is over as well.
def __arl_again [words: list<string>] {
    if ($words | any {|word| $word =~ '^--chain$|oken.?[cC]ode|mfa-code|^file://[^/]|=file://[^/]' }) { return null }
    $words | where $it !~ '^(-[vq]+|--verbose|--quiet)$'
}

# Assume a role in this shell
def --env --wrapped "arl assume" [...words: string] {
    let chains = ("--chain" in $words)
    let undo = if $chains { {} } else { __arl_start }
    if ($words | any {|word| $word =~ '^(--json|--format(=.*)?|--help|-h|--show|--shell(=.*)?)$' }) {
        return (do { __arl_apply $undo; ^arl assume ...$words })
    }
    # A failure ends this function before anything is changed.
    let changes = (__arl_ask $undo [assume ...$words])
    let kept = if $chains and (__arl_owned) { (__arl_memory | default {}).before? } else { null }
    # A record is no text, so no child gets to see it.
    $env.__arl_memory = {
        before: ($kept | default (__arl_picture $undo)), region: $changes.AWS_REGION?, words: (__arl_again $words)
    }
    __arl_apply ($undo | merge $changes)
}

# Give this shell back what it had before its role
def --env "arl clear" [] {
    let own = (__arl_none [ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE])
    let changes = if not ((__arl_owned) or ($env.AWS_ACCESS_KEY_ID? | is-empty)) {
        print --stderr "arl: the keys in this shell are not arl's; they were left alone"
        $own
    } else if (__arl_memory) != null {
        __arl_undo | merge $own
    } else {
        __arl_none $ARL_SET
    }
    $env.__arl_memory = null
    __arl_apply $changes
}

# Runs a verb that has a source as if the role of this shell were not there.
def __arl_from_before [verb: string, words: list<string>] {
    let undo = if "--chain" in ($words | take until {|word| $word == "--" }) { {} } else { __arl_start }
    do { __arl_apply $undo; ^arl $verb ...$words }
}

# Run a command as a role
def --env --wrapped "arl exec" [...words: string] { __arl_from_before exec $words }

# Run a command once in each of several roles
def --env --wrapped "arl each" [...words: string] { __arl_from_before each $words }

# Write a role's credentials into a profile of ~/.aws/credentials
def --env --wrapped "arl write" [...words: string] { __arl_from_before write $words }

# Tell what assuming a role would do, and why
def --env --wrapped "arl explain" [...words: string] { __arl_from_before explain $words }

# Print an address that is signed in to the AWS console as a role
def --env --wrapped "arl console" [...words: string] { __arl_from_before console $words }

def __arl_is_over [] {
    ($env.ARL_EXPIRES_AT? | default '') =~ '^[0-9]{1,15}$' and (
        ((date now | into int) // 1_000_000_000) >= ($env.ARL_EXPIRES_AT | into int)
    )
}

def __arl_say [told: string] {
    let parts = ($env.ARL_ROLE_ARN? | default '' | split row ':')
    let name = if ($env.ARL_ROLE_ARN? | default '') =~ '^[!-~]+$' {
        $"role/($env.ARL_ROLE_ARN | split row '/' | last) in ($parts | get --optional 4)"
    } else { 'a role' }
    let minutes = (((date now | into int) // 1_000_000_000) - ($env.ARL_EXPIRES_AT | into int)) // 60
    print --stderr $"arl: ($name) expired ($minutes)m ago; ($told)"
}

# The changes that get the same role again, if that is wished for, else null.
def __arl_renewal [] {
    let words = (__arl_memory | default {}).words?
    if $env.ARL_ON_EXPIRY? != 'refresh' or $words == null { return null }
    try { let undo = (__arl_start); $undo | merge (__arl_ask $undo [assume ...$words --quiet --within 5s]) } catch { null }
}

# The region from before the role, if it is still the role's.
def __arl_region_back [] {
    let memory = (__arl_memory)
    if $memory == null or $memory.region == null { return {} }
    [AWS_REGION AWS_DEFAULT_REGION] | where {|name| ($env | get --optional $name) == $memory.region }
    | reduce --fold {} {|name, acc| $acc | insert $name ($memory.before | get $name) }
}

# What goes with a role whose keys are gone: arl knows what it has left.
def __arl_left [] {
    let left = (try { ^arl clear --expired --quiet --shell nushell | from json } catch { {} })
    __arl_region_back | merge ($left | default {}) | merge (__arl_none [ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE])
}

# At the prompt: clears a role that has expired.
def --env __arl_hook [] {
    if (__arl_is_over) {
        let renewal = if (__arl_owned) { __arl_renewal } else { null }
        if $renewal != null {
            __arl_apply $renewal
        } else if not (__arl_owned) {
            let changes = (__arl_left)
            if ($env.AWS_ACCESS_KEY_ID? | is-not-empty) { $env.__arl_memory = null }
            __arl_apply $changes
        } else if $env.ARL_ON_EXPIRY? == 'restore' and (__arl_memory) != null {
            __arl_say 'what was here before is back'
            arl clear
        } else {
            __arl_say 'its credentials were cleared'
            __arl_apply (__arl_region_back | merge (__arl_none $ARL_SET))
        }
    }
}

# Before a command: the terminal that sat idle. Nothing is cleared here, or the command that is already typed
# would run as somebody else.
def --env __arl_preexec [] {
    if (__arl_is_over) and (__arl_owned) {
        let renewal = (__arl_renewal)
        if $renewal != null {
            __arl_apply $renewal
        } else if $env.__arl_warned? != [$env.ARL_EXPIRES_AT] {
            $env.__arl_warned = [$env.ARL_EXPIRES_AT]
            __arl_say 'the next prompt clears its credentials'
        }
    }
}

$env.config.hooks.pre_prompt = (
    $env.config.hooks.pre_prompt | default [] | where {|hook| (try { $hook.arl } catch { false }) != true }
    | append [{ arl: true, code: {|| __arl_hook } }]
)
$env.config.hooks.pre_execution = (
    $env.config.hooks.pre_execution | default [] | where {|hook| (try { $hook.arl } catch { false }) != true }
    | append [{ arl: true, code: {|| __arl_preexec } }]
)
