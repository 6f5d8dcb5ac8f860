//! The HTTP kit of all desks: routes, envelopes, client addresses, limits, metrics, API description, serving.
//!
//! A desk describes its routes in a [`Surface`]; [`assemble`] puts all surfaces together and refuses clashes;
//! [`serve`] serves the result. Nothing in front of the desks limits, authenticates or refuses (H4): a handler
//! gets a [`Call`] of which only the head was read, and runs its guards in its own order.

mod access_log;
mod application;
mod assembly;
pub mod body;
mod call;
mod client_address;
mod cookies;
mod cors;
mod documentation;
mod endpoint;
mod envelope;
mod error;
mod error_code;
mod headers;
mod idempotency;
pub mod infrastructure;
mod keys;
mod leftover;
mod live_secret;
pub mod metrics;
mod openapi;
mod operation;
pub mod platform_codes;
mod request_id;
mod route;
pub mod schema;
mod serve;
pub mod strict_json;
mod unknown_path;
mod url_text;

pub use application::{Application, ApplicationHandle, Unknown};
pub use assembly::{AssemblyError, Host, assemble};
pub use call::{Call, Origin};
pub use client_address::{ProxyTrust, client_ip};
pub use cookies::{clear_cookie, cookie, set_cookie};
pub use cors::CorsPolicy;
pub use envelope::{Envelope, nested_success};
pub use error::ApiError;
pub use error_code::{ErrorCode, ErrorCodeConflict, ErrorRegistry, error_page};
pub use headers::{DEFAULT_CONTENT_SECURITY_POLICY, HeaderPolicy};
pub use idempotency::{idempotency_key, key_reused, request_hash};
pub use keys::{KeyCheck, ServiceKey, bearer, bearer_or_api_key};
pub use live_secret::{CallerSecret, LiveSecret};
pub use openapi::document as openapi_document;
pub use operation::{Answer, Auth, Operation, Parameter, Place};
pub use request_id::RequestIdentity;
pub use route::{Handler, Route, Surface};
pub use serve::{Drained, ServeLimits, serve};
