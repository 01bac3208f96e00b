//! The pages. Each reads its data through a server function, shows it by components, and follows
//! what happens to it.

mod batch;
mod grid;
mod live;
mod login;
mod not_found;
mod plan;
mod prompt;
mod prompt_result;
mod registry;
pub mod session;
mod sessions;
mod synthesis;

pub use batch::BatchPage;
pub use live::LivePage;
pub use login::LoginPage;
pub use not_found::{CrashPage, NotFoundPage};
pub use plan::{PlanPage, StoredPlanPage};
pub use prompt::PromptPage;
pub use registry::RegistryPage;
pub use session::SessionPage;
pub use sessions::SessionsPage;
