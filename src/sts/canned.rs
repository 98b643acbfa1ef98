//! An STS that returns the same response to every call, for the fuzzer.

use std::time::SystemTime;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::response::RoleSession;
use super::sdk_config::assume_role_with;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::request::AssumeRoleRequest;

#[derive(Debug, Clone)]
struct Canned {
    status: u16,
    body: Vec<u8>,
}

impl HttpConnector for Canned {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status =
            StatusCode::try_from(self.status).unwrap_or(StatusCode::try_from(200).expect("a status"));
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.body.clone()))))
    }
}

impl HttpClient for Canned {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// Calls AssumeRole and returns how arl reads this response.
pub(crate) async fn assume_role(
    status: u16,
    body: &[u8],
    source: &Credentials,
    request: &AssumeRoleRequest,
    now: SystemTime,
) -> Result<RoleSession, Error> {
    let config = SdkConfig::builder()
        .http_client(Canned { status, body: body.to_vec() })
        .region(Region::new("eu-west-1"))
        .retry_config(RetryConfig::disabled())
        .build();
    assume_role_with(&config, source, request, now).await
}
