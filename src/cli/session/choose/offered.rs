//! Lets the user choose among the roles that IAM Identity Center offers: an account first, then a role in it.
//! It asks IAM Identity Center for both when they are needed.

use arl::internal::{Catalog, CatalogAccount};

use crate::cli::roles::catalogs::catalog_roles;
use crate::cli::roles::{KnownRole, cached_sessions};
use crate::cli::session::choose::{Chooser, candidates, not_chosen};
use crate::cli::session::discovery::{Refresh, discover, discover_account, discover_accounts};
use crate::cli::ui::error::CliError;
use crate::cli::ui::picker::Entry;

impl Chooser<'_> {
    /// Lets the user choose from a session, and signs the user in if that is needed.
    pub(super) fn choose_offered(&self, session: &str) -> Result<String, CliError> {
        let Catalog { accounts, .. } = discover_accounts(&self.context, session, Refresh::No, self.output)?;
        let count = accounts.len();
        if count == 0 {
            return Err(CliError::new(format!("`{session}` offers no account")));
        }
        let mut entries: Vec<Entry> = accounts.iter().map(account_entry).collect();
        if count > 1 {
            entries.push(Entry::fixed(
                &format!("the roles of all {count} accounts …"),
                "ask for the roles of each account, a few accounts per second",
            ));
        }
        let index = self.pick("account>", entries)?;
        let catalog = match accounts.get(index) {
            None => discover(&self.context, session, Refresh::No, self.output)?,
            Some(CatalogAccount { id, .. }) => {
                let mut catalog = discover_account(&self.context, session, id, Refresh::Yes, self.output)?;
                catalog.accounts.retain(|account| account.id == *id);
                catalog
            }
        };
        let roles = self.roles_of(&catalog)?;
        if roles.is_empty() {
            return Err(CliError::new(match accounts.get(index) {
                Some(CatalogAccount { id, .. }) => format!("you have no role in account {id}"),
                None => format!("`{session}` offers no role"),
            }));
        }
        let index = self.pick("role>", roles.iter().map(candidates::entry).collect())?;
        roles.into_iter().nth(index).map(|role| role.name).ok_or_else(not_chosen)
    }

    fn roles_of(&self, catalog: &Catalog) -> Result<Vec<KnownRole>, CliError> {
        let sessions = cached_sessions(&self.context, self.output);
        Ok(catalog_roles(std::slice::from_ref(catalog), &[], &sessions))
    }
}

fn account_entry(account: &CatalogAccount) -> Entry {
    let name = if account.name.is_empty() { &account.id } else { &account.name };
    let roles = account.roles.as_ref().map(|roles| roles.join(", ")).unwrap_or_default();
    Entry::new([name, &account.id, &roles, "", ""], ' ', None)
}
