//! Requests and responses: what goes over the wire around the domain types.
//!
//! Requests know their own limits (`check`); unknown fields are ignored everywhere.

mod actions;
mod batches;
mod files;
mod planning;
mod sessions;
mod subtasks;
mod waves;

pub use actions::*;
pub use batches::*;
pub use files::*;
pub use planning::*;
pub use sessions::*;
pub use subtasks::*;
pub use waves::*;
