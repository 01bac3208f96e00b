//! Patterns of paths, and whether two of them can name one file.

use std::collections::BTreeSet;

use crate::conflict::normalise_path;

/// Most steps that are taken to compare two lists of patterns.
const EFFORT: usize = 2_000_000;
/// So many steps over a path take as long as one over two patterns at once.
const CHEAPER: usize = 50;

/// Whether two paths or patterns of paths can name one file.
#[must_use]
pub fn meet(a: &str, b: &str) -> bool {
    first_met([a], &[b]).is_some()
}

/// The first of these paths or patterns that can name a file that one of `others` names. Where finding out
/// would take too long, it is taken to.
#[must_use]
pub fn first_met<'a>(
    paths: impl IntoIterator<Item = &'a str>,
    others: &[impl AsRef<str>],
) -> Option<usize> {
    let others: Vec<Pattern> =
        others.iter().map(|other| Pattern::of_file(other.as_ref())).collect();
    let mut effort = EFFORT;
    paths.into_iter().position(|path| {
        let path = Pattern::of_file(path);
        others.iter().any(|other| path.meets(other, &mut effort) || effort == 0)
    })
}

/// A pattern of paths. Ordered by its fixed beginning first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pattern {
    /// What every path that it matches begins with.
    pub(super) fixed: String,
    /// As it is shown.
    pub(super) text: String,
    /// One step a character or wildcard.
    steps: Vec<Step>,
    /// How many steps of it are fixed.
    fixed_steps: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// This character.
    Is(char),
    /// `?`: one character of a name.
    One,
    /// `*`: any number of characters of a name.
    Any,
    /// `**` at the end: anything.
    Rest,
    /// `**/`: any number of names, each with its slash.
    Names,
}

impl Pattern {
    pub(super) fn of_directory(path: &str) -> Self {
        match normalise_path(path).as_str() {
            "" => Self::of_file("**"),
            root @ "/" => Self::of_file(&format!("{root}**")),
            directory => Self::of_file(&format!("{directory}/**")),
        }
    }

    pub(super) fn of_file(path: &str) -> Self {
        let text = normalise_path(path);
        let mut steps = Vec::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(first) = rest.chars().next() {
            let at_name = matches!(steps.last(), None | Some(Step::Is('/') | Step::Names));
            let (step, length) = if at_name && rest.starts_with("**/") {
                (Step::Names, 3)
            } else if at_name && rest == "**" {
                (Step::Rest, 2)
            } else {
                match first {
                    '*' => (Step::Any, 1),
                    '?' => (Step::One, 1),
                    other => (Step::Is(other), other.len_utf8()),
                }
            };
            steps.push(step);
            rest = &rest[length..];
        }
        let fixed = steps.iter().map_while(|step| match step {
            Step::Is(character) => Some(*character),
            _ => None,
        });
        let fixed: String = fixed.collect();
        Self { fixed_steps: fixed.chars().count(), fixed, text, steps }
    }

    /// Whether it names this path, which is normalised and has no wildcards. A step over the path takes as
    /// much of `effort` as the path is long; without any left, it does.
    pub(super) fn covers(&self, path: &str, effort: &mut usize) -> bool {
        let Some(rest) = path.strip_prefix(self.fixed.as_str()) else { return false };
        let steps = &self.steps[self.fixed_steps..];
        match steps {
            [] => return rest.is_empty(),
            [Step::Rest] => return true,
            _ => {}
        }
        let rest: Vec<char> = rest.chars().collect();
        // How much of the rest the steps so far can have read.
        let mut read = vec![false; rest.len() + 1];
        read[0] = true;
        for step in steps {
            *effort = effort.saturating_sub(read.len());
            if *effort == 0 {
                return true;
            }
            step.read(&rest, &mut read);
            if !read.contains(&true) {
                return false;
            }
        }
        read[rest.len()]
    }

    pub(super) fn is_exact(&self) -> bool {
        self.fixed.len() == self.text.len()
    }

    /// Whether some path matches both. Each step takes one of `effort`; without any left, none is
    /// found.
    pub(super) fn meets(&self, other: &Self, effort: &mut usize) -> bool {
        *effort = effort.saturating_sub(1);
        if self.is_exact() && other.is_exact() {
            return self.fixed == other.fixed;
        }
        if !self.fixed.starts_with(&other.fixed) && !other.fixed.starts_with(&self.fixed) {
            return false;
        }
        for (exact, wide) in [(self, other), (other, self)] {
            if exact.is_exact() {
                let mut left = effort.saturating_mul(CHEAPER);
                let covers = wide.covers(&exact.text, &mut left);
                *effort = left / CHEAPER;
                return covers && *effort > 0;
            }
        }
        // Both are read at once, character by character: where can each stand after the same text?
        let mut seen = BTreeSet::new();
        let mut open = vec![(At::default(), At::default())];
        while let Some((a, b)) = open.pop() {
            if !seen.insert((a, b)) {
                continue;
            }
            *effort = effort.saturating_sub(1);
            if *effort == 0 {
                return false;
            }
            if a.step == self.steps.len() && b.step == other.steps.len() {
                return true;
            }
            open.extend(a.skip(&self.steps).map(|a| (a, b)));
            open.extend(b.skip(&other.steps).map(|b| (a, b)));
            let (reads, others) = (a.reads(&self.steps), b.reads(&other.steps));
            for (text, a) in reads.into_iter().flatten() {
                for (other_text, b) in others.into_iter().flatten() {
                    if text.meets(other_text) {
                        open.push((a, b));
                    }
                }
            }
        }
        false
    }
}

impl Step {
    /// From how much of the text may have been read before it, to how much after it.
    fn read(self, text: &[char], read: &mut [bool]) {
        match self {
            Self::Is(_) | Self::One => {
                for at in (0..text.len()).rev() {
                    read[at + 1] = read[at]
                        && match self {
                            Self::Is(character) => text[at] == character,
                            _ => text[at] != '/',
                        };
                }
                read[0] = false;
            }
            Self::Any => {
                for at in 0..text.len() {
                    read[at + 1] |= read[at] && text[at] != '/';
                }
            }
            Self::Rest => {
                for at in 0..text.len() {
                    read[at + 1] |= read[at];
                }
            }
            Self::Names => {
                let mut begun = false;
                for at in 0..text.len() {
                    begun |= read[at];
                    read[at + 1] |= begun && text[at] == '/';
                }
            }
        }
    }
}

/// How far a pattern is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    step: usize,
    /// Within a name of [`Step::Names`]: it has to be read to its slash.
    inside: bool,
}

/// What may be read.
#[derive(Clone, Copy)]
enum Text {
    Is(char),
    /// Anything but a slash.
    InName,
    Anything,
}

impl Text {
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Is(a), Self::Is(b)) => a == b,
            (Self::Is(a), Self::InName) | (Self::InName, Self::Is(a)) => a != '/',
            _ => true,
        }
    }
}

impl At {
    /// Where it may go on without reading.
    fn skip(self, steps: &[Step]) -> Option<Self> {
        let may = matches!(steps.get(self.step), Some(Step::Any | Step::Rest | Step::Names));
        (may && !self.inside).then_some(Self { step: self.step + 1, inside: false })
    }

    /// What it may read, and where that leads.
    fn reads(self, steps: &[Step]) -> [Option<(Text, Self)>; 2] {
        let next = Self { step: self.step + 1, inside: false };
        let within = |inside| Self { step: self.step, inside };
        match steps.get(self.step) {
            None => [None, None],
            Some(Step::Is(character)) => [Some((Text::Is(*character), next)), None],
            Some(Step::One) => [Some((Text::InName, next)), None],
            Some(Step::Any) => [Some((Text::InName, within(false))), None],
            Some(Step::Rest) => [Some((Text::Anything, within(false))), None],
            Some(Step::Names) => {
                [Some((Text::InName, within(true))), Some((Text::Is('/'), within(false)))]
            }
        }
    }
}
