//! `subtasks` and `subtask_dependencies`

mod batch;
mod changes;
mod full;
mod links;
mod list;
mod rows;

pub use batch::{BatchRead, of_batch};
pub use changes::write_changes;
pub use full::{for_changes, with_batch};
pub use links::{NamedFiles, blockers, of_session, relink, scoped, upstream};
pub use list::{failed, get, held_by, oldest, open, page, prior_work};
