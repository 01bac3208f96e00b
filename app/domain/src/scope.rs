//! Where a subtask may work (extension): the files and directories it may touch, how many files, and
//! what it must never do; and which subtasks would meet in one place.
//!
//! A path is relative to the project, as its agents name it. In a target `?` stands for one character
//! of a name, `*` for any number of them, and `**` for any number of names; everything else, brackets
//! too, stands for itself.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{check::Check, conflict::normalise_path, graph::Graph};

/// Most files or directories of one scope.
pub const TARGETS: usize = 200;
/// Most forbidden actions of one scope.
pub const FORBIDDEN: usize = 50;
/// Most wildcards of one target.
pub const WILDCARDS: usize = 10;
/// Most places that a forecast names.
pub const OVERLAPS: usize = 200;
/// Most steps that a forecast takes, so that no request can keep the server busy: enough for
/// thousands of subtasks.
const EFFORT: usize = 5_000_000;

/// Where a subtask may work. Without files and directories it may work anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Scope {
    /// The files it may touch; patterns are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_files: Vec<String>,
    /// The directories it may touch everything in; patterns are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 200))]
    pub target_directories: Vec<String>,
    /// How many files it may change; 1–1000. The registry's number for its agent type when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 1000))]
    pub max_files: Option<i32>,
    /// What it must never do, beside what its agent type must never do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub forbidden_actions: Vec<String>,
}

impl Scope {
    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_open() && self.max_files.is_none() && self.forbidden_actions.is_empty()
    }

    /// Whether it allows every file.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.target_files.is_empty() && self.target_directories.is_empty()
    }

    /// Whether this file is in it.
    #[must_use]
    pub fn allows(&self, path: &str) -> bool {
        if self.is_open() {
            return true;
        }
        let file = Pattern::exact(path);
        self.patterns().any(|pattern| pattern.meets(&file, &mut { usize::MAX }))
    }

    /// Notes what is wrong with it; `prefix` is put before the names of its fields.
    pub fn check(&self, check: &mut Check, prefix: &str) {
        let field = |name: &str| format!("{prefix}{name}");
        for (name, paths) in [
            ("target_files", &self.target_files),
            ("target_directories", &self.target_directories),
        ] {
            if paths.len() > TARGETS {
                check.fail(field(name), format!("must have at most {TARGETS} entries"));
            } else {
                check.paths(&field(name), paths);
                for (index, path) in paths.iter().enumerate() {
                    if path.chars().filter(|c| matches!(c, '*' | '?')).count() > WILDCARDS {
                        check.fail(
                            format!("{}[{index}]", field(name)),
                            format!("must have at most {WILDCARDS} wildcards"),
                        );
                    }
                }
            }
        }
        if let Some(max_files) = self.max_files {
            check.range(&field("max_files"), max_files.into(), 1, 1_000);
        }
        if self.forbidden_actions.len() > FORBIDDEN {
            check.fail(
                field("forbidden_actions"),
                format!("must have at most {FORBIDDEN} entries"),
            );
        } else {
            for (index, action) in self.forbidden_actions.iter().enumerate() {
                check.name(&format!("{}[{index}]", field("forbidden_actions")), action);
            }
        }
    }

    fn patterns(&self) -> impl Iterator<Item = Pattern> {
        self.target_files
            .iter()
            .map(|file| Pattern::of_file(file))
            .chain(self.target_directories.iter().map(|directory| Pattern::of_directory(directory)))
    }
}

/// Whether two paths or patterns of paths can name one file.
#[must_use]
pub fn meet(a: &str, b: &str) -> bool {
    Pattern::of_file(a).meets(&Pattern::of_file(b), &mut { usize::MAX })
}

/// A place that several subtasks may touch at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Overlap {
    /// The subtasks, by id.
    pub subtask_ids: Vec<Uuid>,
    /// The files, or patterns of files, that all of them may touch.
    pub files: Vec<String>,
}

/// The places where these subtasks would meet, at most [`OVERLAPS`] of them. Those that wait for one
/// another, each for the one before, do not meet; those that may work anywhere are taken to keep out
/// of each other's way, since nothing is known of them.
#[must_use]
pub fn forecast(scopes: &[(Uuid, &Scope)], graph: &Graph) -> Vec<Overlap> {
    let mut holders: BTreeMap<Pattern, BTreeSet<Uuid>> = BTreeMap::new();
    for (id, scope) in scopes {
        for pattern in scope.patterns() {
            holders.entry(pattern).or_default().insert(*id);
        }
    }
    // In the order of their fixed beginnings: what can meet a pattern has a beginning that goes on
    // from its own, and stands right behind it.
    let places: Vec<(&Pattern, &BTreeSet<Uuid>)> = holders.iter().collect();
    let mut files: BTreeMap<Vec<Uuid>, BTreeSet<&str>> = BTreeMap::new();
    let mut effort = EFFORT;
    'places: for (at, (wide, theirs)) in places.iter().enumerate() {
        let behind = &places[at + 1..];
        let near = behind.iter().take_while(|(other, _)| other.fixed.starts_with(&wide.fixed));
        for (narrow, ours) in std::iter::once(&(*wide, *theirs)).chain(near) {
            if narrow != wide && !wide.meets(narrow, &mut effort) {
                continue;
            }
            let ids: Vec<Uuid> = theirs.union(ours).copied().collect();
            if ids.len() < 2 || graph.is_chain(&ids) {
                continue;
            }
            files.entry(ids).or_default().insert(&narrow.text);
            if files.len() >= OVERLAPS || effort == 0 {
                break 'places;
            }
        }
    }
    files
        .into_iter()
        .map(|(subtask_ids, files)| Overlap {
            subtask_ids,
            files: files.into_iter().map(str::to_owned).collect(),
        })
        .collect()
}

/// A pattern of paths. Ordered by its fixed beginning first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    /// What every path that it matches begins with.
    fixed: String,
    /// As it is shown.
    text: String,
    /// One step a character or wildcard.
    steps: Vec<Step>,
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
    fn exact(path: &str) -> Self {
        let text = normalise_path(path);
        Self { steps: text.chars().map(Step::Is).collect(), fixed: text.clone(), text }
    }

    fn of_directory(path: &str) -> Self {
        match normalise_path(path).as_str() {
            "" => Self::of_file("**"),
            root @ "/" => Self::of_file(&format!("{root}**")),
            directory => Self::of_file(&format!("{directory}/**")),
        }
    }

    fn of_file(path: &str) -> Self {
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
        Self { fixed: fixed.collect(), text, steps }
    }

    fn is_exact(&self) -> bool {
        self.fixed.len() == self.text.len()
    }

    /// Whether some path matches both. Each step takes one of `effort`; without any left, none is
    /// found.
    fn meets(&self, other: &Self, effort: &mut usize) -> bool {
        *effort = effort.saturating_sub(1);
        if self.is_exact() && other.is_exact() {
            return self.fixed == other.fixed;
        }
        if !self.fixed.starts_with(&other.fixed) && !other.fixed.starts_with(&self.fixed) {
            return false;
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
