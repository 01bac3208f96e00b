//! The browser's own interfaces, behind functions that do nothing on the server.
//!
//! Call them from effects and event handlers alone.

#[cfg(feature = "hydrate")]
mod imp {
    use leptos::prelude::{document, window};
    use wasm_bindgen::JsCast;

    pub fn now_ms() -> i64 {
        // Whole milliseconds fit an i64 for 292 million years.
        js_sys::Date::now() as i64
    }

    pub fn mark_hydrated() {
        if let Some(body) = document().body() {
            let _ = body.set_attribute("data-hydrated", "");
        }
    }

    pub fn theme() -> Option<String> {
        document().document_element()?.get_attribute("data-theme")
    }

    pub fn set_theme(theme: &str) {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute("data-theme", theme);
        }
        if let Ok(document) = document().dyn_into::<web_sys::HtmlDocument>() {
            let cookie =
                format!("{}={theme}; Path=/; Max-Age=31536000; SameSite=Lax", crate::theme::COOKIE);
            let _ = document.set_cookie(&cookie);
        }
    }

    pub async fn copy(text: String) -> bool {
        let Some(window) = web_sys::window() else { return false };
        // Absent outside secure contexts, although the binding says otherwise.
        let has = js_sys::Reflect::get(&window.navigator(), &"clipboard".into())
            .is_ok_and(|it| it.is_object());
        if !has {
            return false;
        }
        let promise = window.navigator().clipboard().write_text(&text);
        js_sys::futures::JsFuture::from(promise).await.is_ok()
    }

    pub fn focus(id: &str) -> bool {
        let element = document().get_element_by_id(id);
        let element = element.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok());
        element.is_some_and(|element| element.focus().is_ok())
    }

    pub fn is_dialog_open() -> bool {
        document().query_selector("dialog[open]").is_ok_and(|found| found.is_some())
    }

    /// What `j` and `k` go through.
    const STEPS: &str = ".session-name, .subtask-link, .card, .lane-name, .feed-what, .heat-cell a";

    pub fn is_on_step() -> bool {
        document().active_element().is_some_and(|element| element.matches(STEPS) == Ok(true))
    }

    pub fn is_typing() -> bool {
        document().active_element().is_some_and(|element| {
            matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        })
    }

    pub fn step_focus(by: i32) {
        let Ok(found) = document().query_selector_all(STEPS) else { return };
        let last = found.length() as i32 - 1;
        let here = document().active_element();
        let at = (0..=last).find(|at| {
            let element =
                found.item(*at as u32).and_then(|node| node.dyn_into::<web_sys::Element>().ok());
            here.is_some() && element == here
        });
        let next = at.map_or(0, |at| (at + by).clamp(0, last));
        let node = found.item(next as u32).map(JsCast::dyn_into::<web_sys::HtmlElement>);
        if let Some(Ok(element)) = node {
            let _ = element.focus();
        }
    }

    /// What stands for a subtask, whichever view shows it.
    const STANDS: &str = "tr[data-subtask], .lane, .heat-cell, .need, .card, .patch, .drawer a";

    pub fn subtask_at(event: &web_sys::Event) -> Option<String> {
        let target = event.target()?.dyn_into::<web_sys::Element>().ok()?;
        let whole = target.closest(STANDS).ok()??;
        if let Some(id) = whole.get_attribute("data-patch") {
            return Some(id);
        }
        let link = whole.query_selector("a").ok()?.unwrap_or(whole);
        let href = link.get_attribute("href")?;
        href.split("subtask=").nth(1)?.get(..36).map(str::to_owned)
    }

    pub fn is_on_link(event: &web_sys::Event) -> bool {
        let target = event.target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        target.is_some_and(|it| it.closest("a, button").is_ok_and(|found| found.is_some()))
    }

    pub fn mark_subtask(id: Option<&str>) {
        const MARK: &str = "data-pointed";
        let each = |selector: &str, then: &dyn Fn(web_sys::Element)| {
            let Ok(found) = document().query_selector_all(selector) else { return };
            let nodes = (0..found.length()).filter_map(|at| found.item(at));
            nodes.filter_map(|node| node.dyn_into().ok()).for_each(then);
        };
        each("[data-pointed]", &|element| drop(element.remove_attribute(MARK)));
        if let Some(id) = id {
            let all = format!(
                "a[href*=\"subtask={id}\"], a[data-subtasks~=\"{id}\"], [data-patch=\"{id}\"]"
            );
            each(&all, &|link| {
                if let Ok(Some(whole)) = link.closest(STANDS) {
                    let _ = whole.set_attribute(MARK, "");
                }
            });
        }
    }

    pub fn pointed_in(element: &web_sys::Element, event: &web_sys::MouseEvent) -> (i32, i32) {
        let frame = element.get_bounding_client_rect();
        (event.client_x() - frame.left() as i32, event.client_y() - frame.top() as i32)
    }

    pub fn click(selector: &str) {
        let found = document().query_selector(selector).ok().flatten();
        if let Some(Ok(element)) = found.map(JsCast::dyn_into::<web_sys::HtmlElement>) {
            element.click();
        }
    }

    pub fn reveal(id: &str) {
        if let Some(element) = document().get_element_by_id(id) {
            let least = web_sys::ScrollIntoViewOptions::new();
            least.set_block(web_sys::ScrollLogicalPosition::Nearest);
            element.scroll_into_view_with_scroll_into_view_options(&least);
        }
    }

    pub fn origin() -> String {
        window().location().origin().unwrap_or_default()
    }
}

#[cfg(not(feature = "hydrate"))]
mod imp {
    pub fn now_ms() -> i64 {
        0
    }
    pub fn mark_hydrated() {}
    pub fn theme() -> Option<String> {
        None
    }
    pub fn set_theme(_: &str) {}
    pub async fn copy(_: String) -> bool {
        false
    }
    pub fn focus(_: &str) -> bool {
        false
    }
    pub fn is_dialog_open() -> bool {
        false
    }
    pub fn is_typing() -> bool {
        false
    }
    pub fn step_focus(_: i32) {}
    pub fn is_on_step() -> bool {
        false
    }
    pub fn subtask_at(_: &leptos::web_sys::Event) -> Option<String> {
        None
    }
    pub fn is_on_link(_: &leptos::web_sys::Event) -> bool {
        false
    }
    pub fn mark_subtask(_: Option<&str>) {}
    pub fn pointed_in(_: &leptos::web_sys::Element, _: &leptos::web_sys::MouseEvent) -> (i32, i32) {
        (0, 0)
    }
    pub fn click(_: &str) {}
    pub fn reveal(_: &str) {}
    pub fn origin() -> String {
        String::new()
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> i64 {
    imp::now_ms()
}

/// Marks `<body data-hydrated>`: from now on the page answers. Browser tests wait for it.
pub fn mark_hydrated() {
    imp::mark_hydrated();
}

/// The theme that the document was rendered in.
#[must_use]
pub fn theme() -> Option<String> {
    imp::theme()
}

/// Shows a theme and keeps it for the next visit.
pub fn set_theme(theme: &str) {
    imp::set_theme(theme);
}

/// Puts text on the clipboard; false when the browser does not allow it.
pub async fn copy(text: String) -> bool {
    imp::copy(text).await
}

/// Moves the keyboard focus to an element; false when it is not there.
pub fn focus(id: &str) -> bool {
    imp::focus(id)
}

/// Whether a dialog waits for an answer.
#[must_use]
pub fn is_dialog_open() -> bool {
    imp::is_dialog_open()
}

/// Where this server is, such as `http://127.0.0.1:3847`.
#[must_use]
pub fn origin() -> String {
    imp::origin()
}

/// Whether keys are letters now: the focus is in a field.
#[must_use]
pub fn is_typing() -> bool {
    imp::is_typing()
}

/// Moves the focus so many entries on in the list that the page shows, to its first at first.
pub fn step_focus(by: i32) {
    imp::step_focus(by);
}

/// Whether the focus is on one of these entries.
#[must_use]
pub fn is_on_step() -> bool {
    imp::is_on_step()
}

/// The subtask that an event happens on: the pointer or the focus is on its row, card, bar or cell.
#[must_use]
pub fn subtask_at(event: &leptos::web_sys::Event) -> Option<String> {
    imp::subtask_at(event)
}

/// Whether an event happens on a link or a button, which do what they do by themselves.
#[must_use]
pub fn is_on_link(event: &leptos::web_sys::Event) -> bool {
    imp::is_on_link(event)
}

/// Marks everything that stands for a subtask, and nothing else, with `data-pointed`. Not by signals: a
/// view has thousands of entries, and each would listen to every move of the pointer.
pub fn mark_subtask(id: Option<&str>) {
    imp::mark_subtask(id);
}

/// Where in an element the pointer is; pixels from its upper left corner.
#[must_use]
pub fn pointed_in(
    element: &leptos::web_sys::Element,
    event: &leptos::web_sys::MouseEvent,
) -> (i32, i32) {
    imp::pointed_in(element, event)
}

/// Clicks what the selector finds first.
pub fn click(selector: &str) {
    imp::click(selector);
}

/// Scrolls an element into sight, no further than that needs.
pub fn reveal(id: &str) {
    imp::reveal(id);
}
