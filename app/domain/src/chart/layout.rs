//! The dependency graph as a grid: which column and row each card takes.

use uuid::Uuid;

use super::{Net, count, links, sorted};

/// Passes over all columns; more of them hardly ever find fewer crossings.
const SWEEPS: i32 = 8;

/// A card to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The subtask; no two items share it.
    pub id: Uuid,
    /// The number of its wave.
    pub wave: i32,
    /// What must complete first; ids that are no items are ignored.
    pub blocked_by: Vec<Uuid>,
}

/// Where a card goes; no two cards share a column and a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The subtask.
    pub id: Uuid,
    /// From the left over all waves, from 0.
    pub column: i32,
    /// From the top, from 0, without holes.
    pub row: i32,
}

/// The columns of a wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Band {
    /// The number of the wave.
    pub wave: i32,
    /// Its leftmost column.
    pub first_column: i32,
    /// How many columns it has, 1 or more.
    pub columns: i32,
    /// How many cards its tallest column has, 1 or more.
    pub rows: i32,
}

/// A line between two cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The blocker, as an index into [`Layout::places`].
    pub from: u32,
    /// What waits for it, as an index into [`Layout::places`].
    pub to: u32,
}

/// The grid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Every item once, in order of ids.
    pub places: Vec<Place>,
    /// The waves that have items, from left to right.
    pub bands: Vec<Band>,
    /// Each dependency once, by dependent, then blocker.
    pub links: Vec<Link>,
    /// How many columns there are, 0 or more.
    pub columns: i32,
    /// How many cards the tallest column has, 0 or more.
    pub rows: i32,
}

/// Lays out waves from left to right. In a wave a card stands to the right of its blockers; cards of
/// one rank that are more than `max_rows` (at least 1) take further columns, filled one after the
/// other so that a new card leaves the older ones of its rank in their columns. A circle of
/// dependencies has a line that points left.
#[must_use]
pub fn layout(items: &[Item], max_rows: i32) -> Layout {
    let net = Net::new(&links(items));
    let waves: Vec<i32> = net.input.iter().map(|k| items[*k as usize].wave).collect();
    let mut ranks: Vec<Option<i32>> = vec![None; waves.len()];
    for row in net.order(&waves) {
        let row = row as usize;
        let mut rank = 0;
        for blocker in &net.blockers[row] {
            let blocker = *blocker as usize;
            // A blocker that the order has not reached is the other end of a circle.
            if let (true, Some(before)) = (waves[blocker] == waves[row], ranks[blocker]) {
                rank = rank.max(before + 1);
            }
        }
        ranks[row] = Some(rank);
    }
    let key = |row: usize| (waves[row], ranks[row]);
    let by_rank = sorted(waves.len(), &|a, b| key(a).cmp(&key(b)));

    let mut columns: Vec<Vec<u32>> = Vec::new();
    let mut bands: Vec<Band> = Vec::new();
    for cards in by_rank.chunk_by(|a, b| key(*a as usize) == key(*b as usize)) {
        let wave = waves[cards[0] as usize];
        let first_column = count(columns.len());
        columns.extend(cards.chunks(max_rows.max(1) as usize).map(<[u32]>::to_vec));
        let rows = count(cards.len()).min(max_rows.max(1));
        let added = count(columns.len()) - first_column;
        match bands.last_mut() {
            Some(band) if band.wave == wave => {
                band.columns += added;
                band.rows = band.rows.max(rows);
            }
            _ => bands.push(Band { wave, first_column, columns: added, rows }),
        }
    }
    let rows = bands.iter().map(|band| band.rows).max().unwrap_or(0);
    let tidy = untangled(&mut columns, &net, rows as usize);

    let mut places: Vec<Place> = net
        .input
        .iter()
        .zip(tidy)
        .map(|(k, row)| Place { id: items[*k as usize].id, column: 0, row: row as i32 })
        .collect();
    for (number, column) in columns.iter().enumerate() {
        for card in column {
            places[*card as usize].column = count(number);
        }
    }
    let mut links = Vec::new();
    for (to, blockers) in net.blockers.iter().enumerate() {
        links.extend(blockers.iter().map(|from| Link { from: *from, to: to as u32 }));
    }
    Layout { places, bands, links, columns: count(columns.len()), rows }
}

/// The row of every card in the best order that a few passes to the right and back find; the order
/// of ids when none is better.
fn untangled(columns: &mut [Vec<u32>], net: &Net, tallest: usize) -> Vec<u32> {
    let dependents = net.dependents();
    let mut row = vec![0; dependents.len()];
    for column in columns.iter() {
        for (at, card) in column.iter().enumerate() {
            row[*card as usize] = at as u32;
        }
    }
    let mut marks = vec![0; tallest + 1];
    let mut crossings = |columns: &[Vec<u32>], row: &[u32]| {
        crossings(columns, row, &dependents, &mut marks)
            + crossings(columns, row, &net.blockers, &mut marks)
    };
    let mut fewest = crossings(columns, &row);
    let mut best = row.clone();
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        if sweep % 2 == 0 {
            for column in columns.iter_mut() {
                settle(column, &mut row, &net.blockers);
            }
        } else {
            for column in columns.iter_mut().rev() {
                settle(column, &mut row, &dependents);
            }
        }
        let now = crossings(columns, &row);
        if now < fewest {
            fewest = now;
            best.clone_from(&row);
        }
    }
    best
}

/// Orders a column by where, on average, the cards are that its cards are linked with on one side.
/// A card without any stays about where it is.
fn settle(column: &mut [u32], row: &mut [u32], near: &[Vec<u32>]) {
    let mean = |card: &u32| {
        let others = &near[*card as usize];
        let sum: u64 = others.iter().map(|other| u64::from(row[*other as usize])).sum();
        // In 256ths of a row: means differ by less than one.
        match others.len() as u64 {
            0 => u64::from(row[*card as usize]) * 256,
            of => sum * 256 / of,
        }
    };
    let keys: Vec<(u64, u32)> = column.iter().map(|card| (mean(card), *card)).collect();
    for (at, key) in sorted(keys.len(), &|a, b| keys[a].cmp(&keys[b])).into_iter().enumerate() {
        let card = keys[key as usize].1;
        column[at] = card;
        row[card as usize] = at as u32;
    }
}

/// How many pairs of links that share a column on one side cross, taking the columns on the other
/// side for one. `marks` are zeros, one a row and one more.
fn crossings(columns: &[Vec<u32>], row: &[u32], near: &[Vec<u32>], marks: &mut [u32]) -> u64 {
    let mut total = 0;
    for column in columns {
        let mut held = 0;
        for card in column {
            let ends = &near[*card as usize];
            for end in ends {
                total += u64::from(held - up_to(marks, row[*end as usize]));
            }
            for end in ends {
                mark(marks, row[*end as usize], 1);
            }
            held += ends.len() as u32;
        }
        for card in column {
            for end in &near[*card as usize] {
                mark(marks, row[*end as usize], -1);
            }
        }
    }
    total
}

/// Adds to a row's mark; a Fenwick tree, so that a pass stays O(links · log rows).
fn mark(marks: &mut [u32], row: u32, by: i32) {
    let mut at = row as usize + 1;
    while let Some(mark) = marks.get_mut(at) {
        *mark = mark.wrapping_add_signed(by);
        at += at & at.wrapping_neg();
    }
}

/// The marks of the rows down to and with this one.
fn up_to(marks: &[u32], row: u32) -> u32 {
    let mut at = row as usize + 1;
    let mut sum = 0;
    while at > 0 {
        sum += marks[at];
        at &= at - 1;
    }
    sum
}
