//! Where the cards of a graph stand; pixels at 100 %.

use domain::chart::{Band, Layout, Place};

/// Cards in a column before a rank goes on in the next one.
pub const ROWS: i32 = 16;
/// The size of a card.
pub const CARD: (i32, i32) = (216, 64);
/// The room beside and below a card.
pub const GAP: (i32, i32) = (56, 12);
/// The room above the cards, for the names of waves.
const HEAD: i32 = 44;
/// The room around everything.
pub const EDGE: i32 = 16;

/// The corner of a card.
#[must_use]
pub fn corner(spot: &Place) -> (i32, i32) {
    (EDGE + spot.column * (CARD.0 + GAP.0), EDGE + HEAD + spot.row * (CARD.1 + GAP.1))
}

/// How large everything is.
#[must_use]
pub fn size(layout: &Layout) -> (i32, i32) {
    (
        2 * EDGE + layout.columns * (CARD.0 + GAP.0) - GAP.0.min(layout.columns * GAP.0),
        2 * EDGE + HEAD + layout.rows * (CARD.1 + GAP.1),
    )
}

/// The ground of a wave: its corner and its size.
#[must_use]
pub fn band_box(band: &Band) -> ((i32, i32), (i32, i32)) {
    (
        (EDGE / 2 + band.first_column * (CARD.0 + GAP.0), EDGE / 2),
        (
            band.columns * (CARD.0 + GAP.0) - GAP.0 + EDGE,
            HEAD + band.rows * (CARD.1 + GAP.1) + EDGE / 2,
        ),
    )
}

/// A line from one card to another, given by their corners: out of the right side of the one, into the
/// left side of the other.
#[must_use]
pub fn curve(from: (i32, i32), to: (i32, i32)) -> String {
    let (x1, y1) = (from.0 + CARD.0, from.1 + CARD.1 / 2);
    let (x2, y2) = (to.0, to.1 + CARD.1 / 2);
    let bend = ((x2 - x1) / 2).max(GAP.0 / 2);
    format!("M{x1} {y1}C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend)
}

#[cfg(test)]
mod tests {
    use domain::chart::{Item, layout};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn cards_do_not_overlap_and_stay_inside_the_drawing() {
        let id = |n: u128| Uuid::from_u128(n);
        let item = |n: u128, wave: i32, blocked_by: &[u128]| Item {
            id: id(n),
            wave,
            blocked_by: blocked_by.iter().copied().map(id).collect(),
        };
        let items: Vec<_> = (0..40)
            .map(|n| item(n, (n / 20) as i32, if n % 3 == 1 { &[0] } else { &[] }))
            .collect();
        let plan = layout(&items, ROWS);
        let (width, height) = size(&plan);
        for (n, spot) in plan.places.iter().enumerate() {
            let (x, y) = corner(spot);
            assert!(x >= 0 && y >= HEAD && x + CARD.0 <= width && y + CARD.1 <= height, "{spot:?}");
            for other in &plan.places[..n] {
                let (left, top) = corner(other);
                assert!(
                    (x - left).abs() >= CARD.0 || (y - top).abs() >= CARD.1,
                    "{spot:?} {other:?}"
                );
            }
        }
    }
}
