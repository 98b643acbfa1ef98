//! The lists of the access portal: the user's accounts, and the user's roles in each. Each call gets one page
//! and is not retried, because the caller paces the requests.

use std::error::Error;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::connection;
use super::error::StsError;
use super::identity_center::{IdentityCenter, PAGE_SIZE, failed};
use super::settings::StsSettings;
use crate::secret::Secret;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The token of the next page.
    pub(crate) next: Option<String>,
}

/// An account of the user. Administrators choose its name, so it may contain any text.
#[derive(Debug)]
pub(crate) struct ListedAccount {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) email: Option<String>,
}

/// Why the portal returned no page.
#[derive(Debug)]
pub(crate) struct PageError {
    pub(crate) error: StsError,
    /// Whether the portal says that there were too many requests.
    pub(crate) is_throttled: bool,
    /// How long the portal wants the caller to wait.
    pub(crate) retry_after: Option<Duration>,
}

impl IdentityCenter {
    /// Returns a page of the user's accounts.
    ///
    /// # Errors
    /// The portal refuses the token or the request, cannot be reached, or sends an unexpected response.
    pub(crate) async fn accounts_page(
        &self,
        token: &Secret,
        next: Option<String>,
    ) -> Result<Page<ListedAccount>, PageError> {
        let call = self.portal_without_retries().list_accounts().access_token(token.expose());
        let page = call.max_results(PAGE_SIZE).set_next_token(next).send().await;
        let page = page.map_err(|error| self.page_error(&error))?;
        let text = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let items = page.account_list().iter().filter_map(|account| {
            Some(ListedAccount {
                id: account.account_id()?.to_owned(),
                name: text(account.account_name()),
                email: text(account.email_address()),
            })
        });
        Ok(Page { items: items.collect(), next: text(page.next_token()) })
    }

    /// Returns a page of the names of the user's roles in an account.
    ///
    /// # Errors
    /// As [`Self::accounts_page`].
    pub(crate) async fn roles_page(
        &self,
        token: &Secret,
        account_id: &str,
        next: Option<String>,
    ) -> Result<Page<String>, PageError> {
        let call = self.portal_without_retries().list_account_roles().access_token(token.expose());
        let call = call.account_id(account_id).max_results(PAGE_SIZE).set_next_token(next);
        let page = call.send().await.map_err(|error| self.page_error(&error))?;
        let items = page.role_list().iter().filter_map(|role| role.role_name().map(str::to_owned));
        let next = page.next_token().filter(|token| !token.is_empty()).map(str::to_owned);
        Ok(Page { items: items.collect(), next })
    }

    fn portal_without_retries(&self) -> aws_sdk_sso::Client {
        let settings =
            StsSettings { max_attempts: 1, adaptive_retries: false, ..self.settings.portal.clone() };
        aws_sdk_sso::Client::new(&connection::sdk_config(&settings, &self.http).build())
    }

    fn page_error<E>(&self, error: &SdkError<E, HttpResponse>) -> PageError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let response = error.raw_response();
        let seconds = response.and_then(|response| response.headers().get("retry-after")?.parse().ok());
        let has_status = response.is_some_and(|response| response.status().as_u16() == 429);
        let error = failed(error, &self.settings.portal);
        PageError {
            is_throttled: has_status || error.is_code("TooManyRequestsException"),
            error,
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}
