# arl for xonsh: execx($(arl init xonsh)) in ~/.xonshrc.


def __arl_load():
    import re
    import subprocess
    import sys
    import time

    from xonsh.tools import unthreadable

    # The variables that select or describe an AWS identity.
    identity = """
        AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SECURITY_TOKEN AWS_SESSION_EXPIRATION AWS_CREDENTIALS_EXPIRATION
        AWS_CREDENTIAL_SCOPE AWS_ROLE_ARN AWS_ROLE_SESSION_NAME AWS_WEB_IDENTITY_TOKEN_FILE
        AWS_CONTAINER_CREDENTIALS_FULL_URI AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
        AWS_CONTAINER_AUTHORIZATION_TOKEN AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE AWS_CREDENTIAL_FILE
        ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION ARL_ENDPOINT
    """.split()
    # The variables that `assume` sets. It removes the other identity variables, so if one of those has a
    # value later, the user has set it.
    set_names = """
        AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_CREDENTIAL_EXPIRATION AWS_ACCOUNT_ID
        ARL_ROLE ARL_ROLE_ARN ARL_EXPIRES_AT ARL_KEY_ID ARL_SOURCE ARL_REGION ARL_USER_REGION
    """.split()
    # The variables that choose a source of credentials other than keys.
    sources = """
        AWS_PROFILE AWS_DEFAULT_PROFILE AWS_WEB_IDENTITY_TOKEN_FILE AWS_CONTAINER_CREDENTIALS_FULL_URI
        AWS_CONTAINER_CREDENTIALS_RELATIVE_URI
    """.split()
    own_names = [name for name in set_names if name.startswith("ARL_")]
    regions = ["AWS_REGION", "AWS_DEFAULT_REGION"]
    env = __xonsh__.env
    # A second `arl init` keeps what the first has saved.
    memory = getattr(__xonsh__, "arl_memory", None)
    if memory is None:
        memory = __xonsh__.arl_memory = {}
    # The arguments of this role and of the one before, for `arl assume -`.
    roles = getattr(__xonsh__, "arl_roles", None)
    if roles is None:
        roles = __xonsh__.arl_roles = {"last": [], "previous": []}

    def get(name):
        value = env.get(name, None)
        return None if value is None else str(value)

    def update_env(changes):
        for name, value in changes.items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value

    def owned():
        return bool(get("ARL_KEY_ID")) and get("AWS_ACCESS_KEY_ID") == get("ARL_KEY_ID")

    def undo():
        # Change region and source variables only if they are still as `assume` left them.
        if "before" not in memory or not (owned() or not get("AWS_ACCESS_KEY_ID")):
            return {}
        changes = {}
        for name, value in memory["before"].items():
            if name not in set_names + regions and get(name) is not None:
                continue
            if name in regions and get(name) != memory["after"][name]:
                continue
            changes[name] = value
        return changes

    def original_env():
        # Change nothing if the user has chosen another source since.
        return {} if any(get(name) for name in sources) else undo()

    def call(args, changes, stdin=None, stdout=None, stderr=None):
        child = env.detype()
        for name, value in changes.items():
            if value is None:
                child.pop(name, None)
            else:
                child[name] = value
        path = __xonsh__.commands_cache.locate_binary("arl") or "arl"
        return subprocess.run([path, *args], env=child, stdin=stdin, stdout=stdout, stderr=stderr)

    def verb_of(args):
        words = list(args)
        while words and words[0].startswith("-"):
            if words.pop(0) == "--color" and words:
                words.pop(0)
        return words[0] if words else ""

    def with_previous(args):
        # Replaces `-` with the arguments of the previous role or, if the shell has no role now, of the most
        # recent role. Without such a role, arl itself reports that there is no role to go back to.
        words = roles["previous" if owned() else "last"]
        if verb_of(args) != "assume" or "-" not in args or not words:
            return args
        rest = list(args)
        rest.remove("assume")
        rest.remove("-")
        return [*words, *rest]

    @unthreadable
    def arl(args, stdin=None, stdout=None, stderr=None):
        args = with_previous(args)
        verb = verb_of(args)
        own = args[: args.index("--")] if "--" in args else args
        passes = any(re.match(r"(--json|--format(=.*)?|--help|-h|--show|--shell(=.*)?)$", word) for word in own)
        original = {} if "--chain" in own or verb not in ("assume", "exec", "each", "write", "explain", "console") else original_env()
        if verb == "console" and original and call([*args, "--names-role"], {}, None, subprocess.DEVNULL, subprocess.DEVNULL).returncode:
            # Without a ROLE it is for the role that the shell has.
            original = {}
        if verb == "status":
            # Tells arl whether the hook is in place.
            has_hook = any(getattr(known, "is_arl", False) for known in events.on_pre_prompt)
            state = "prompt" if has_hook else "none"
            original = {"ARL_HOOK": state if env.get("XONSH_INTERACTIVE") else "script"}
        if passes or verb not in ("assume", "clear"):
            return call(args, original, stdin, stdout, stderr).returncode
        if verb == "clear" and "--expired" not in own:
            if get("AWS_ACCESS_KEY_ID") and not owned():
                print("arl: the keys in this shell did not come from arl, so they were left alone", file=sys.stderr)
            elif "before" in memory:
                update_env(undo())
            else:
                region_back()
                update_env(dict.fromkeys(set_names))
            update_env(dict.fromkeys(own_names))
            memory.clear()
            return 0
        recall = ["--recall"] if verb == "assume" else []
        done = call([*args, "--shell", "xonsh", *recall], original, stdin, subprocess.PIPE, stderr)
        if done.returncode != 0:
            return done.returncode
        if verb == "clear":
            exec(done.stdout.decode(), {"__xonsh__": __xonsh__})
            return 0
        kept = memory.get("before") if "--chain" in own and owned() else None
        update_env(original)
        before = kept or {name: None if name.startswith("ARL_") else get(name) for name in identity + regions}
        scope = {"__xonsh__": __xonsh__}
        exec(done.stdout.decode(), scope)
        memory.update(before=before, after={name: get(name) for name in regions}, args=scope["arl_refresh"])
        # Assuming the same role again must not change the previous one.
        if scope["arl_last"] != roles["last"]:
            roles.update(last=scope["arl_last"], previous=roles["last"])
        return 0

    def is_over():
        deadline = get("ARL_EXPIRES_AT") or ""
        return re.fullmatch("[0-9]{1,15}", deadline) is not None and time.time() >= int(deadline)

    def notice(told):
        arn = get("ARL_ROLE_ARN") or ""
        name = "a role"
        if re.fullmatch("[!-~]+", arn) and arn.count(":") >= 5:
            name = f"role/{arn.split('/')[-1]} in {arn.split(':')[4]}"
            arn = f"{arn.split(':')[4]}/{arn.split('/')[-1]}"
        # Also show ARL_ROLE, unless it is only the account and the name of the role.
        known = get("ARL_ROLE") or ""
        if known != arn and re.fullmatch("[ -~]+", known):
            name = known if name == "a role" else f"{known} ({name})"
        minutes = (int(time.time()) - int(get("ARL_EXPIRES_AT"))) // 60
        ago = "just expired" if minutes == 0 else f"expired {minutes}m ago"
        print(f"arl: {name} {ago}; {told}", file=sys.stderr)

    def renew():
        # arl tries once. It does not repeat a failure at every prompt.
        if get("ARL_ON_EXPIRY") == "refresh" and memory.get("args"):
            arl([*memory.pop("args"), "--quiet", "--within", "5s"])
        return not is_over()

    def region_back():
        # Restore the region only if it is still the one that arl set. A child shell does not know the earlier
        # region and only removes the one that arl set.
        role_region = get("ARL_REGION") or ""
        after = memory.get("after", dict.fromkeys(regions, role_region))
        before = memory.get("before", {})
        update_env({name: before.get(name) for name in regions if get(name) == after[name]})

    def forget_role():
        # Removes what a role left behind after its keys were replaced. `arl clear --expired` names the
        # variables.
        region_back()
        words = ["clear", "--expired", "--quiet", "--shell", "xonsh"]
        done = call(words, {}, None, subprocess.PIPE, subprocess.DEVNULL)
        if done.returncode == 0:
            exec(done.stdout.decode(), {"__xonsh__": __xonsh__})
        update_env(dict.fromkeys(own_names))
        if get("AWS_ACCESS_KEY_ID"):
            memory.clear()

    def hook(**_):
        if not is_over():
            return
        if not owned():
            forget_role()
        elif renew():
            pass
        elif get("ARL_ON_EXPIRY") == "restore" and "before" in memory:
            notice("your previous credentials are back")
            arl(["clear"])
        else:
            notice("its credentials were cleared")
            region_back()
            update_env(dict.fromkeys(set_names))

    def preexec(**_):
        # Do not clear the role here, because the command that was already typed would then run as another
        # identity.
        if is_over() and owned() and not renew() and memory.get("warned") != get("ARL_EXPIRES_AT"):
            memory["warned"] = get("ARL_EXPIRES_AT")
            restores = get("ARL_ON_EXPIRY") == "restore" and "before" in memory
            notice(f"the next prompt {'puts back your previous' if restores else 'clears its'} credentials")

    aliases["arl"] = arl
    for event, function in ((events.on_pre_prompt, hook), (events.on_precommand, preexec)):
        for known in [known for known in event if getattr(known, "is_arl", False)]:
            event.discard(known)
        function.is_arl = True
        event(function)


__arl_load()
del __arl_load
