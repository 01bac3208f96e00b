//! Building blocks of the pages, one job each. They take signals and data; they neither read from
//! the server nor know which page they stand on.

mod action;
mod badge;
mod copy;
mod dialog;
mod each;
mod fields;
mod header;
mod json;
mod notices;
mod problem;
mod progress;
mod status;
mod table;
mod teach;
mod theme;
mod time;

pub use action::ActionButton;
pub use badge::LiveBadge;
pub use copy::CopyButton;
pub use dialog::ConfirmDialog;
pub use each::{each, key_of};
pub use fields::{Field, NumberField, TextArea, whole_number};
pub use header::Header;
pub use json::JsonTree;
pub use notices::Notices;
pub use problem::{FormProblem, ProblemView, Waiting, WaitingPage};
pub use progress::{Progress, WaveStrip};
pub use status::{Mark, Status, StatusMark};
pub use table::SubtaskTable;
pub use teach::{first_batch, recorded_action};
pub use theme::ThemeMenu;
pub use time::{Elapsed, TimeTag, since};
