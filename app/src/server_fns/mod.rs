//! What the browser asks of the server: thin twins of the REST handlers over the same use-cases.
//!
//! They live under `/_fn` (the REST API owns `/api`), take and give JSON, and know nothing that
//! the engine does not.
#![expect(missing_docs, reason = "the fields of the structs that the macro makes of the arguments")]

mod batches;
mod budgets;
mod files;
mod find;
mod json;
mod planning;
mod sessions;
mod steps;
mod subtasks;

pub use batches::*;
pub use budgets::*;
pub use files::*;
pub use find::*;
pub(crate) use json::Text;
pub use planning::*;
pub use sessions::*;
pub use steps::*;
pub use subtasks::*;

/// The engine that the server put into the context of this request.
#[cfg(feature = "ssr")]
fn engine() -> Result<engine::Engine, crate::AppError> {
    use domain::problem::Problem;
    leptos::prelude::use_context().ok_or_else(|| {
        crate::AppError::from(Problem::new(
            500,
            "Internal Server Error",
            "internal",
            "Something went wrong on the server.",
        ))
    })
}

/// The engine's refusal, and its status on the response: of the call, or of the page that was
/// rendering when it asked.
#[cfg(feature = "ssr")]
fn refuse(error: engine::Error) -> crate::AppError {
    let problem = error.to_problem();
    if let (Some(response), Ok(status)) = (
        leptos::prelude::use_context::<leptos_axum::ResponseOptions>(),
        axum::http::StatusCode::from_u16(problem.status),
    ) {
        response.set_status(status);
    }
    problem.into()
}
