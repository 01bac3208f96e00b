//! The dashboard's pages, their server functions and files, and the login.

use std::sync::{Arc, LazyLock};

use axum::{
    Form, Router,
    extract::{FromRef, State},
    http::{HeaderValue, Uri, header},
    response::{AppendHeaders, IntoResponse, Redirect, Response},
    routing,
};
use engine::Engine;
use leptos::prelude::{LeptosOptions, provide_context};
use leptos_axum::{AxumRouteListing, LeptosRoutes};
use serde::Deserialize;
use tower_http::services::ServeDir;

use crate::{
    config::Serve,
    edge::{COOKIE, Edge},
};

#[derive(Clone, Debug)]
struct Pages {
    options: LeptosOptions,
    edge: Arc<Edge>,
}

impl FromRef<Pages> for LeptosOptions {
    fn from_ref(pages: &Pages) -> Self {
        pages.options.clone()
    }
}

/// The addresses of the pages. Made once: while leptos makes this list, no page of the whole process
/// may load anything, and one that begins to waits forever
/// (<https://github.com/leptos-rs/leptos/issues/4773>).
static ROUTES: LazyLock<Vec<AxumRouteListing>> =
    LazyLock::new(|| leptos_axum::generate_route_list(app::App));

/// The pages, their server functions, and the login.
pub fn router(engine: Engine, config: &Serve, edge: Arc<Edge>) -> Router {
    let options = options(config);
    let context = move || provide_context(engine.clone());
    let shell = {
        let options = options.clone();
        move || app::shell(options.clone())
    };
    let call = {
        let context = context.clone();
        move |request| leptos_axum::handle_server_fns_with_context(context.clone(), request)
    };
    Router::new()
        .route("/_fn/{*name}", routing::post(call))
        .route("/login", routing::post(login))
        .leptos_routes_with_context(
            &Pages { options: options.clone(), edge: Arc::clone(&edge) },
            ROUTES.clone(),
            context.clone(),
            shell,
        )
        .fallback(leptos_axum::file_and_error_handler_with_context::<Pages, _>(context, app::shell))
        .with_state(Pages { options, edge })
}

/// The script, the WASM and the style: their names change with their content.
pub fn files(config: &Serve) -> Router {
    let files =
        ServeDir::new(config.site_dir().join("pkg")).precompressed_br().precompressed_gzip();
    Router::new().nest_service("/pkg", files).layer(axum::middleware::map_response(keep))
}

async fn keep(mut response: Response) -> Response {
    if response.status().is_success() {
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
    }
    response
}

/// The hashes in the names of the site's files, which cargo-leptos writes beside the program.
static HASHES: LazyLock<Option<String>> = LazyLock::new(|| {
    let hashes = std::env::current_exe().ok()?.parent()?.join("hash.txt");
    std::fs::read_to_string(hashes).ok()
});

/// Names the build: other files of the site, other name.
pub static BUILD: LazyLock<String> = LazyLock::new(|| {
    let wasm = HASHES
        .as_deref()
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("wasm: ")).map(str::trim));
    wasm.unwrap_or(env!("CARGO_PKG_VERSION")).to_owned()
});

/// How cargo-leptos built the site.
fn options(config: &Serve) -> LeptosOptions {
    // Where `cargo leptos watch` tells pages to load themselves again; it alone sets this.
    let reload_port = std::env::var("LEPTOS_RELOAD_PORT").ok().and_then(|port| port.parse().ok());
    LeptosOptions::builder()
        .output_name("swell")
        .reload_port(reload_port.unwrap_or(3848))
        .site_root(config.site_dir().to_string_lossy().into_owned())
        .site_pkg_dir("pkg")
        .site_addr(config.listen)
        .hash_files(HASHES.is_some())
        .build()
}

#[derive(Deserialize)]
struct Login {
    token: String,
    #[serde(default)]
    next: String,
}

/// Gives a person who shows the token a cookie.
async fn login(State(pages): State<Pages>, Form(login): Form<Login>) -> Response {
    // Only a path of this server: not another origin, also not one that a browser reads as one.
    let next = Some(&*login.next)
        .filter(|next| {
            next.starts_with('/') && !next.starts_with("//") && !next.contains(['\\', '\r', '\n'])
        })
        .filter(|next| next.parse::<Uri>().is_ok())
        .unwrap_or("/");
    if !pages.edge.is_token(login.token.trim()) {
        return Redirect::to("/login?error=1").into_response();
    }
    let cookie = format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000",
        pages.edge.cookie_value()
    );
    (AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(next)).into_response()
}
