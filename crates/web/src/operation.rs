//! What the API description says about one operation.

use axum::http::StatusCode;
use serde_json::Value;

/// Who may call an operation. The handler enforces it, in its own order (H4); this is what is told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// Anybody.
    None,
    /// A shared key in the named header, such as `x-ops-key`.
    ServiceKey(&'static str),
    /// `Authorization: Bearer`; the text names the token, such as `ADMIN_TOKEN`.
    Bearer(&'static str),
    /// A session cookie of this name.
    Cookie(&'static str),
    /// An operator of the platform with at least this role.
    Operator(&'static str),
    /// Signed data in the named header, such as `x-telegram-init-data`.
    SignedHeader(&'static str),
    /// A signature or ticket inside the body or query; the text says over what.
    Signature(&'static str),
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path template.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// Whether it must be there.
    pub required: bool,
    /// Its JSON Schema.
    pub schema: Value,
    /// What it means.
    pub description: &'static str,
}

/// One possible answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// When it is given.
    pub description: &'static str,
    /// Content type and JSON Schema of the body; `None` for the desk's error envelope or no body.
    pub content: Option<(&'static str, Value)>,
}

/// The description of one operation, built step by step.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Unique name over all desks, such as `rounds_join`.
    pub id: &'static str,
    /// One line.
    pub summary: &'static str,
    /// More, in Markdown; may be empty.
    pub description: &'static str,
    /// Who may call it; several = any one of them suffices.
    pub auth: Vec<Auth>,
    /// Parameters beside the path's, which are added from the template when not described.
    pub parameters: Vec<Parameter>,
    /// JSON Schema of the body, if there is one.
    pub request: Option<Value>,
    /// The answers.
    pub answers: Vec<Answer>,
}

impl Operation {
    /// An operation that `auth` may call.
    pub fn new(id: &'static str, summary: &'static str, auth: Auth) -> Self {
        Self {
            id,
            summary,
            description: "",
            auth: vec![auth],
            parameters: Vec::new(),
            request: None,
            answers: Vec::new(),
        }
    }

    /// Adds a longer description.
    #[must_use]
    pub fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Adds another way to be allowed.
    #[must_use]
    pub fn or_auth(mut self, auth: Auth) -> Self {
        self.auth.push(auth);
        self
    }

    /// Adds an optional query parameter.
    #[must_use]
    pub fn query(self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.parameter(Parameter { name, place: Place::Query, required: false, schema, description })
    }

    /// Adds a query parameter that must be there.
    #[must_use]
    pub fn required_query(self, name: &'static str, schema: Value, description: &'static str) -> Self {
        self.parameter(Parameter { name, place: Place::Query, required: true, schema, description })
    }

    /// Adds a parameter of any kind.
    #[must_use]
    pub fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Sets the schema of the JSON body.
    #[must_use]
    pub fn request(mut self, schema: Value) -> Self {
        self.request = Some(schema);
        self
    }

    /// Adds an answer with a JSON body.
    #[must_use]
    pub fn answer(self, status: StatusCode, description: &'static str, schema: Value) -> Self {
        self.answer_as(status, description, "application/json", schema)
    }

    /// Adds an answer with a body of another type.
    #[must_use]
    pub fn answer_as(
        mut self,
        status: StatusCode,
        description: &'static str,
        content_type: &'static str,
        schema: Value,
    ) -> Self {
        self.answers.push(Answer { status, description, content: Some((content_type, schema)) });
        self
    }

    /// Adds a refusal, whose body is the desk's error envelope.
    #[must_use]
    pub fn refusal(mut self, status: StatusCode, description: &'static str) -> Self {
        self.answers.push(Answer { status, description, content: None });
        self
    }
}
