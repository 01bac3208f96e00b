//! The graph under the pointer: a drag over its ground moves it, the wheel with Ctrl makes it larger or
//! smaller around what is pointed at. Touch scrolls by itself.

use leptos::{
    ev::{PointerEvent, WheelEvent},
    html,
    prelude::*,
};

use super::next_size;
use crate::browser;

/// The pointer's way so far: where it went down, and how far the region was scrolled then.
#[derive(Clone, Copy)]
struct Grip {
    pointer: (i32, i32),
    scrolled: (i32, i32),
}

/// What the pointer does to a region that scrolls.
#[derive(Clone, Copy)]
pub struct Hand {
    region: NodeRef<html::Div>,
    grip: RwSignal<Option<Grip>>,
    dragged: StoredValue<bool>,
}

/// From how far on a move is a drag and no click; pixels.
const DRAG: i32 = 4;

impl Hand {
    /// A hand for that region.
    #[must_use]
    pub fn over(region: NodeRef<html::Div>) -> Self {
        Self { region, grip: RwSignal::new(None), dragged: StoredValue::new(false) }
    }

    /// Whether it holds the ground.
    #[must_use]
    pub fn holds(self) -> bool {
        self.grip.with(Option::is_some)
    }

    /// Whether the click that comes after the pointer went up ends a drag.
    #[must_use]
    pub fn dragged(self) -> bool {
        self.dragged.get_value()
    }

    /// The pointer goes down and takes hold of the ground; not on a card, which is a link.
    pub fn down(self, event: &PointerEvent) {
        let mouse = event.pointer_type() == "mouse" && event.button() == 0;
        self.dragged.set_value(false);
        if !mouse || browser::is_on_link(event) {
            return;
        }
        if let Some(region) = self.region.get_untracked() {
            self.grip.set(Some(Grip {
                pointer: (event.client_x(), event.client_y()),
                scrolled: (region.scroll_left(), region.scroll_top()),
            }));
        }
    }

    /// The pointer moves.
    pub fn moved(self, event: &PointerEvent) {
        let Some(Grip { pointer, scrolled }) = self.grip.get_untracked() else { return };
        // It went up somewhere else.
        if event.buttons() & 1 == 0 {
            return self.up();
        }
        if let Some(region) = self.region.get_untracked() {
            // Or it would be a selection of text.
            event.prevent_default();
            let way =
                (pointer.0 - event.client_x()).abs().max((pointer.1 - event.client_y()).abs());
            if way >= DRAG {
                self.dragged.set_value(true);
            }
            region.set_scroll_left(scrolled.0 + pointer.0 - event.client_x());
            region.set_scroll_top(scrolled.1 + pointer.1 - event.client_y());
        }
    }

    /// It lets go.
    pub fn up(self) {
        self.grip.set(None);
    }

    /// The wheel turns: with Ctrl (or two fingers that pinch) to another size of those that there are,
    /// and what is under the pointer stays there.
    pub fn wheel(self, event: &WheelEvent, zoom: RwSignal<i32>) {
        if !event.ctrl_key() && !event.meta_key() {
            return;
        }
        event.prevent_default();
        let Some(region) = self.region.get_untracked() else { return };
        let before = zoom.get_untracked();
        let Some(after) = next_size(before, event.delta_y() < 0.0) else { return };
        let point = browser::pointed_in(&region, event);
        let under = |scrolled: i32, point: i32| (scrolled + point) * after / before - point;
        let to = (under(region.scroll_left(), point.0), under(region.scroll_top(), point.1));
        zoom.set(after);
        // Once the drawing has its new size.
        request_animation_frame(move || {
            region.set_scroll_left(to.0);
            region.set_scroll_top(to.1);
        });
    }
}
