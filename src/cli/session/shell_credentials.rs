//! Gets the credentials of the role that this shell has.

use arl::internal::{ContainerSource, Credentials, Secret, Source, Sts};

use crate::cli::env::context::Context;
use crate::cli::env::vars;

/// Returns the credentials in the environment, else those of the container endpoint, which `exec --server`
/// sets.
///
/// # Errors
/// The environment has neither, or the endpoint fails.
pub(crate) async fn shell_credentials(sts: &Sts) -> Result<Credentials, String> {
    let Some(id) = vars::get(vars::AWS_ACCESS_KEY_ID) else {
        let endpoint = ContainerSource::find(&|name| vars::get(name)).ok_or("it has no credentials")?;
        let source = Source::Container(endpoint);
        return sts.source_credentials(&source, Context::now()).await.map_err(|error| error.to_string());
    };
    let secret = Secret::new(vars::get(vars::AWS_SECRET_ACCESS_KEY).unwrap_or_default());
    let token = vars::get(vars::AWS_SESSION_TOKEN).map(Secret::new);
    Credentials::new(id, secret, token, None).map_err(|error| error.to_string())
}
