//! `/api/docs`: the OpenAPI document as one page of plain HTML, without scripts or anything from
//! elsewhere.

use std::fmt::Write;

use axum::{
    http::header,
    response::{AppendHeaders, Html, IntoResponse},
};
use serde_json::Value;
use utoipa::openapi::OpenApi;

/// A rendered page.
#[derive(Clone, Debug)]
pub struct Page(std::sync::Arc<str>);

impl IntoResponse for Page {
    fn into_response(self) -> axum::response::Response {
        let policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'";
        (AppendHeaders([(header::CONTENT_SECURITY_POLICY, policy)]), Html(self.0.to_string()))
            .into_response()
    }
}

/// Renders the document.
#[must_use]
pub fn page(api: &OpenApi) -> Page {
    let document = serde_json::to_value(api).unwrap_or_default();
    let mut html = String::from(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>API · Swell</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <link rel=\"icon\" href=\"/favicon.svg\"><link rel=\"stylesheet\" href=\"/docs.css\"></head><body><main>",
    );
    let info = &document["info"];
    let _ = write!(
        html,
        "<h1>Swell API <small>{}</small></h1><p>{}</p><p><a href=\"/\">Dashboard</a> · \
         <a href=\"/api/openapi.json\">openapi.json</a></p><nav aria-label=\"Sections\"><ul>",
        text(&info["version"]),
        text(&info["description"])
    );
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    for tag in &tags {
        let _ = write!(html, "<li><a href=\"#{0}\">{0}</a></li>", text(&tag["name"]));
    }
    html.push_str("</ul></nav>");
    for tag in &tags {
        let _ = write!(
            html,
            "<section id=\"{0}\" aria-labelledby=\"h-{0}\"><h2 id=\"h-{0}\">{0}</h2><p>{1}</p>",
            text(&tag["name"]),
            text(&tag["description"])
        );
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag["name"] {
                    operation_html(&mut html, path, method, operation);
                }
            }
        }
        html.push_str("</section>");
    }
    html.push_str(
        "<section id=\"schemas\" aria-labelledby=\"h-schemas\"><h2 id=\"h-schemas\">schemas</h2>",
    );
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        let pretty = serde_json::to_string_pretty(schema).unwrap_or_default();
        let _ = write!(
            html,
            "<details id=\"schema-{0}\"><summary><code>{0}</code> {1}</summary><pre tabindex=\"0\">{2}</pre></details>",
            escape(name),
            text(&schema["description"]),
            escape(&pretty)
        );
    }
    html.push_str("</section></main></body></html>");
    Page(html.into())
}

fn operation_html(html: &mut String, path: &str, method: &str, operation: &Value) {
    let _ = write!(
        html,
        "<article><h3><b class=\"method {0}\">{1}</b> <code>{2}</code></h3><p><strong>{3}.</strong> {4}</p>",
        escape(method),
        escape(&method.to_uppercase()),
        escape(path),
        text(&operation["summary"]),
        text(&operation["description"])
    );
    let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
    if !parameters.is_empty() {
        html.push_str("<h4>Parameters</h4><ul>");
        for parameter in &parameters {
            let _ = write!(
                html,
                "<li><code>{}</code> <i>({})</i> {}</li>",
                text(&parameter["name"]),
                text(&parameter["in"]),
                text(&parameter["description"])
            );
        }
        html.push_str("</ul>");
    }
    if let Some(schema) = operation["requestBody"]["content"]["application/json"].get("schema") {
        let _ = write!(html, "<h4>Body</h4><p>{}</p>", schema_link(schema));
    }
    html.push_str("<h4>Answers</h4><ul>");
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        let schema = response["content"]
            .as_object()
            .and_then(|content| content.values().next())
            .map(|media| &media["schema"]);
        let _ = write!(
            html,
            "<li><code>{}</code> {} {}</li>",
            escape(status),
            text(&response["description"]),
            schema.map(schema_link).unwrap_or_default()
        );
    }
    html.push_str("</ul></article>");
}

/// A link to the schema that this one names, directly or as one of several.
fn schema_link(schema: &Value) -> String {
    let reference = schema["$ref"]
        .as_str()
        .or_else(|| schema["oneOf"].as_array()?.iter().find_map(|one| one["$ref"].as_str()));
    let name = reference.and_then(|reference| reference.rsplit('/').next()).map(escape);
    name.map(|name| format!("<a href=\"#schema-{name}\"><code>{name}</code></a>"))
        .unwrap_or_default()
}

fn text(value: &Value) -> String {
    escape(value.as_str().unwrap_or_default())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
