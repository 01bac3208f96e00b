//! The document around the app, and the headers that bind it: one nonce a response, no inline code
//! or style but Leptos' own scripts that carry it.

use axum::http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST},
    request::Parts,
};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;
use leptos_meta::{HashedStylesheet, MetaTags};

use crate::{App, theme};

/// The whole HTML document. Call it once per response, inside the response's context: it also sets
/// the response's `Content-Security-Policy`.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    guard();
    let theme = theme::initial();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme.as_str()>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <meta name="description" content="Swell orchestrates parallel coding agents in waves."/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone() id="leptos"/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Sets the headers of a page.
fn guard() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else {
        return;
    };
    let host = use_context::<Parts>()
        .and_then(|parts| parts.headers.get(HOST)?.to_str().ok().map(str::to_owned))
        .filter(|host| is_host(host));
    if let Ok(policy) = HeaderValue::from_str(&policy(&nonce, host.as_deref())) {
        response.insert_header(CONTENT_SECURITY_POLICY, policy);
    }
    response.insert_header(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

/// The policy. `'self'` stands beside the nonce for the WASM loader's `modulepreload` and `import`;
/// the socket is named because older browsers do not count it to `'self'`.
fn policy(nonce: &str, host: Option<&str>) -> String {
    let socket = host.map(|host| format!(" ws://{host} wss://{host}")).unwrap_or_default();
    let reload = if std::env::var_os("LEPTOS_WATCH").is_some() {
        " ws://127.0.0.1:* ws://localhost:*"
    } else {
        ""
    };
    format!(
        "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; connect-src 'self'{socket}{reload}; base-uri 'none'; object-src 'none'; \
         frame-ancestors 'none'; form-action 'self'"
    )
}

/// Whether a `Host` header may stand in the policy as it is.
fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-' | b'[' | b']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nothing_inline_without_the_nonce() {
        let policy = policy("abc", Some("127.0.0.1:3847"));
        assert!(policy.contains("script-src 'self' 'nonce-abc' 'wasm-unsafe-eval';"));
        assert!(policy.contains("connect-src 'self' ws://127.0.0.1:3847 wss://127.0.0.1:3847"));
        assert!(!policy.contains("unsafe-inline"));
    }

    #[test]
    fn a_host_cannot_add_to_the_policy() {
        assert!(is_host("[::1]:3847"));
        assert!(!is_host("a; script-src *"));
        assert!(!is_host(""));
    }
}
