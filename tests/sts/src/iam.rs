//! The actions of IAM that rotate access keys, for the user that the request names, else for the one that
//! signed it.

use std::time::SystemTime;

use crate::actions::Form;
use crate::http::{Request, Response};
use crate::state::{BASE64, Key, World, random};
use crate::xml::{Refusal, element, success};

/// Answers an action of IAM. `None`: the request is of another service.
pub(crate) fn answer(
    world: &mut World,
    request: &Request,
    caller: impl FnOnce(&World, &Request) -> Result<Key, Refusal>,
) -> Option<Result<Response, Refusal>> {
    let form = Form::new(request.form());
    let action = form.get("Action")?;
    let answer: fn(&mut World, &Key, &Form) -> Result<Response, Refusal> = match action {
        "CreateAccessKey" => create,
        "ListAccessKeys" => list,
        "GetAccessKeyLastUsed" => last_used,
        "UpdateAccessKey" => update,
        "DeleteAccessKey" => delete,
        "ListMFADevices" => devices,
        _ => return None,
    };
    let result = caller(world, request).and_then(|caller| {
        let name = caller.arn.rsplit('/').next().unwrap_or_default();
        if world.iam_needs_mfa && !caller.mfa {
            let message = format!(
                "User: {} is not authorized to perform: iam:{action} with an explicit deny",
                caller.arn
            );
            return Err(Refusal::new(403, "AccessDenied", message));
        }
        match form.get("UserName") {
            Some(other) if other != name => {
                Err(Refusal::new(404, "NoSuchEntity", format!("The user with name {other} cannot be found.")))
            }
            _ => answer(world, &caller, &form),
        }
    });
    Some(result)
}

fn ids(world: &World, arn: &str) -> Vec<String> {
    let keys = world.keys.iter().filter(|(_, key)| key.arn == arn && key.token.is_none());
    let mut ids: Vec<String> = keys.map(|(id, _)| id.clone()).collect();
    ids.sort();
    ids
}

fn own_key(world: &World, caller: &Key, form: &Form) -> Result<String, Refusal> {
    let id = form.get("AccessKeyId").unwrap_or_default();
    match ids(world, &caller.arn).into_iter().find(|own| own == id) {
        Some(id) => Ok(id),
        None => {
            Err(Refusal::new(404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found.")))
        }
    }
}

fn create(world: &mut World, caller: &Key, _: &Form) -> Result<Response, Refusal> {
    if ids(world, &caller.arn).len() >= 2 {
        return Err(Refusal::new(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"));
    }
    let id = format!("AKIA{}", random(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
    let secret = random(40, BASE64);
    let owner = world.new_key_owner.clone().unwrap_or_else(|| caller.arn.clone());
    world.add_user(&owner, &id, &secret);
    world.created.insert(id.clone(), SystemTime::now());
    world.refusals.insert(id.clone(), world.new_key_refusals);
    let key = [
        element("UserName", caller.arn.rsplit('/').next().unwrap_or_default()),
        element("AccessKeyId", &id),
        element("Status", "Active"),
        element("SecretAccessKey", &secret),
    ];
    Ok(success("CreateAccessKey", &format!("<AccessKey>{}</AccessKey>", key.concat())))
}

fn list(world: &mut World, caller: &Key, _: &Form) -> Result<Response, Refusal> {
    let member = |id: &String| {
        let status = if world.keys[id].revoked { "Inactive" } else { "Active" };
        let created = world.created.get(id).copied().unwrap_or(SystemTime::UNIX_EPOCH);
        let created = humantime::format_rfc3339_seconds(created).to_string();
        let parts = [element("AccessKeyId", id), element("Status", status), element("CreateDate", &created)];
        format!("<member>{}</member>", parts.concat())
    };
    let members: String = ids(world, &caller.arn).iter().map(member).collect();
    let list = format!("<AccessKeyMetadata>{members}</AccessKeyMetadata><IsTruncated>false</IsTruncated>");
    Ok(success("ListAccessKeys", &list))
}

fn last_used(world: &mut World, caller: &Key, form: &Form) -> Result<Response, Refusal> {
    let id = own_key(world, caller, form)?;
    let used = match world.last_used.get(&id) {
        Some(time) => {
            let time = humantime::format_rfc3339_seconds(*time).to_string();
            [element("LastUsedDate", &time), element("ServiceName", "s3"), element("Region", "eu-west-1")]
        }
        None => [String::new(), element("ServiceName", "N/A"), element("Region", "N/A")],
    };
    Ok(success("GetAccessKeyLastUsed", &format!("<AccessKeyLastUsed>{}</AccessKeyLastUsed>", used.concat())))
}

fn update(world: &mut World, caller: &Key, form: &Form) -> Result<Response, Refusal> {
    let id = own_key(world, caller, form)?;
    if let Some(key) = world.keys.get_mut(&id) {
        key.revoked = form.get("Status") == Some("Inactive");
    }
    Ok(success("UpdateAccessKey", ""))
}

fn delete(world: &mut World, caller: &Key, form: &Form) -> Result<Response, Refusal> {
    let id = own_key(world, caller, form)?;
    world.keys.remove(&id);
    Ok(success("DeleteAccessKey", ""))
}

fn devices(world: &mut World, caller: &Key, _: &Form) -> Result<Response, Refusal> {
    let own = world.mfa_devices.iter().filter(|(_, (owner, _))| *owner == caller.arn);
    let members = own.map(|(serial, _)| format!("<member>{}</member>", element("SerialNumber", serial)));
    Ok(success("ListMFADevices", &format!("<MFADevices>{}</MFADevices>", members.collect::<String>())))
}
