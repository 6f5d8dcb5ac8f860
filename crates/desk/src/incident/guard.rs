//! How a desk lets its own admins at its incidents: by a scheme that only the desk knows.

use std::sync::Arc;

use bursar_access::ServicePrincipal;
use bursar_web::{ApiError, Auth, Call};
use futures_util::future::BoxFuture;

/// What a desk's scheme says about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It carries none of this scheme's credentials: another desk's scheme may know it.
    NotMine,
    /// This admin sends it.
    Admitted(ServicePrincipal),
}

/// Judges the head of a request. It counts limits and records refusals by itself, in the desk's own order and style, and
/// ends in an error when the credentials are of this scheme and not valid. What it needs of the call it takes before it
/// returns; nothing is done before the future is awaited.
pub type Admit = Arc<dyn Fn(&Call) -> BoxFuture<'static, Result<Verdict, ApiError>> + Send + Sync>;

/// The admins of one desk on the routes of incidents, which several desks share.
#[derive(Clone)]
pub struct IncidentGuard {
    /// The one desk whose incidents they see and change.
    pub desk: &'static str,
    /// What the API description says about the scheme.
    pub auth: Auth,
    /// The scheme.
    pub admit: Admit,
}
