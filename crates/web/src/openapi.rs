//! The OpenAPI 3.1 description, made from the route table.

use serde_json::{Map, Value, json};

use crate::assembly::parameter_names;
use crate::envelope::Envelope;
use crate::operation::{Answer, Auth, Operation, Parameter, Place};
use crate::route::{Route, Surface};

/// The description of all surfaces, in a fixed order.
pub fn document(surfaces: &[Surface], version: &str) -> Value {
    let mut routes: Vec<(&Surface, &Route)> = surfaces
        .iter()
        .flat_map(|surface| surface.routes.iter().map(move |route| (surface, route)))
        .collect();
    routes.sort_by_key(|(_, route)| (route.path, method_key(route)));
    let mut paths = Map::new();
    let mut schemas = Map::new();
    let mut schemes = Map::new();
    for (surface, route) in routes {
        let envelope = route.envelope.unwrap_or(surface.envelope);
        schemas.insert(envelope.schema_name().to_owned(), envelope.schema());
        for auth in &route.operation.auth {
            if let Some((name, scheme)) = security_scheme(auth) {
                schemes.insert(name, scheme);
            }
        }
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(method_key(route), operation(surface.desk, envelope, route));
        }
    }
    for (name, schema) in surfaces.iter().flat_map(|surface| &surface.schemas) {
        schemas.insert((*name).to_owned(), schema.clone());
    }
    schemas.sort_keys();
    schemes.sort_keys();
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Bursar", "version": version},
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": schemes},
    })
}

fn method_key(route: &Route) -> String {
    route.method.as_str().to_ascii_lowercase()
}

fn operation(desk: &str, envelope: Envelope, route: &Route) -> Value {
    let told = &route.operation;
    let mut object = Map::new();
    object.insert("operationId".to_owned(), Value::from(told.id));
    object.insert("summary".to_owned(), Value::from(told.summary));
    if !told.description.is_empty() {
        object.insert("description".to_owned(), Value::from(told.description));
    }
    object.insert("tags".to_owned(), json!([desk]));
    object.insert("security".to_owned(), security(&told.auth));
    let parameters = parameters(route.path, told);
    if !parameters.is_empty() {
        object.insert("parameters".to_owned(), Value::from(parameters));
    }
    if let Some(schema) = &told.request {
        let content = json!({"application/json": {"schema": schema}});
        object.insert("requestBody".to_owned(), json!({"required": true, "content": content}));
    }
    object.insert("responses".to_owned(), responses(told, envelope));
    Value::Object(object)
}

/// The template's parameters first, then the described ones.
fn parameters(template: &str, told: &Operation) -> Vec<Value> {
    let described = |name: &str| {
        told.parameters.iter().any(|parameter| parameter.place == Place::Path && parameter.name == name)
    };
    let from_template = parameter_names(template)
        .filter(|name| !described(name))
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
    from_template.chain(told.parameters.iter().map(parameter)).collect()
}

fn parameter(parameter: &Parameter) -> Value {
    let place = match parameter.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let required = parameter.required || parameter.place == Place::Path;
    json!({"name": parameter.name, "in": place, "required": required, "schema": parameter.schema,
           "description": parameter.description})
}

/// Answers by status; several of one status are alternatives. Errors not listed have the desk's envelope, and are pages
/// too where the operation answers with a page.
fn responses(told: &Operation, envelope: Envelope) -> Value {
    let error = json!({"$ref": format!("#/components/schemas/{}", envelope.schema_name())});
    let is_page =
        |answer: &Answer| matches!(&answer.content, Some((kind, _)) if kind.starts_with("text/html"));
    let page = told.answers.iter().find(|answer| is_page(answer)).and_then(|answer| answer.content.clone());
    let errors: Vec<_> = page.into_iter().chain([("application/json", error)]).collect();
    let mut responses = Map::new();
    for answer in &told.answers {
        let status = answer.status.as_u16();
        let contents = match &answer.content {
            Some(content) => vec![content.clone()],
            None if status >= 400 => errors.clone(),
            None => Vec::new(),
        };
        let entry =
            responses.entry(status.to_string()).or_insert_with(|| json!({"description": answer.description}));
        let Some(entry) = entry.as_object_mut() else { continue };
        if entry.get("description").is_some_and(|known| known != answer.description) {
            let known = entry.get("description").and_then(Value::as_str).unwrap_or_default();
            let both = format!("{known} Or: {}", answer.description);
            entry.insert("description".to_owned(), Value::from(both));
        }
        for (kind, schema) in contents {
            let known = entry.entry("content").or_insert_with(|| json!({}));
            if let Some(known) = known.as_object_mut() {
                known.entry(kind).or_insert_with(|| json!({"schema": schema}));
            }
        }
    }
    let of_errors = errors.into_iter().map(|(kind, schema)| (kind.to_owned(), json!({"schema": schema})));
    let default = json!({"description": "Any other refusal.", "content": of_errors.collect::<Map<_, _>>()});
    responses.insert("default".to_owned(), default);
    Value::Object(responses)
}

fn security(auth: &[Auth]) -> Value {
    let ways = auth.iter().map(|auth| match security_scheme(auth) {
        Some((name, _)) => json!({name: []}),
        None => json!({}),
    });
    Value::from(ways.collect::<Vec<_>>())
}

/// The scheme's name and description; `None` when nothing outside the body is asked for.
fn security_scheme(auth: &Auth) -> Option<(String, Value)> {
    let in_header =
        |name: &str, told: &str| json!({"type": "apiKey", "in": "header", "name": name, "description": told});
    match auth {
        Auth::None | Auth::Signature(_) => None,
        Auth::ServiceKey(header) => Some((format!("key_{header}"), in_header(header, "Shared service key."))),
        Auth::SignedHeader(header) => Some((format!("signed_{header}"), in_header(header, "Signed data."))),
        Auth::Bearer(token) => Some((
            format!("bearer_{token}"),
            json!({"type": "http", "scheme": "bearer", "description": token}),
        )),
        Auth::Cookie(name) => {
            Some((format!("cookie_{name}"), json!({"type": "apiKey", "in": "cookie", "name": name})))
        }
        Auth::Operator(role) => Some((
            format!("operator_{role}"),
            json!({"type": "http", "scheme": "bearer", "description": format!("Operator token, role {role}.")}),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use axum::http::{Method, StatusCode};

    fn toy() -> Vec<Surface> {
        let join = Operation::new("toy_join", "Join.", Auth::ServiceKey("x-ops-key"))
            .or_auth(Auth::Bearer("ADMIN_TOKEN"))
            .query("dry", schema::boolean(), "Only check.")
            .request(schema::object([("stake", schema::integer())]))
            .answer(StatusCode::OK, "Joined.", schema::reference("Entry"))
            .refusal(StatusCode::CONFLICT, "Closed.");
        let list = Operation::new("toy_list", "List.", Auth::None);
        let mut surface = Surface::new("toy", Envelope::FlatRetry, 1_000)
            .route(Route::new(Method::POST, "/rounds/{id}", join, |_| async { Ok("") }))
            .route(Route::new(Method::GET, "/files/{*rest}", list, |_| async { Ok("") }));
        surface.schemas.push(("Entry", schema::object([("id", schema::string())])));
        vec![surface]
    }

    #[test]
    fn an_operation_is_described_whole() {
        let found = document(&toy(), "1.4.0");
        let error = json!({"application/json": {"schema": {"$ref": "#/components/schemas/FlatRetryError"}}});
        let expected = json!({
            "operationId": "toy_join",
            "summary": "Join.",
            "tags": ["toy"],
            "security": [{"key_x-ops-key": []}, {"bearer_ADMIN_TOKEN": []}],
            "parameters": [
                {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
                {"name": "dry", "in": "query", "required": false, "schema": {"type": "boolean"},
                 "description": "Only check."},
            ],
            "requestBody": {"required": true, "content": {"application/json": {"schema":
                {"type": "object", "properties": {"stake": {"type": "integer"}}, "required": ["stake"]}}}},
            "responses": {
                "200": {"description": "Joined.",
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Entry"}}}},
                "409": {"description": "Closed.", "content": error},
                "default": {"description": "Any other refusal.", "content": error},
            },
        });
        assert_eq!(found["paths"]["/rounds/{id}"]["post"], expected);
        assert_eq!(found["openapi"], "3.1.0");
        assert_eq!(found["info"], json!({"title": "Bursar", "version": "1.4.0"}));
        let names: Vec<&String> = found["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["Entry", "FlatRetryError"]);
    }

    #[test]
    fn the_refusals_of_a_page_are_pages_too() {
        let html = "text/html; charset=utf-8";
        let page = Operation::new("toy_page", "A page.", Auth::None)
            .answer_as(StatusCode::OK, "The page.", html, schema::string())
            .refusal(StatusCode::FORBIDDEN, "Not for you.");
        let route = Route::new(Method::GET, "/page", page, |_| async { Ok("") });
        let found = document(&[Surface::new("toy", Envelope::Flat, 1_000).route(route)], "1.4.0");
        let responses = &found["paths"]["/page"]["get"]["responses"];
        for status in ["403", "default"] {
            let content = responses[status]["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), ["application/json", html], "{status}");
        }
        assert_eq!(responses["200"]["content"].as_object().unwrap().len(), 1);
    }

    #[test]
    fn a_rest_parameter_and_an_open_operation() {
        let found = document(&toy(), "1.4.0");
        let list = &found["paths"]["/files/{rest}"]["get"];
        assert_eq!(list["security"], json!([{}]));
        assert_eq!(list["parameters"][0]["name"], "rest");
    }

    #[test]
    fn the_document_does_not_depend_on_the_order_of_desks() {
        let (mut forward, backward) = (toy(), toy());
        forward[0].routes.reverse();
        assert_eq!(document(&forward, "1").to_string(), document(&backward, "1").to_string());
    }
}
