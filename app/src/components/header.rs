//! The bar above every page.

use leptos::prelude::*;
use leptos_router::components::A;

use super::{LiveBadge, ThemeMenu};
use crate::finder::Overlay;

/// Where one can go, how fresh the page is, and the theme.
#[component]
pub fn Header() -> impl IntoView {
    view! {
        <header class="topbar">
            <a class="brand" href="/">
                <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">
                    <path d="M2 16c3.3 0 3.3-8 6.7-8s3.3 8 6.6 8S18.700 8 22 8" fill="none" stroke="currentColor" stroke-width="2.4" stroke-linecap="round"/>
                </svg>
                <span>"Swell"</span>
            </a>
            <nav class="nav" aria-label="Pages">
                <A href="/" exact=true>"Sessions"</A>
                <A href="/live">"Live"</A>
                <A href="/plan">"Plan"</A>
                <A href="/prompt">"Prompt"</A>
                <A href="/registry">"Registry"</A>
                <a href="/api/docs" rel="external">"API"</a>
            </nav>
            <div class="topbar-end">
                <Overlay/>
                <LiveBadge/>
                <ThemeMenu/>
            </div>
        </header>
    }
}
