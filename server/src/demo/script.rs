//! The play: a shop gets teams and invoices, in five waves.

/// What happens to a task besides the usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// Nothing.
    None,
    /// Fails at first, and is tried again after a while.
    Fails,
    /// Takes far longer than its like.
    Slow,
}

/// A task.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Who does it.
    pub agent_type: &'static str,
    /// What is to be done.
    pub description: &'static str,
    /// The files that it reads and changes.
    pub files: &'static [&'static str],
    /// What must complete first: places in the same wave.
    pub after: &'static [usize],
    /// What happens to it.
    pub twist: Twist,
}

/// A wave.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// Its tasks.
    pub tasks: &'static [Task],
}

const fn task(
    agent_type: &'static str,
    description: &'static str,
    files: &'static [&'static str],
    after: &'static [usize],
) -> Task {
    Task { agent_type, description, files, after, twist: Twist::None }
}

const fn twisted(twist: Twist, task: Task) -> Task {
    Task { twist, ..task }
}

/// The waves, in order.
pub const WAVES: &[Wave] = &[
    Wave {
        name: "Understand",
        description: "Read what is there before anything is changed.",
        tasks: &[
            task(
                "Explore",
                "Map the modules that know of users and orders",
                &["src/users/mod.rs", "src/orders/mod.rs"],
                &[],
            ),
            task(
                "Explore",
                "Find every place that formats money",
                &["src/money.rs", "web/src/price.ts"],
                &[],
            ),
            task(
                "Explore",
                "List the queries that scan the orders table",
                &["src/orders/queries.sql"],
                &[],
            ),
            task(
                "performance-engineer",
                "Measure the slowest five endpoints",
                &["bench/endpoints.rs"],
                &[2],
            ),
            task("tech-lead", "Decide how teams own orders, in one page", &["docs/teams.md"], &[0]),
            task(
                "security-specialist",
                "List who may see whose invoices today",
                &["docs/access.md"],
                &[0],
            ),
            task(
                "code-reviewer",
                "Check the plan against last year's incidents",
                &["docs/teams.md"],
                &[4, 5],
            ),
        ],
    },
    Wave {
        name: "Foundations",
        description: "Tables, types and the API that everything else stands on.",
        tasks: &[
            task(
                "database-admin",
                "Add the tables of teams and memberships",
                &["migrations/0042_teams.sql"],
                &[],
            ),
            task(
                "database-admin",
                "Move orders from users to teams without downtime",
                &["migrations/0043_orders.sql", "src/orders/queries.sql"],
                &[0],
            ),
            twisted(
                Twist::Fails,
                task(
                    "backend-laravel",
                    "Write the membership rules as pure functions",
                    &["src/teams/rules.rs", "src/teams/mod.rs"],
                    &[0],
                ),
            ),
            task(
                "backend-laravel",
                "Serve teams over the API",
                &["src/teams/api.rs", "src/routes.rs"],
                &[2],
            ),
            task(
                "backend-laravel",
                "Serve invoices over the API",
                &["src/invoices/api.rs", "src/routes.rs"],
                &[1],
            ),
            task(
                "Snipper",
                "Rename `owner` to `created_by` everywhere",
                &["src/orders/mod.rs", "src/users/mod.rs"],
                &[1],
            ),
            task("docs-writer", "Describe the new endpoints", &["docs/api.md"], &[3, 4]),
            task("test-engineer", "Test the membership rules by table", &["tests/rules.rs"], &[2]),
        ],
    },
    Wave {
        name: "Build",
        description: "The screens and jobs, side by side.",
        tasks: &[
            task(
                "frontend-react",
                "Show a team's members, with invitations",
                &["web/src/team/members.tsx", "web/src/api.ts"],
                &[],
            ),
            task(
                "frontend-react",
                "Let people switch between their teams",
                &["web/src/team/switcher.tsx", "web/src/api.ts"],
                &[],
            ),
            task(
                "frontend-react",
                "List invoices with their state and totals",
                &["web/src/invoices/list.tsx", "web/src/price.ts"],
                &[],
            ),
            twisted(
                Twist::Slow,
                task(
                    "frontend-react",
                    "Print an invoice on one page",
                    &["web/src/invoices/print.tsx"],
                    &[2],
                ),
            ),
            task(
                "backend-laravel",
                "Make an invoice when an order ships",
                &["src/invoices/make.rs", "src/money.rs"],
                &[],
            ),
            twisted(
                Twist::Fails,
                task(
                    "backend-laravel",
                    "Send invoices by mail, once each",
                    &["src/invoices/mail.rs"],
                    &[4],
                ),
            ),
            task(
                "backend-laravel",
                "Remind of unpaid invoices after ten days",
                &["src/invoices/remind.rs"],
                &[5],
            ),
            task(
                "performance-engineer",
                "Page the list of orders by cursor",
                &["src/orders/queries.sql", "src/orders/api.rs"],
                &[],
            ),
            task(
                "Snipper",
                "Use one formatter of money everywhere",
                &["src/money.rs", "web/src/price.ts"],
                &[],
            ),
            task(
                "docs-writer",
                "Write the guide for team owners",
                &["docs/guide/teams.md"],
                &[0, 1],
            ),
            task(
                "designer-ui-ux",
                "Draw the empty states of teams and invoices",
                &["web/src/empty.tsx"],
                &[0, 2],
            ),
        ],
    },
    Wave {
        name: "Verify",
        description: "Everything again, by somebody else.",
        tasks: &[
            task(
                "test-engineer",
                "Test invitations from end to end",
                &["e2e/invitations.spec.ts"],
                &[],
            ),
            twisted(
                Twist::Fails,
                task(
                    "test-engineer",
                    "Test that no invoice is sent twice",
                    &["e2e/invoices.spec.ts", "src/invoices/mail.rs"],
                    &[],
                ),
            ),
            task(
                "security-specialist",
                "Try to read another team's invoices",
                &["docs/access.md"],
                &[],
            ),
            task(
                "performance-engineer",
                "Measure the five endpoints again",
                &["bench/endpoints.rs"],
                &[],
            ),
            task("code-reviewer", "Review the diff of the API", &["src/routes.rs"], &[]),
            task("code-reviewer", "Review the diff of the screens", &["web/src/api.ts"], &[]),
            task(
                "Snipper",
                "Mend what the reviews found",
                &["src/teams/api.rs", "web/src/team/members.tsx"],
                &[2, 4, 5],
            ),
        ],
    },
    Wave {
        name: "Ship",
        description: "Out, with a way back.",
        tasks: &[
            task("devops-infra", "Roll the migration out to the copy", &["deploy/copy.yml"], &[]),
            task("devops-infra", "Write down the way back", &["docs/rollback.md"], &[]),
            task("devops-infra", "Roll out to one in ten", &["deploy/canary.yml"], &[0, 1]),
            task("docs-writer", "Write the notes of the release", &["CHANGELOG.md"], &[]),
            task(
                "tech-lead",
                "Look at the numbers, and go on or back",
                &["docs/release.md"],
                &[2, 3],
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_play_has_no_circle_and_names_only_its_own_tasks() {
        for wave in WAVES {
            for (at, task) in wave.tasks.iter().enumerate() {
                assert!(
                    task.after.iter().all(|before| *before < at),
                    "{}: {}",
                    wave.name,
                    task.description
                );
            }
        }
    }

    #[test]
    fn the_play_has_failures_and_two_agents_on_one_file_at_once() {
        let tasks = || WAVES.iter().flat_map(|wave| wave.tasks);
        assert!(tasks().filter(|task| task.twist == Twist::Fails).count() >= 2);
        let meet = |a: &Task, b: &Task| a.files.iter().any(|file| b.files.contains(file));
        let side_by_side = |wave: &Wave| {
            let free: Vec<_> = wave.tasks.iter().filter(|task| task.after.is_empty()).collect();
            free.iter().enumerate().any(|(at, a)| free[at + 1..].iter().any(|b| meet(a, b)))
        };
        assert!(WAVES.iter().any(side_by_side));
    }
}
