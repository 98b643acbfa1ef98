//! Asks IAM Identity Center which accounts and roles the user of a sign-in has.
//!
//! That takes at least one request for the accounts and one for the roles of each. So the requests are paced,
//! and the catalog is saved on the way: if the process stops, the next one continues.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::catalog::{Catalog, CatalogAccount};
use super::catalog_store::CatalogStore;
use super::error::LoginError;
use super::pace::Pace;
use super::role::{RoleCall, current_token};
use crate::cache::single_flight::SingleFlight;
use crate::secret::Secret;
use crate::source::SsoSession;
use crate::sts::{Page, PageError, StsError};

/// How often a request may fail for a reason other than too many requests.
const MAX_FAILURES: usize = 4;
/// The most pages of a list, so that a list without an end cannot keep arl running.
const MAX_PAGES: usize = 1000;
/// The shortest time between two saves of a growing catalog.
const SAVE_INTERVAL: Duration = Duration::from_millis(250);
/// How long a process waits for another one with the same discovery.
const WAIT_LIMIT: Duration = Duration::from_secs(900);
/// How long it waits while the other one saves nothing new. The other one may be stopped, as with Ctrl-Z.
const STALL_LIMIT: Duration = Duration::from_secs(60);

/// Whether the cached answers of an earlier process are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Earlier {
    Used,
    Ignored,
}

/// A discovery: asks IAM Identity Center for the catalog of a sign-in.
#[derive(Clone, Copy)]
pub struct Discovery<'a> {
    /// The services and the token. The token is renewed while the requests go on.
    pub call: RoleCall<'a>,
    /// The sign-in.
    pub session: &'a SsoSession,
    /// Where catalogs are cached. `None` caches nothing.
    pub catalogs: Option<&'a CatalogStore>,
    /// Called with the number of accounts whose roles are known and the number of all accounts.
    pub on_progress: &'a dyn Fn(usize, usize),
}

/// The result of a discovery.
#[derive(Debug)]
pub struct Found {
    /// The catalog, which may be incomplete.
    pub catalog: Catalog,
    /// Why it is incomplete.
    pub error: Option<LoginError>,
}

impl Discovery<'_> {
    /// Returns the whole catalog: the cached one if it is complete, unless `is_refresh`.
    pub async fn all(self, is_refresh: bool) -> Found {
        RunningDiscovery::new(self).all(is_refresh).await
    }

    /// Returns the accounts. It does not ask for their roles, but the catalog contains those that are cached.
    pub async fn accounts(self, is_refresh: bool) -> Found {
        RunningDiscovery::new(self).accounts(is_refresh).await
    }

    /// Returns a catalog with the roles of one account. After an error it is empty.
    pub async fn account(self, account_id: &str, is_refresh: bool) -> Found {
        let running = RunningDiscovery::new(self);
        match running.find_account(account_id, is_refresh).await {
            Ok(catalog) => Found { catalog, error: None },
            Err(error) => Found { catalog: running.new_catalog(), error: Some(error) },
        }
    }
}

/// A discovery that has begun.
struct RunningDiscovery<'a> {
    discovery: Discovery<'a>,
    /// The ID of the sign-in at the start. If another user signs in meanwhile, the answers still belong to
    /// the first.
    sign_in: Option<String>,
}

impl<'a> std::ops::Deref for RunningDiscovery<'a> {
    type Target = Discovery<'a>;

    fn deref(&self) -> &Self::Target {
        &self.discovery
    }
}

impl<'a> RunningDiscovery<'a> {
    fn new(discovery: Discovery<'a>) -> Self {
        Self { sign_in: discovery.call.store.sign_in_id(discovery.session), discovery }
    }

    async fn all(&self, is_refresh: bool) -> Found {
        let earlier = if is_refresh { Earlier::Ignored } else { Earlier::Used };
        let cached = || self.cached(earlier).filter(|catalog| catalog.is_complete);
        let _lock = match self.lock(cached).await {
            Ok(lock) => lock,
            Err(catalog) => return Found { catalog, error: None },
        };
        let draft = Draft::new(self, earlier);
        let result = self.find_all(&draft, earlier).await;
        draft.finish(result)
    }

    async fn accounts(&self, is_refresh: bool) -> Found {
        let earlier = if is_refresh { Earlier::Ignored } else { Earlier::Used };
        let cached = || self.cached(earlier).filter(|catalog| !catalog.accounts.is_empty());
        let _lock = match self.lock(cached).await {
            Ok(lock) => lock,
            Err(catalog) => return Found { catalog, error: None },
        };
        let draft = Draft::new(self, earlier);
        let result = self.find_accounts(&Pace::new(), &draft, earlier).await;
        draft.finish(result)
    }

    async fn find_account(&self, account_id: &str, is_refresh: bool) -> Result<Catalog, LoginError> {
        let has_roles = |catalog: &Catalog| {
            catalog.accounts.iter().any(|account| account.id == account_id && account.roles.is_some())
        };
        if let Some(catalog) = self.cached(Earlier::Used).filter(|catalog| !is_refresh && has_roles(catalog))
        {
            return Ok(catalog);
        }
        let pace = Pace::new();
        let roles = self.roles_of(&pace, account_id).await?;
        let catalog = self.cached(Earlier::Used).filter(|catalog| !catalog.accounts.is_empty());
        let mut catalog = match catalog {
            Some(catalog) => catalog,
            None => {
                let draft = Draft::new(self, Earlier::Used);
                self.find_accounts(&pace, &draft, Earlier::Used).await?;
                draft.finish(Ok(())).catalog
            }
        };
        catalog.set_roles(account_id, roles);
        catalog.is_complete = catalog.known_accounts() == catalog.accounts.len();
        self.save(&catalog);
        Ok(catalog)
    }

    fn new_catalog(&self) -> Catalog {
        Catalog::new(self.session, (self.call.clock)())
    }

    /// Whether the sign-in is still the one from the start of the discovery.
    fn is_same_sign_in(&self) -> bool {
        self.call.store.sign_in_id(self.session) == self.sign_in
    }

    fn cached(&self, earlier: Earlier) -> Option<Catalog> {
        let store = self.catalogs.filter(|_| earlier == Earlier::Used)?;
        store.read(self.session, (self.call.clock)())
    }

    /// Waits for the lock of this discovery. If another process finds the answer meanwhile, returns that
    /// answer as the error.
    async fn lock(
        &self,
        cached: impl Fn() -> Option<Catalog>,
    ) -> Result<Option<crate::cache::single_flight::LeaderLock>, Catalog> {
        if let Some(catalog) = cached() {
            return Err(catalog);
        }
        let Some(store) = self.catalogs else { return Ok(None) };
        let locks = SingleFlight::new(store.directory());
        let (mut known, mut since) = (0, Instant::now());
        let done = || {
            if let Some(catalog) = cached() {
                return Some(Some(catalog));
            }
            let now = self.cached(Earlier::Used).map_or(0, |catalog| catalog.known_accounts());
            if now != known {
                (known, since) = (now, Instant::now());
            }
            // Go on without the lock.
            (since.elapsed() >= STALL_LIMIT).then_some(None)
        };
        match locks.lock_named(&CatalogStore::lock_name(self.session), WAIT_LIMIT, done).await {
            // The other process may have saved its answer just before it released the lock.
            Ok(lock) => cached().map_or(Ok(Some(lock)), Err),
            Err(answer) => answer.map_or(Ok(None), Err),
        }
    }

    async fn find_all(&self, draft: &Draft<'_>, earlier: Earlier) -> Result<(), LoginError> {
        let pace = Pace::new();
        self.find_accounts(&pace, draft, earlier).await?;
        let is_unknown = |account: &&CatalogAccount| account.roles.is_none();
        let missing: VecDeque<String> = {
            let catalog = draft.catalog.borrow();
            catalog.accounts.iter().filter(is_unknown).map(|account| account.id.clone()).collect()
        };
        let queue = RefCell::new(missing);
        let worker = async || {
            loop {
                let Some(id) = queue.borrow_mut().pop_front() else { return Ok::<_, LoginError>(()) };
                let roles = self.roles_of(&pace, &id).await?;
                draft.change(|catalog| catalog.set_roles(&id, roles));
            }
        };
        // Five requests at the same time.
        tokio::try_join!(worker(), worker(), worker(), worker(), worker())?;
        draft.change(|catalog| catalog.is_complete = true);
        Ok(())
    }

    async fn find_accounts(
        &self,
        pace: &Pace,
        draft: &Draft<'_>,
        earlier: Earlier,
    ) -> Result<(), LoginError> {
        let center = self.call.center;
        let mut next: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = async |token: &Secret| center.accounts_page(token, next.clone()).await;
            let page = self.paced(pace, request).await?;
            draft.catalog.borrow_mut().add(page.items);
            next = page.next;
            if next.is_none() {
                let cached = self.cached(earlier);
                draft.change(|catalog| {
                    catalog.complete_accounts(cached.as_ref());
                    catalog.is_complete = catalog.known_accounts() == catalog.accounts.len();
                });
                return Ok(());
            }
        }
        Err(LoginError::Call(StsError::Unexpected("the list of accounts does not end".into())))
    }

    async fn roles_of(&self, pace: &Pace, account_id: &str) -> Result<Vec<String>, LoginError> {
        let center = self.call.center;
        let (mut roles, mut next): (Vec<String>, Option<String>) = (Vec::new(), None);
        for _ in 0..MAX_PAGES {
            let request = async |token: &Secret| center.roles_page(token, account_id, next.clone()).await;
            let page: Page<String> = match self.paced(pace, request).await {
                // The user has lost access to the account since it was listed.
                Err(LoginError::Call(error)) if is_gone(&error) => return Ok(Vec::new()),
                page => page?,
            };
            roles.extend(page.items);
            next = page.next;
            if next.is_none() {
                return Ok(roles);
            }
        }
        Err(LoginError::Call(StsError::Unexpected("the list of roles does not end".into())))
    }

    /// Sends a request when the pace allows it, and retries it if the portal is busy or the call fails.
    async fn paced<T>(
        &self,
        pace: &Pace,
        request: impl AsyncFn(&Secret) -> Result<T, PageError>,
    ) -> Result<T, LoginError> {
        let mut failures = 0;
        loop {
            pace.turn().await;
            let token = current_token(self.call, self.session).await?;
            if !self.is_same_sign_in() {
                return Err(LoginError::Replaced);
            }
            match request(&token.access_token).await {
                Ok(answer) => {
                    pace.answered();
                    return Ok(answer);
                }
                Err(PageError { error, is_throttled: true, retry_after }) => {
                    if !pace.refused(retry_after) {
                        return Err(LoginError::Call(error));
                    }
                }
                Err(PageError { error, .. }) if error.is_code("UnauthorizedException") => {
                    return Err(LoginError::Ended(error));
                }
                Err(PageError { error, retry_after, .. }) => {
                    failures += 1;
                    if failures > MAX_FAILURES || !error.is_transient() || !pace.refused(retry_after) {
                        return Err(LoginError::Call(error));
                    }
                }
            }
        }
    }

    fn save(&self, catalog: &Catalog) {
        let Some((store, sign_in)) = self.catalogs.zip(self.sign_in.as_ref()) else { return };
        // arl would ignore a file of an earlier sign-in, but the next user could read in it what this user
        // was offered.
        if !self.is_same_sign_in() {
            return;
        }
        if let Err(error) = store.write(self.session, catalog, sign_in) {
            (self.call.warn)(&format!("could not cache the roles of IAM Identity Center: {error}"));
        }
    }
}

fn is_gone(error: &StsError) -> bool {
    error.is_code("ForbiddenException") || error.is_code("ResourceNotFoundException")
}

/// The catalog of a discovery that is under way. It is saved from time to time, and when the discovery ends.
struct Draft<'a> {
    running: &'a RunningDiscovery<'a>,
    catalog: RefCell<Catalog>,
    saved_at: Cell<Option<Instant>>,
    is_dirty: Cell<bool>,
    /// Whether there is a complete catalog in the cache, which only a complete one may replace.
    has_better: bool,
}

impl<'a> Draft<'a> {
    fn new(running: &'a RunningDiscovery<'a>, earlier: Earlier) -> Self {
        let is_complete = |catalog: Catalog| catalog.is_complete;
        let has_better =
            earlier == Earlier::Ignored && running.cached(Earlier::Used).is_some_and(is_complete);
        Self {
            running,
            catalog: RefCell::new(running.new_catalog()),
            saved_at: Cell::new(None),
            is_dirty: Cell::new(false),
            has_better,
        }
    }

    fn change(&self, change: impl FnOnce(&mut Catalog)) {
        let mut catalog = self.catalog.borrow_mut();
        change(&mut catalog);
        (self.running.on_progress)(catalog.known_accounts(), catalog.accounts.len());
        drop(catalog);
        self.is_dirty.set(true);
        if self.saved_at.get().is_none_or(|at| at.elapsed() >= SAVE_INTERVAL) {
            self.save();
        }
    }

    fn save(&self) {
        let catalog = self.catalog.borrow();
        if !self.is_dirty.replace(false) || (self.has_better && !catalog.is_complete) {
            return;
        }
        self.running.save(&catalog);
        self.saved_at.set(Some(Instant::now()));
    }

    fn finish(self, result: Result<(), LoginError>) -> Found {
        let error = result.err();
        // Another user has signed in, so the part that was found is not this user's.
        let catalog = match error {
            Some(LoginError::Replaced) => self.running.new_catalog(),
            _ => self.catalog.borrow().clone(),
        };
        Found { catalog, error }
    }
}

impl Drop for Draft<'_> {
    /// Saves the catalog, even if a signal ends the discovery.
    fn drop(&mut self) {
        self.save();
    }
}
