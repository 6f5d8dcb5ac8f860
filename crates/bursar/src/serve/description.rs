//! The API's description without a server: every route is assembled over a scratch database that holds the schema alone.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use bursar_web::{Application, ErrorRegistry};

use super::StartFault;
use super::opening::{Opening, set_up};
use crate::config::{Source, load};
use crate::host::{Desks, open};

/// The largest description, in bytes.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What the server says about itself.
pub(crate) struct Description {
    /// The OpenAPI document.
    pub openapi: serde_json::Value,
    /// Every error code with its page.
    pub errors: ErrorRegistry,
}

/// Describes every desk of this build.
pub(crate) fn describe() -> Result<Description, StartFault> {
    let folder = tempfile::tempdir().map_err(|error| set_up(&error))?;
    let database = format!("sqlite:{}", folder.path().join("description.db").display());
    let environment = [("DATABASE_URL", database.as_str()), ("BURSAR_ENV", "test")];
    let environment: BTreeMap<String, String> =
        environment.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let configuration = load(&Source::new(environment))?;
    let desks = Desks::new(&configuration);
    let store = Arc::new(open(&configuration)?);
    store.migrate(&desks.migrations(store.kind())).map_err(|error| set_up(&error))?;
    let (surfaces, application) = Opening::new(configuration, store, desks)?.describe()?;
    let mut errors = ErrorRegistry::new();
    for surface in &surfaces {
        errors.register(surface.desk, surface.errors).map_err(|error| set_up(&error))?;
    }
    Ok(Description { openapi: openapi(&application)?, errors })
}

/// Asks the application itself, so that the text is the one that a server gives.
fn openapi(application: &Application) -> Result<serde_json::Value, StartFault> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let request = Request::get("/openapi.json").body(Body::empty()).map_err(|error| set_up(&error))?;
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    runtime.map_err(|error| set_up(&error))?.block_on(async {
        let answer = application.answer(request, nobody).await;
        let text = to_bytes(answer.into_body(), BYTES_MAX).await.map_err(|error| set_up(&error))?;
        serde_json::from_slice(&text).map_err(|error| set_up(&error))
    })
}
