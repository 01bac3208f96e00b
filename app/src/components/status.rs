//! Where something stands: a shape, a colour and a word, so that none of them is needed alone.

use domain::{batch::BatchStatus, subtask::SubtaskStatus, wave::WaveStatus};
use leptos::prelude::*;

/// The statuses of waves, batches and subtasks, as one set of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Not begun.
    Pending,
    /// Under way.
    Running,
    /// Set aside.
    Paused,
    /// Waiting for others.
    Blocked,
    /// Done.
    Completed,
    /// Given up.
    Failed,
}

impl Mark {
    /// The word beside the mark.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Its colour, as a class.
    const fn class(self) -> &'static str {
        match self {
            Self::Pending => "status is-pending",
            Self::Running => "status is-running",
            Self::Paused => "status is-paused",
            Self::Blocked => "status is-blocked",
            Self::Completed => "status is-completed",
            Self::Failed => "status is-failed",
        }
    }

    /// Its shape on a grid of 16: ring, ring with a triangle, bars, barred diamond, ticked disc,
    /// warning triangle.
    const fn shape(self) -> &'static str {
        match self {
            Self::Pending => {
                "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2Zm0 1.700a4.300 4.300 0 1 0 0 8.600 4.300 4.300 0 0 0 0-8.600Z"
            }
            Self::Running => {
                "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13ZM8 3.100a4.900 4.900 0 1 0 0 9.800 4.900 4.900 0 0 0 0-9.800ZM6.600 5.200 11 8l-4.400 2.800Z"
            }
            Self::Paused => "M4 3h3v10H4ZM9 3h3v10H9Z",
            Self::Blocked => "M8 1l7 7-7 7-7-7ZM4.800 7v2h6.400V7Z",
            Self::Completed => {
                "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13ZM11.300 4.800 7 9.200 4.900 7.100 3.800 8.200 7 11.400l5.400-5.500Z"
            }
            Self::Failed => {
                "M8 1 15.500 14.500H.500ZM7.100 5.600v4.600h1.800V5.600ZM7.100 11.200V13h1.800v-1.800Z"
            }
        }
    }
}

impl From<SubtaskStatus> for Mark {
    fn from(status: SubtaskStatus) -> Self {
        match status {
            SubtaskStatus::Pending => Self::Pending,
            SubtaskStatus::Running => Self::Running,
            SubtaskStatus::Paused => Self::Paused,
            SubtaskStatus::Blocked => Self::Blocked,
            SubtaskStatus::Completed => Self::Completed,
            SubtaskStatus::Failed => Self::Failed,
        }
    }
}

impl From<WaveStatus> for Mark {
    fn from(status: WaveStatus) -> Self {
        match status {
            WaveStatus::Pending => Self::Pending,
            WaveStatus::Running => Self::Running,
            WaveStatus::Completed => Self::Completed,
            WaveStatus::Failed => Self::Failed,
        }
    }
}

impl From<BatchStatus> for Mark {
    fn from(status: BatchStatus) -> Self {
        match status {
            BatchStatus::Pending => Self::Pending,
            BatchStatus::Running => Self::Running,
            BatchStatus::Completed => Self::Completed,
        }
    }
}

/// A mark with its word.
#[component]
pub fn Status(
    /// Where it stands.
    #[prop(into)]
    mark: Signal<Mark>,
) -> impl IntoView {
    view! {
        <span class=move || mark.get().class()>
            <svg class="mark" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
                <path fill-rule="evenodd" d=move || mark.get().shape()/>
            </svg>
            <span>{move || mark.get().word()}</span>
        </span>
    }
}

/// A mark where there is no room for its word, which is its name. One element less than a word that is
/// there and not to be seen: a graph has hundreds.
#[component]
pub fn StatusMark(
    /// Where it stands.
    #[prop(into)]
    mark: Signal<Mark>,
) -> impl IntoView {
    view! {
        <span class=move || mark.get().class()>
            <svg class="mark" viewBox="0 0 16 16" width="16" height="16" role="img" aria-label=move || mark.get().word() focusable="false">
                <path fill-rule="evenodd" d=move || mark.get().shape()/>
            </svg>
        </span>
    }
}
