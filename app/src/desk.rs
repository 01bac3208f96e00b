//! What the visitor asked for and what came of it: notices, and the question before a step that
//! cannot be taken back.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, task::spawn_local};

use crate::error::AppError;

/// How long a good notice stays.
const STAY: Duration = Duration::from_secs(6);
/// Most notices at a time.
const MOST: usize = 3;

/// A sentence for the visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Tells notices apart.
    pub id: u32,
    /// Whether something was refused.
    pub refusal: bool,
    /// What to say.
    pub text: String,
    /// Whether logging in would help.
    pub login: bool,
}

/// A question with a button to go on.
#[derive(Clone, Debug)]
pub struct Question {
    /// What it is about.
    pub title: String,
    /// Why it is asked.
    pub text: String,
    /// The button that goes on.
    pub yes: String,
    /// What it does.
    pub then: Callback<()>,
}

/// The desk.
#[derive(Clone, Copy, Debug)]
pub struct Desk {
    /// What is being said.
    pub notices: RwSignal<Vec<Notice>>,
    /// What is being asked.
    pub question: RwSignal<Option<Question>>,
    /// The session whose budget is being set.
    pub budget_of: RwSignal<Option<String>>,
    last: StoredValue<u32>,
}

impl Desk {
    fn new() -> Self {
        Self {
            notices: RwSignal::new(Vec::new()),
            question: RwSignal::new(None),
            budget_of: RwSignal::new(None),
            last: StoredValue::new(0),
        }
    }

    /// Puts a desk into the context.
    pub fn provide() {
        provide_context(Self::new());
    }

    /// Says that something was done; goes away by itself.
    pub fn say(self, text: impl Into<String>) {
        let id = self.push(text.into(), false, false);
        set_timeout(move || self.dismiss(id), STAY);
    }

    /// Says that something was refused, and why; stays until it is dismissed.
    pub fn refuse(self, error: &AppError) {
        self.push(error.to_string(), true, error.is_login());
    }

    /// Takes a notice away.
    pub fn dismiss(self, id: u32) {
        self.notices.update(|notices| notices.retain(|notice| notice.id != id));
    }

    /// Does something on the server, and says what came of it. `busy` is set meanwhile; while it is
    /// set, nothing is done.
    pub fn attempt(
        self,
        busy: RwSignal<bool>,
        work: impl Future<Output = Result<String, AppError>> + 'static,
    ) {
        // Not boxed, small as that looks: behind a `dyn Future` here, 16 kB of what the parts do come with
        // the first page.
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        spawn_local(async move {
            match work.await {
                Ok(done) => self.say(done),
                Err(error) => self.refuse(&error),
            }
            // The button may be gone with its page.
            let _ = busy.try_set(false);
        });
    }

    /// Asks before going on.
    pub fn ask(
        self,
        title: String,
        text: String,
        yes: &str,
        then: impl Fn() + Send + Sync + 'static,
    ) {
        let then = Callback::new(move |()| then());
        self.question.set(Some(Question { title, text, yes: yes.to_owned(), then }));
    }

    fn push(self, text: String, refusal: bool, login: bool) -> u32 {
        let id = self.last.try_update_value(|last| {
            *last = last.wrapping_add(1);
            *last
        });
        let id = id.unwrap_or_default();
        self.notices.update(|notices| {
            notices.retain(|notice| notice.text != text);
            notices.push(Notice { id, refusal, text, login });
            let surplus = notices.len().saturating_sub(MOST);
            notices.drain(..surplus);
        });
        id
    }
}

/// The desk.
#[must_use]
pub fn use_desk() -> Desk {
    use_context().unwrap_or_else(Desk::new)
}
