//! The browser's entry: hydrates the page that the server rendered.
#![recursion_limit = "256"]

/// Room to split the data in. The splitter gives each part the data that it alone uses, each aligned anew,
/// and gives up (all of it goes to the first part, 20 kB more) when that takes more room than before. This is
/// data that no part uses: the linker keeps it, the splitter leaves it out.
#[used]
static ROOM: [u8; 2_048] = [1; 2_048];

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
