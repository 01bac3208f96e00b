//! A time axis on which idle time collapses.

use uuid::Uuid;

use super::sorted;

/// The last time that a date in a browser can be, in unix milliseconds.
const LATEST: i64 = 8_640_000_000_000_000;

/// Seconds between ticks; beyond them, a day doubled as often as needed.
const STEPS: [i64; 18] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200,
    86_400,
];

/// The life of a subtask. Times are unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The subtask.
    pub id: Uuid,
    /// The number of its wave.
    pub wave: i32,
    /// When it was submitted or became ready.
    pub queued_at: i64,
    /// When it first ran.
    pub started_at: Option<i64>,
    /// When it ended; one that has not ended goes on until now.
    pub ended_at: Option<i64>,
}

/// A stretch in which nothing ran for long. Times are unix milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When the last work before it ended.
    pub from: i64,
    /// When the next work began.
    pub until: i64,
    /// Whether it is drawn shortened.
    pub collapsed: bool,
}

/// A stretch of the visible axis on which time passes evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from: i64,
    until: i64,
    /// Where it begins and how wide it is, in milliseconds of time that is not shortened.
    offset: i64,
    width: i64,
    collapsed: bool,
}

/// Time from left (0) to right (1).
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    from: i64,
    until: i64,
    gaps: Vec<Gap>,
    /// The whole of `view` without a hole; never empty.
    pieces: Vec<Piece>,
    view: (i64, i64),
    width: i64,
}

impl Axis {
    /// From the first time of any span to the last end, or to `now` when one has not ended. A stretch
    /// in which nothing runs for longer than `min_gap_ms` and 5 % of the time in which something does
    /// is a gap, collapsed at first. When nothing ran at all there are no gaps.
    #[must_use]
    pub fn new(spans: &[Span], now: i64, min_gap_ms: i64) -> Self {
        let now = now.clamp(0, LATEST - 1);
        let sane = |at: i64| at.clamp(0, LATEST - 1);
        let mut from = i64::MAX;
        let mut until = 0;
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for span in spans {
            let first = sane(span.started_at.unwrap_or(span.queued_at));
            let last = sane(span.ended_at.unwrap_or(now)).max(first);
            from = from.min(first).min(sane(span.queued_at));
            until = until.max(last).max(sane(span.queued_at));
            if span.started_at.is_some() {
                runs.push((first, last));
            }
        }
        if spans.is_empty() {
            (from, until) = (now, now);
        }
        until = until.max(from + 1);

        let mut busy = 0;
        let mut gaps = Vec::new();
        let mut at = from;
        for run in sorted(runs.len(), &|a, b| runs[a].cmp(&runs[b])) {
            let (first, last) = runs[run as usize];
            gaps.push(Gap { from: at, until: first, collapsed: true });
            busy += (last - at.max(first)).max(0);
            at = at.max(last);
        }
        gaps.push(Gap { from: at, until, collapsed: true });
        let least = min_gap_ms.max(busy / 20).max(0);
        gaps.retain(|gap| !runs.is_empty() && gap.until - gap.from > least);
        let mut axis =
            Self { from, until, gaps, pieces: Vec::new(), view: (from, until), width: 1 };
        axis.measure();
        axis
    }

    /// Cuts the view into pieces and gives each its width.
    fn measure(&mut self) {
        self.pieces.clear();
        let (mut at, end) = self.view;
        let (mut shown, mut shut) = (0, 0);
        let mut cut = |pieces: &mut Vec<Piece>, until: i64, collapsed: bool| {
            let until = until.min(end);
            if until > at {
                let width = until - at;
                pieces.push(Piece { from: at, until, offset: 0, width, collapsed });
                if collapsed {
                    shut += 1
                } else {
                    shown += width
                }
                at = until;
            }
        };
        for gap in self.gaps.iter().filter(|gap| gap.collapsed) {
            cut(&mut self.pieces, gap.from, false);
            cut(&mut self.pieces, gap.until, true);
        }
        cut(&mut self.pieces, end, false);
        // A gap takes 2 % of the width; all of them together never more than a fifth, and none more
        // than its length.
        let narrow = (shown / (4 * shut).max(49)).max(1);
        self.width = 0;
        for piece in &mut self.pieces {
            if piece.collapsed {
                piece.width = piece.width.min(narrow);
            }
            piece.offset = self.width;
            self.width += piece.width;
        }
    }

    /// Where a time is: 0 at the left end of the window, 1 at the right. Later is never further left;
    /// times outside are at the ends.
    #[must_use]
    pub fn position(&self, at: i64) -> f64 {
        let next = self.pieces.partition_point(|piece| piece.from <= at);
        let Some(piece) = next.checked_sub(1).and_then(|k| self.pieces.get(k)) else { return 0.0 };
        let inside = at.min(piece.until) - piece.from;
        let share = inside as f64 / (piece.until - piece.from) as f64;
        (share * piece.width as f64 + piece.offset as f64) / self.width as f64
    }

    /// The time at a position of 0 to 1, in unix milliseconds; positions outside are at the ends.
    #[must_use]
    pub fn time(&self, position: f64) -> i64 {
        let at = position.clamp(0.0, 1.0) * self.width as f64;
        let next = self.pieces.partition_point(|piece| piece.offset as f64 <= at);
        let Some(piece) = self.pieces.get(next.max(1) - 1) else { return self.view.0 };
        let share = (at - piece.offset as f64) / piece.width as f64;
        piece.from + (share * (piece.until - piece.from) as f64).round() as i64
    }

    /// The gaps of the whole axis, in order of time, also those that are open.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// Draws one of [`Self::gaps`] at its full length from now on.
    pub fn expand(&mut self, index: u32) {
        if let Some(gap) = self.gaps.get_mut(index as usize) {
            gap.collapsed = false;
            self.measure();
        }
    }

    /// Shows this stretch alone, as far as the axis has it; the whole axis when nothing is left.
    /// Times are unix milliseconds.
    pub fn window(&mut self, from: i64, until: i64) {
        self.view = (from.max(self.from), until.min(self.until));
        if self.view.0 >= self.view.1 {
            self.view = (self.from, self.until);
        }
        self.measure();
    }

    /// At most so many round times (UTC) to label, ascending, in unix milliseconds: none inside a
    /// collapsed gap, none close to another.
    #[must_use]
    pub fn ticks(&self, most: i32) -> Vec<i64> {
        let mut ticks = Vec::new();
        if most < 1 {
            return ticks;
        }
        let open = || self.pieces.iter().filter(|piece| !piece.collapsed);
        let mut steps = STEPS.iter();
        let mut step = 0;
        loop {
            step = steps.next().map_or(step * 2, |seconds| seconds * 1_000);
            // `- 1`: a piece that begins at a round time has it.
            let of = |piece: &Piece| piece.until / step - (piece.from - 1).div_euclid(step);
            if open().map(of).sum::<i64>() <= i64::from(most) || step > LATEST {
                break;
            }
        }
        let apart = 0.5 / f64::from(most);
        let mut last = -1.0;
        for piece in open() {
            let mut at = (piece.from - 1).div_euclid(step) * step + step;
            while at <= piece.until && ticks.len() < most as usize {
                let position = self.position(at);
                if position - last >= apart {
                    ticks.push(at);
                    last = position;
                }
                at += step;
            }
        }
        ticks
    }
}
