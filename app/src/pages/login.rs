//! `/login`: the token, once, for a server that asks for one. A plain form, so that it works
//! without WASM and the token stays out of scripts; the server answers it with a cookie.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// The login form. `?error` says that the last token was wrong; `?next` is where to go after.
#[component]
pub fn LoginPage() -> impl IntoView {
    let query = use_query_map();
    let wrong = move || query.read().get("error").is_some();
    let next = move || query.read().get("next").unwrap_or_else(|| "/".to_owned());
    view! {
        <Title text="Log in"/>
        <section class="login" aria-labelledby="login-title">
            <h1 id="login-title">"Log in"</h1>
            <p>"This Swell is reachable from elsewhere, so it asks for the API token it was started with."</p>
            <form class="form" method="post" action="/login" data-testid="login-form">
                <input type="hidden" name="next" value=next/>
                <div class="field">
                    <label for="token">"Token"</label>
                    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus/>
                </div>
                <Show when=wrong>
                    <p class="warning" role="alert" data-testid="login-error">"That is not the token."</p>
                </Show>
                <button type="submit" class="button primary">"Log in"</button>
            </form>
        </section>
    }
}
