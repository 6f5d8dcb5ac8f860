//! The faucet's administrators on the routes of incidents, which several desks share (docs/spec/platform.md H19).

use std::sync::Arc;

use bursar_access::ServicePrincipal;
use bursar_desk::incident::{IncidentGuard, Verdict};
use bursar_web::{ApiError, Auth, Call};
use futures_util::FutureExt;

use super::Routes;
use crate::DESK;
use crate::rules::session_token::ADMIN_COOKIE;

/// Lets in whoever has an administrator's session. A call without the faucet's cookie is another desk's to judge.
#[must_use]
pub fn incident_guard(routes: &Arc<Routes>) -> IncidentGuard {
    let routes = Arc::clone(routes);
    let admit = move |call: &Call| {
        let routes = Arc::clone(&routes);
        let client = call.client();
        let token = call.cookie(ADMIN_COOKIE).map(str::to_owned);
        async move {
            let Some(token) = token else { return Ok(Verdict::NotMine) };
            let now = routes.limiter.pass(client).await?;
            let admin = routes.admin_of(&token, now).await?;
            Ok::<_, ApiError>(Verdict::Admitted(ServicePrincipal::new(DESK, &admin.principal())))
        }
        .boxed()
    };
    IncidentGuard { desk: DESK, auth: Auth::Cookie(ADMIN_COOKIE), admit: Arc::new(admit) }
}
