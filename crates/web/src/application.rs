//! The assembled application: finds the endpoint, runs it, and puts the common headers on every answer.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use arc_swap::ArcSwap;
use axum::body::{Body, HttpBody};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::access_log::{Observation, Watch};
use crate::call::{Call, Origin};
use crate::client_address::{ProxyTrust, client_ip};
use crate::endpoint::{Endpoint, Profile};
use crate::error::ApiError;
use crate::headers::BUILD;
use crate::leftover;
use crate::metrics::{HttpMetrics, UNMATCHED};
use crate::platform_codes::{METHOD_NOT_ALLOWED, NOT_FOUND, NOT_READY};
use crate::request_id::RequestIdentity;
use crate::unknown_path::PathOwners;
use crate::url_text::decode_path;

/// What a path that nobody answers gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// 404: the ordinary case.
    NotFound,
    /// 503 `not_ready`: only infrastructure routes are assembled yet (V6).
    NotReady,
}

/// All routes of all desks. Made by [`crate::assemble`].
pub struct Application {
    pub(crate) paths: matchit::Router<PathEntry>,
    pub(crate) owners: PathOwners,
    pub(crate) platform: Profile,
    pub(crate) trust: ProxyTrust,
    pub(crate) build: HeaderValue,
    pub(crate) http: HttpMetrics,
    pub(crate) unknown: Unknown,
}

/// The methods of one path template.
pub(crate) struct PathEntry {
    pub(crate) template: &'static str,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
    pub(crate) allow: HeaderValue,
}

enum Target<'a> {
    Endpoint(&'a Arc<Endpoint>, Vec<String>),
    Options(&'a PathEntry),
    WrongMethod(&'a PathEntry),
    Nothing,
}

impl Application {
    /// Answers one request. Always an answer, never an error.
    pub async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response {
        let started = Instant::now();
        let identity = RequestIdentity::from_headers(request.headers());
        let target = self.find(request.method(), request.uri().path());
        let watch = self.watch(&target, request.method());
        let line = (request.method(), request.uri());
        let observation = Observation::start(watch, started, identity.clone(), line, self.http.in_flight());
        let is_head = request.method() == Method::HEAD;
        let (request, leftover) = leftover::watch(request);
        let mut response = match target {
            Target::Endpoint(endpoint, parameters) => {
                self.run(endpoint, parameters, request, peer, &identity, started).await
            }
            Target::Options(entry) => self.options(entry, &request.into_parts().0.headers),
            Target::WrongMethod(entry) => {
                self.wrong_method(entry, request.into_parts().0.uri.path(), &identity)
            }
            Target::Nothing => self.nothing(request.into_parts().0.uri.path(), &identity),
        };
        let headers = response.headers_mut();
        leftover.settle(headers).await;
        identity.write_to(headers);
        headers.insert(BUILD, self.build.clone());
        if is_head {
            drop_body(&mut response);
        }
        observation.finish(response.status());
        response
    }

    fn find(&self, method: &Method, path: &str) -> Target<'_> {
        let Ok(found) = self.paths.at(path) else { return Target::Nothing };
        let mut parameters = Vec::new();
        for (_, value) in found.params.iter() {
            let Some(value) = decode_path(value) else { return Target::Nothing };
            parameters.push(value);
        }
        let entry = found.value;
        let of = |wanted: &Method| entry.endpoints.iter().find(|endpoint| endpoint.method == *wanted);
        let fallback = || if *method == Method::HEAD { of(&Method::GET) } else { None };
        match of(method).or_else(fallback) {
            Some(endpoint) => Target::Endpoint(endpoint, parameters),
            None if *method == Method::OPTIONS => Target::Options(entry),
            None => Target::WrongMethod(entry),
        }
    }

    fn watch(&self, target: &Target<'_>, method: &Method) -> Arc<Watch> {
        let template = match target {
            Target::Endpoint(endpoint, _) if endpoint.method == *method => {
                return Arc::clone(&endpoint.watch);
            }
            Target::Endpoint(endpoint, _) => endpoint.template,
            Target::Options(entry) | Target::WrongMethod(entry) => entry.template,
            Target::Nothing => UNMATCHED,
        };
        Arc::new(Watch { desk: "platform", metrics: self.http.endpoint(method, template, None) })
    }

    async fn run(
        &self,
        endpoint: &Arc<Endpoint>,
        parameters: Vec<String>,
        request: Request<Body>,
        peer: SocketAddr,
        identity: &RequestIdentity,
        started: Instant,
    ) -> Response {
        let (head, body) = request.into_parts();
        let asked_from = endpoint.profile.cors.origin(&head.headers);
        let origin = Origin {
            peer,
            client: client_ip(peer.ip(), &head.headers, &self.trust),
            through_proxy: self.trust.believes(peer.ip()),
        };
        let deadline = started + endpoint.answer_time_max;
        let (identity, own) = (identity.clone(), Arc::clone(endpoint));
        let call = Call { head, body, origin, identity, parameters, endpoint: own, deadline };
        let mut response = endpoint.run(call).await;
        let headers = response.headers_mut();
        endpoint.profile.headers.write_to(headers);
        endpoint.profile.cors.write_to(asked_from.as_ref(), headers);
        response
    }

    fn options(&self, entry: &PathEntry, request: &HeaderMap) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ALLOW, entry.allow.clone());
        self.platform.headers.write_to(headers);
        // A preflight is answered with the policy of the desk whose method it asks about.
        let wanted = request.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        let asked =
            |endpoint: &&Arc<Endpoint>| wanted.is_some_and(|method| method == endpoint.method.as_str());
        if let Some(endpoint) = entry.endpoints.iter().find(asked) {
            endpoint.profile.cors.write_preflight(request, headers, &entry.allow);
        }
        response
    }

    fn wrong_method(&self, entry: &PathEntry, path: &str, identity: &RequestIdentity) -> Response {
        let error = ApiError::of(&METHOD_NOT_ALLOWED).with_header(header::ALLOW, entry.allow.clone());
        self.refuse(path, identity, &error)
    }

    fn nothing(&self, path: &str, identity: &RequestIdentity) -> Response {
        let error = match self.unknown {
            Unknown::NotFound => ApiError::of(&NOT_FOUND),
            Unknown::NotReady => ApiError::of(&NOT_READY).with_retry_after(1),
        };
        self.refuse(path, identity, &error)
    }

    fn refuse(&self, path: &str, identity: &RequestIdentity, error: &ApiError) -> Response {
        let mut response = self.owners.envelope(path).render(error, identity.request_id());
        self.platform.headers.write_to(response.headers_mut());
        response
    }
}

/// `HEAD` answers with the headers of `GET` and no body.
fn drop_body(response: &mut Response) {
    if let Some(length) = response.body().size_hint().exact() {
        response.headers_mut().entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
}

/// A handle through which requests reach the application, and through which it can be replaced while serving.
#[derive(Clone)]
pub struct ApplicationHandle(Arc<ArcSwap<Application>>);

impl ApplicationHandle {
    /// A handle to an application.
    pub fn new(application: Application) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(application)))
    }

    /// Sends all requests from now on to another application; those in flight end with the old one.
    pub fn replace(&self, application: Application) {
        self.0.store(Arc::new(application));
    }

    /// Answers one request.
    pub async fn answer(&self, request: Request<Body>, peer: SocketAddr) -> Response {
        let application = self.0.load_full();
        application.answer(request, peer).await
    }
}

/// For tests and for nesting in other servers; the peer is taken from [`ConnectInfo`], else it is `0.0.0.0`.
impl tower::Service<Request<Body>> for ApplicationHandle {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let nobody = SocketAddr::from((IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map_or(nobody, |info| info.0);
        let handle = self.clone();
        async move { Ok(handle.answer(request, peer).await) }.boxed()
    }
}

impl From<ApplicationHandle> for axum::Router {
    fn from(handle: ApplicationHandle) -> Self {
        axum::Router::new().fallback_service(handle)
    }
}
