//! Lists whose entries keep their elements.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use leptos::prelude::*;

/// An entry that is yet to be drawn.
#[derive(Clone)]
struct Entry {
    key: u128,
    draw: Arc<dyn Fn() -> AnyView + Send + Sync>,
}

/// Draws each item once and keeps what it drew for as long as its key is there. `<For>` as one type
/// for every list: the code that finds out what came and went is some 6 kB for each type of item.
pub fn each<T: Clone + Send + Sync + 'static>(
    items: impl Fn() -> Vec<T> + Send + Sync + 'static,
    key: impl Fn(&T) -> u128 + Send + Sync + 'static,
    draw: impl Fn(T) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView {
    let entries = move || {
        let entry = |item: T| {
            let (key, draw) = (key(&item), draw.clone());
            Entry { key, draw: Arc::new(move || draw(item.clone())) }
        };
        items().into_iter().map(entry).collect()
    };
    list(Arc::new(entries))
}

fn list(entries: Arc<dyn Fn() -> Vec<Entry> + Send + Sync>) -> AnyView {
    view! { <For each=move || entries() key=|entry| entry.key children=|entry| (entry.draw)()/> }
        .into_any()
}

/// A key for what has no number of its own.
#[must_use]
pub fn key_of(it: &impl Hash) -> u128 {
    let mut hasher = DefaultHasher::new();
    it.hash(&mut hasher);
    hasher.finish().into()
}
