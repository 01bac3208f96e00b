//! Schemas of tools from the OpenAPI document: one object of arguments, with the definitions it refers to.

use std::collections::BTreeSet;

use rmcp::model::JsonObject;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

const COMPONENTS: &str = "#/components/schemas/";

/// The document's schemas.
pub struct Schemas {
    document: Value,
}

impl Schemas {
    pub fn of(document: &OpenApi) -> Self {
        Self { document: serde_json::to_value(document).unwrap_or_default() }
    }

    /// Path, query and body of an operation as one object; `argument` renames parameters, or leaves them out.
    pub fn input<'a>(
        &'a self,
        path: &str,
        method: &str,
        argument: impl Fn(&'a str) -> Option<&'a str>,
    ) -> JsonObject {
        let operation = &self.document["paths"][path][method];
        let mut properties = Map::new();
        let mut required = BTreeSet::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if !matches!(parameter["in"].as_str(), Some("path" | "query")) {
                continue;
            }
            let Some(name) = argument(parameter["name"].as_str().unwrap_or_default()) else {
                continue;
            };
            let mut schema = parameter["schema"].clone();
            if let (Some(schema), Some(about)) =
                (schema.as_object_mut(), parameter["description"].as_str())
            {
                schema.insert("description".to_owned(), json!(about));
            }
            properties.insert(name.to_owned(), schema);
            if parameter["required"] == true {
                required.insert(name.to_owned());
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        // One that may be left out is `oneOf` it and null.
        let body = if body["oneOf"].is_array() { &body["oneOf"][0] } else { body };
        let body = self.resolved(body);
        for (name, schema) in body["properties"].as_object().into_iter().flatten() {
            properties.entry(name.clone()).or_insert_with(|| schema.clone());
        }
        for name in body["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            required.insert(name.to_owned());
        }
        self.whole(json!({
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        }))
    }

    /// What an operation answers when all goes well.
    pub fn output(&self, path: &str, method: &str) -> JsonObject {
        let responses = &self.document["paths"][path][method]["responses"];
        let good = ["200", "201"].into_iter().find(|status| responses[status].is_object());
        let schema = &responses[good.unwrap_or_default()]["content"]["application/json"]["schema"];
        self.whole(self.resolved(schema).clone())
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str().and_then(|name| name.strip_prefix(COMPONENTS)) {
            Some(name) => &self.document["components"]["schemas"][name],
            None => schema,
        }
    }

    /// With the definitions that it refers to, directly or not.
    fn whole(&self, mut schema: Value) -> JsonObject {
        let mut wanted = Vec::new();
        relink(&mut schema, &mut wanted);
        let mut definitions = Map::new();
        while let Some(name) = wanted.pop() {
            if definitions.contains_key(&name) {
                continue;
            }
            let mut definition = self.document["components"]["schemas"][&name].clone();
            relink(&mut definition, &mut wanted);
            definitions.insert(name, definition);
        }
        let Value::Object(mut schema) = schema else { return JsonObject::new() };
        if !definitions.is_empty() {
            schema.insert("$defs".to_owned(), Value::Object(definitions));
        }
        schema
    }
}

/// Makes references point into `$defs`, and names them.
fn relink(schema: &mut Value, wanted: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "$ref"
                    && let Some(target) = value.as_str().and_then(|it| it.strip_prefix(COMPONENTS))
                {
                    wanted.push(target.to_owned());
                    *value = json!(format!("#/$defs/{target}"));
                } else {
                    relink(value, wanted);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| relink(item, wanted)),
        _ => {}
    }
}
