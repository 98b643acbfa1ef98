//! The AssumeRole call.

use aws_sdk_sts::Client;
use aws_sdk_sts::operation::assume_role::{AssumeRoleError, AssumeRoleOutput};
use aws_sdk_sts::types::{PolicyDescriptorType, ProvidedContext, Tag};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;

use crate::credentials::Credentials;
use crate::encoding;
use crate::request::{AssumeRoleRequest, SessionDuration};

/// Lowers a duration that STS would refuse because the source credentials have a session token (role
/// chaining).
///
/// Returns the requested duration if it was lowered. Source: "Role chaining" in the IAM User Guide. The rule
/// covers credentials from GetSessionToken as well.
pub fn cap_chained_duration(
    source: &Credentials,
    request: &mut AssumeRoleRequest,
) -> Option<SessionDuration> {
    source.session_token()?;
    let requested = request.duration_seconds.filter(|&requested| requested > SessionDuration::CHAINED_MAX)?;
    request.duration_seconds = Some(SessionDuration::CHAINED_MAX);
    Some(requested)
}

/// Calls AssumeRole.
///
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
pub(super) async fn send(
    client: &Client,
    request: &AssumeRoleRequest,
) -> Result<AssumeRoleOutput, SdkError<AssumeRoleError, HttpResponse>> {
    // Destructure the request, so that the code does not compile until a new parameter is added here.
    let AssumeRoleRequest {
        role_arn,
        role_session_name,
        duration_seconds,
        policy,
        policy_arns,
        tags,
        transitive_tag_keys,
        external_id,
        serial_number,
        token_code,
        source_identity,
        provided_contexts,
        additional_parameters,
    } = request;
    let extra = additional_parameters.form_fields();
    let call = client
        .assume_role()
        .role_arn(role_arn.to_string())
        .role_session_name(role_session_name.as_str())
        .set_duration_seconds(duration_seconds.and_then(|d| i32::try_from(d.as_secs()).ok()))
        .set_policy(policy.as_ref().map(|policy| policy.as_str().to_owned()))
        .set_policy_arns(policy_arns.as_ref().map(|arns| {
            arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn.as_str()).build()).collect()
        }))
        .set_tags(tags.as_ref().map(|tags| {
            let sdk = |tag: &crate::request::Tag| {
                Tag::builder().key(tag.key().as_str()).value(tag.value()).build().ok()
            };
            tags.iter().filter_map(sdk).collect()
        }))
        .set_transitive_tag_keys(
            transitive_tag_keys.as_ref().map(|keys| keys.iter().map(|key| key.as_str().to_owned()).collect()),
        )
        .set_external_id(external_id.as_ref().map(ToString::to_string))
        .set_serial_number(serial_number.as_ref().map(ToString::to_string))
        .set_token_code(token_code.as_ref().map(|code| code.expose().to_owned()))
        .set_source_identity(source_identity.as_ref().map(ToString::to_string))
        .set_provided_contexts(provided_contexts.as_ref().map(|contexts| {
            contexts
                .iter()
                .map(|context| {
                    ProvidedContext::builder()
                        .provider_arn(context.provider_arn().as_str())
                        .context_assertion(context.context_assertion())
                        .build()
                })
                .collect()
        }));
    if extra.is_empty() {
        call.send().await
    } else {
        call.customize().mutate_request(move |http| append_form_fields(http, &extra)).send().await
    }
}

/// Adds form fields to the request before it is signed.
fn append_form_fields(request: &mut HttpRequest, fields: &[(String, String)]) {
    let mut form = request.body().bytes().unwrap_or_default().to_vec();
    for (name, value) in fields {
        form.extend_from_slice(
            format!("&{}={}", encoding::percent_encode(name), encoding::percent_encode(value)).as_bytes(),
        );
    }
    request.headers_mut().insert("content-length", form.len().to_string());
    *request.body_mut() = SdkBody::from(form);
}
