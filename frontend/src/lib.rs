//! The browser's entry: hydrates the page that the server rendered.
#![recursion_limit = "256"]

/// Called by the page's loader once the WASM is there.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    js_sys::futures::spawn_local(async {
        let place = leptos::prelude::window().location();
        let (path, query) = (place.pathname(), place.search());
        app::preload(&path.unwrap_or_default(), &query.unwrap_or_default()).await;
        leptos::mount::hydrate_body(app::App);
    });
}
