//! What a stand-in is, apart from HTTP: requests in, responses out.

use serde_json::Value;

/// A stand-in's protocol and what it knows.
pub trait Service: Send + 'static {
    /// What a request asks for; names it in faults and counts.
    fn operation(&self, request: &Request) -> &'static str;

    /// Does what the request asks for.
    fn answer(&mut self, request: &Request) -> Response;
}

/// A request, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Such as `GET`.
    pub method: String,
    /// Without query, as sent.
    pub path: String,
    /// Without question mark, as sent.
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; empty when there is none.
    pub body: String,
}

impl Request {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The token of an `Authorization: Bearer` header.
    #[must_use]
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }

    /// A decoded value of the query.
    #[must_use]
    pub fn query_value(&self, name: &str) -> Option<String> {
        value_in(&self.query, name)
    }

    /// A decoded value of a form body.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<String> {
        value_in(&self.body, name)
    }
}

fn value_in(encoded: &str, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(encoded.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What comes back of a request that goes well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Headers, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Response {
    /// A JSON body.
    #[must_use]
    pub fn json(status: u16, body: &Value) -> Response {
        Response::typed(status, "application/json", body.to_string())
    }

    /// A body of the given content type.
    #[must_use]
    pub fn typed(status: u16, content_type: &str, body: String) -> Response {
        Response { status, headers: vec![("content-type", content_type.to_owned())], body }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(location: String) -> Response {
        Response { status: 302, headers: vec![("location", location)], body: String::new() }
    }
}
