//! What the players' page needs of the desk: everything on it, read in one snapshot.

mod read;
mod view;

use std::sync::Arc;

use axum::http::HeaderValue;
use bursar_keys::KeyId;
use bursar_money::Amount;
use bursar_store::Tx;
use bursar_web::{ApiError, Call, clear_cookie};

pub use view::{Due, Funds, Gifts, Named, PageView, PlayerView, Session};

use super::{Product, Routes};
use crate::rules::session_token::{USER_COOKIE, UserClaims};

/// The desk as its page sees it. Clones are the same.
#[derive(Clone)]
pub struct PlayersPage(Arc<Routes>);

impl PlayersPage {
    /// The page of these routes.
    #[must_use]
    pub fn new(routes: &Arc<Routes>) -> PlayersPage {
        PlayersPage(Arc::clone(routes))
    }

    /// The community's texts.
    #[must_use]
    pub fn product(&self) -> &Product {
        &self.0.config.product
    }

    /// Whether visitors may sign in as the demonstration's player.
    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        self.0.demonstration().is_ok()
    }

    /// The session that a call carries; it is not checked yet.
    #[must_use]
    pub fn session_of(call: &Call) -> Option<String> {
        call.cookie(USER_COOKIE).filter(|token| !token.is_empty()).map(str::to_owned)
    }

    /// Name of the operator's wallet, and what the chain last said that it holds, in base units.
    #[must_use]
    pub fn operator_holds(&self) -> Option<(KeyId, Amount)> {
        let faucet = &self.0.faucet;
        faucet.balance.known().map(|seen| (faucet.operator.clone(), seen.settled))
    }

    /// What makes a browser forget its session.
    pub fn sign_out(&self) -> Result<HeaderValue, ApiError> {
        let unusable = std::io::Error::other("the name of the session's cookie cannot be sent");
        clear_cookie(USER_COOKIE, self.0.is_secure()).ok_or_else(|| ApiError::fault(&unusable))
    }

    /// Everything on the page, for whoever holds `session`. The chain is asked behind the answer: a node that is slow
    /// keeps nobody waiting.
    pub async fn read(&self, session: Option<String>) -> Result<PageView, ApiError> {
        let asking = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Err(error) = asking.balance().await {
                tracing::warn!(code = error.code(), "the operator's balance could not be asked for a page");
            }
        });
        let routes = Arc::clone(&self.0);
        let work = move |tx: &mut Tx<'_>| {
            let now = tx.reading()?;
            let claims = session.as_ref().map(|token| routes.sessions.read::<UserClaims>(token, now));
            let uid =
                claims.as_ref().and_then(|claims| claims.as_ref().ok()).map(|claims| claims.uid.clone());
            read::page(tx, &routes.faucet, (session.is_some(), uid.as_deref()), now)
        };
        self.0.faucet.platform.off_thread.read("faucet.page", work).await
    }
}
