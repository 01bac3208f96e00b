//! The dashboard: pages that the server renders and the browser takes over.
//!
//! Built twice: with `ssr` into the server, with `hydrate` into WASM. The browser half knows the
//! rules (`domain`) and nothing of the engine; it reads and acts through [`server_fns`] alone and
//! hears of changes through [`live`].
//!
//! **Invariants:** text that people or agents wrote becomes text nodes and attribute values, never
//! HTML; no view reads a clock, a locale or a random number; nothing carries an inline style.
#![recursion_limit = "256"]

mod app;
pub mod board;
pub mod browser;
pub mod clock;
pub mod components;
pub mod desk;
pub mod error;
mod finder;
pub mod format;
pub mod live;
pub mod pages;
pub mod paths;
pub mod server_fns;
#[cfg(feature = "ssr")]
mod shell;
mod split;
pub mod theme;
mod typing;
pub mod views;

pub use app::App;
pub use error::AppError;
#[cfg(feature = "ssr")]
pub use shell::shell;
#[cfg(feature = "hydrate")]
pub use split::preload;
