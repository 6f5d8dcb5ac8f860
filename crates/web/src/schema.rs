//! Short words for the JSON Schemas that operations use.

use serde_json::{Map, Value, json};

/// Any text.
pub fn string() -> Value {
    json!({"type": "string"})
}

/// A text that is one of these.
pub fn one_of(values: &[&str]) -> Value {
    json!({"type": "string", "enum": values})
}

/// A whole number.
pub fn integer() -> Value {
    json!({"type": "integer"})
}

/// A whole number from `low` to `high`.
pub fn integer_between(low: i64, high: i64) -> Value {
    json!({"type": "integer", "minimum": low, "maximum": high})
}

/// Yes or no.
pub fn boolean() -> Value {
    json!({"type": "boolean"})
}

/// A list.
pub fn array(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

/// Something that may also be `null`.
pub fn nullable(schema: Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

/// A schema that a desk lists under this name.
pub fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// An object; a name that ends in `?` is optional.
pub fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        match name.strip_suffix('?') {
            Some(optional) => properties.insert(optional.to_owned(), schema),
            None => {
                required.push(name);
                properties.insert(name.to_owned(), schema)
            }
        };
    }
    json!({"type": "object", "properties": properties, "required": required})
}

/// An object with any fields of one kind.
pub fn map(values: Value) -> Value {
    json!({"type": "object", "additionalProperties": values})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_mark_makes_a_field_optional() {
        let schema = object([("id", string()), ("limit?", integer_between(1, 200))]);
        let expected = json!({
            "type": "object",
            "properties": {"id": {"type": "string"}, "limit": {"type": "integer", "minimum": 1, "maximum": 200}},
            "required": ["id"],
        });
        assert_eq!(schema, expected);
    }
}
