//! Putting the desks' surfaces together into one application.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::http::{HeaderValue, Method};

use crate::access_log::Watch;
use crate::application::{Application, PathEntry, Unknown};
use crate::client_address::ProxyTrust;
use crate::documentation;
use crate::endpoint::{Endpoint, Profile};
use crate::envelope::Envelope;
use crate::error_code::{ErrorCodeConflict, ErrorRegistry};
use crate::headers::HeaderPolicy;
use crate::metrics::HttpMetrics;
use crate::route::{Route, Surface};
use crate::unknown_path::PathOwners;

/// What the whole host has in common.
#[derive(Clone)]
pub struct Host {
    /// Whose word about client addresses is believed.
    pub trust: ProxyTrust,
    /// The version, as in `/healthz`.
    pub version: String,
    /// The build commit, sent as `X-Bursar-Build`.
    pub commit: String,
    /// The metrics of all routes.
    pub http: HttpMetrics,
    /// What unknown paths get.
    pub unknown: Unknown,
    /// The headers of answers that belong to no desk, and of the documentation.
    pub headers: HeaderPolicy,
    /// Whether to add `/openapi.json` and `/docs`.
    pub documentation: bool,
}

/// Why the surfaces do not fit together. All are mistakes in the program, found at start.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AssemblyError {
    /// Two routes with one method and path (H3).
    #[error("{method} {path} is registered by `{first}` and by `{second}`; only one may answer it")]
    RouteTwice {
        /// The method.
        method: Method,
        /// The path template.
        path: &'static str,
        /// The desk that came first.
        first: &'static str,
        /// The desk that came second.
        second: &'static str,
    },
    /// A template that is malformed, or clashes with another one.
    #[error("path template {path} of `{desk}` cannot be registered: {reason}")]
    Template {
        /// The template.
        path: &'static str,
        /// The desk.
        desk: &'static str,
        /// Why.
        reason: String,
    },
    /// Two operations with one id.
    #[error("operation id `{id}` is used by {first} and by {second}; ids are unique over all desks")]
    OperationTwice {
        /// The id.
        id: &'static str,
        /// The path that came first.
        first: &'static str,
        /// The path that came second.
        second: &'static str,
    },
    /// Two named schemas with one name.
    #[error("schema `{0}` is named by two desks; put the desk's name in front")]
    SchemaTwice(&'static str),
    /// The commit cannot stand in a header.
    #[error("build commit `{0}` is not visible ASCII")]
    Commit(String),
    /// Error codes that clash.
    #[error(transparent)]
    Code(#[from] ErrorCodeConflict),
}

/// Puts all surfaces together.
///
/// # Errors
/// [`AssemblyError`], such as two desks that answer one method and path.
pub fn assemble(mut surfaces: Vec<Surface>, host: Host) -> Result<Application, AssemblyError> {
    let errors = registered_errors(&surfaces)?;
    if host.documentation {
        surfaces.push(documentation::surface(&surfaces, &host, errors));
    }
    refuse_repeated_names(&surfaces)?;
    let owners = PathOwners::of(&surfaces);
    let mut entries: BTreeMap<&'static str, Vec<Arc<Endpoint>>> = BTreeMap::new();
    for surface in surfaces {
        add_surface(&mut entries, surface, &host.http)?;
    }
    let mut paths = matchit::Router::new();
    for (template, endpoints) in entries {
        let desk = endpoints.first().map_or("", |endpoint| endpoint.watch.desk);
        let allow = allowed_methods(&endpoints);
        let inserted = paths.insert(template, PathEntry { template, endpoints, allow });
        inserted.map_err(|error| template_error(template, desk, &error))?;
    }
    let build =
        HeaderValue::try_from(&host.commit).map_err(|_| AssemblyError::Commit(host.commit.clone()))?;
    let platform =
        Profile { envelope: Envelope::Union, headers: Arc::new(host.headers), cors: Arc::default() };
    let Host { trust, http, unknown, .. } = host;
    Ok(Application { paths, owners, platform, trust, build, http, unknown })
}

fn registered_errors(surfaces: &[Surface]) -> Result<ErrorRegistry, ErrorCodeConflict> {
    let mut registry = ErrorRegistry::new();
    for surface in surfaces {
        registry.register(surface.desk, surface.errors)?;
    }
    Ok(registry)
}

fn refuse_repeated_names(surfaces: &[Surface]) -> Result<(), AssemblyError> {
    let mut operations = HashMap::new();
    let mut schemas = HashMap::new();
    for surface in surfaces {
        for route in &surface.routes {
            let (id, second) = (route.operation.id, route.path);
            if let Some(first) = operations.insert(id, second) {
                return Err(AssemblyError::OperationTwice { id, first, second });
            }
        }
        for (name, _) in &surface.schemas {
            if schemas.insert(*name, ()).is_some() {
                return Err(AssemblyError::SchemaTwice(name));
            }
        }
    }
    Ok(())
}

fn add_surface(
    entries: &mut BTreeMap<&'static str, Vec<Arc<Endpoint>>>,
    mut surface: Surface,
    http: &HttpMetrics,
) -> Result<(), AssemblyError> {
    let profile = Profile {
        envelope: surface.envelope,
        headers: Arc::new(surface.headers.clone()),
        cors: Arc::new(surface.cors.clone()),
    };
    for route in std::mem::take(&mut surface.routes) {
        let endpoints = entries.entry(route.path).or_default();
        if let Some(present) = endpoints.iter().find(|endpoint| endpoint.method == route.method) {
            let (first, second) = (present.watch.desk, surface.desk);
            return Err(AssemblyError::RouteTwice { method: route.method, path: route.path, first, second });
        }
        endpoints.push(Arc::new(endpoint(route, &surface, &profile, http)));
    }
    Ok(())
}

fn endpoint(route: Route, surface: &Surface, profile: &Profile, http: &HttpMetrics) -> Endpoint {
    let metrics = http.endpoint(&route.method, route.path, surface.duration_by_status.clone());
    Endpoint {
        method: route.method,
        template: route.path,
        parameter_names: parameter_names(route.path).map(str::to_owned).collect(),
        handler: route.handler,
        body_bytes_max: route.body_bytes_max.unwrap_or(surface.body_bytes_max),
        body_time_max: surface.body_time_max,
        answer_time_max: route.answer_time_max.unwrap_or(surface.answer_time_max),
        profile: Profile { envelope: route.envelope.unwrap_or(profile.envelope), ..profile.clone() },
        watch: Arc::new(Watch { desk: surface.desk, metrics }),
    }
}

/// The names between braces in a template; `{*rest}` is named `rest`.
pub(crate) fn parameter_names(template: &str) -> impl Iterator<Item = &str> {
    template
        .split('{')
        .skip(1)
        .filter_map(|part| part.split_once('}'))
        .map(|(name, _)| name.trim_start_matches('*'))
}

fn allowed_methods(endpoints: &[Arc<Endpoint>]) -> HeaderValue {
    let mut methods: Vec<&str> = endpoints.iter().map(|endpoint| endpoint.method.as_str()).collect();
    methods.push("OPTIONS");
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.dedup();
    HeaderValue::try_from(methods.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn template_error(path: &'static str, desk: &'static str, error: &matchit::InsertError) -> AssemblyError {
    AssemblyError::Template { path, desk, reason: error.to_string() }
}
