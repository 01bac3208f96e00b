//! `swell hooks`: Claude Code's hooks, installed into a project, relayed to a server, tried out.
//!
//! Every hook is one command, `swell hooks relay`: it takes the event from its standard input, sends it to
//! the server, and prints the answer. Whether an edit may be made when the server cannot be reached is a
//! flag of that command.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::{Args, Subcommand};
use domain::check::NAME;
use serde_json::{Map, Value, json};

use crate::client::Client;

/// The hooks of a project, or of everything that one does.
#[derive(Clone, Debug, Subcommand)]
pub enum Hooks {
    /// Put Swell's hooks into a project's settings, beside whatever is there.
    Install(Install),
    /// Take Swell's hooks out of a project's settings, and nothing else.
    Uninstall(Place),
    /// Send samples of every event to a server, and show what it answers.
    Test(Target),
    /// Relay one event from standard input; what the installed hooks run.
    Relay(Relay),
}

/// Whose settings.
#[derive(Clone, Debug, Args)]
pub struct Place {
    /// The project's directory.
    #[arg(long, default_value = ".")]
    pub project: PathBuf,
    /// The settings that are committed (`settings.json`) instead of one's own (`settings.local.json`); the
    /// hooks name the place of the `swell` program on this machine.
    #[arg(long)]
    pub shared: bool,
}

/// Where events go.
#[derive(Clone, Debug, Args)]
pub struct Target {
    /// The server.
    #[arg(long, env = "SWELL_URL", default_value = "http://127.0.0.1:3847")]
    pub url: String,
    /// The Swell session that events belong to; Claude Code's own when left out.
    #[arg(long)]
    pub session: Option<String>,
}

/// What to install.
#[derive(Clone, Debug, Args)]
pub struct Install {
    /// Whose settings.
    #[command(flatten)]
    pub place: Place,
    /// The server.
    #[arg(long, env = "SWELL_URL", default_value = "http://127.0.0.1:3847")]
    pub url: String,
    /// The Swell session that events belong to; called like the project's directory when left out, so
    /// that all who work there know of each other's files.
    #[arg(long)]
    pub session: Option<String>,
    /// A session for each window of Claude Code instead: they do not know of each other.
    #[arg(long, conflicts_with = "session")]
    pub each_window: bool,
    /// Refuse edits while the server cannot be reached; otherwise they go on unguarded.
    #[arg(long)]
    pub fail_closed: bool,
}

/// How to relay.
#[derive(Clone, Debug, Args)]
pub struct Relay {
    /// Where events go.
    #[command(flatten)]
    pub target: Target,
    /// Refuse edits while the server cannot be reached.
    #[arg(long)]
    pub fail_closed: bool,
}

/// What tells Swell's hooks from others.
const MARK: &str = " hooks relay ";
/// The events that Swell asks for, and for which tools.
const EVENTS: [(&str, Option<&str>); 9] = [
    ("SessionStart", None),
    ("UserPromptSubmit", None),
    ("PreToolUse", Some("*")),
    ("PostToolUse", Some("*")),
    ("PostToolUseFailure", Some("*")),
    ("SubagentStart", None),
    ("SubagentStop", None),
    ("Stop", None),
    ("SessionEnd", None),
];
/// How long Claude Code waits for a hook; seconds.
const TIMEOUT: u32 = 10;
/// How long the relay waits for the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// Does it.
///
/// # Errors
/// One sentence.
pub fn run(hooks: &Hooks, token: Option<String>) -> Result<(), String> {
    match hooks {
        Hooks::Install(install) => put(install),
        Hooks::Uninstall(place) => take_out(place),
        Hooks::Test(target) => try_out(target, token),
        Hooks::Relay(relay) => pass_on(relay, token),
    }
}

impl Place {
    fn file(&self) -> PathBuf {
        let name = if self.shared { "settings.json" } else { "settings.local.json" };
        self.project.join(".claude").join(name)
    }

    /// What the project's directory is called.
    fn name(&self) -> Result<String, String> {
        let told = |error: std::io::Error| format!("{}: {error}", self.project.display());
        let path = self.project.canonicalize().map_err(told)?;
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let name: String = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
        if name.trim().is_empty() {
            return Err("the project's directory has no name; give one with --session".to_owned());
        }
        Ok(name)
    }
}

fn put(install: &Install) -> Result<(), String> {
    let exe = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command =
        format!("{}{MARK}--url {}", quoted(&exe.to_string_lossy()), quoted(&install.url));
    let session = match &install.session {
        Some(session) => Some(session.clone()),
        None if install.each_window => None,
        None => Some(install.place.name()?),
    };
    if let Some(session) = &session {
        // One word, because a name may begin like a flag.
        command += &format!(" --session={}", quoted(session));
    }
    if install.fail_closed {
        command += " --fail-closed";
    }
    let file = install.place.file();
    let mut settings = read(&file)?;
    without_ours(&mut settings);
    with_ours(&mut settings, &command)?;
    write(&file, &settings)?;
    let whose = session.map_or_else(
        || "its sessions appear".to_owned(),
        |session| format!("what it does appears in session `{session}`"),
    );
    println!(
        "Installed in {}. Restart Claude Code there; {whose} at {}.",
        file.display(),
        install.url
    );
    Ok(())
}

fn take_out(place: &Place) -> Result<(), String> {
    let file = place.file();
    let mut settings = read(&file)?;
    if without_ours(&mut settings) {
        write(&file, &settings)?;
        println!("Taken out of {}.", file.display());
    } else {
        println!("There are none in {}.", file.display());
    }
    Ok(())
}

/// A word of a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn read(file: &Path) -> Result<Map<String, Value>, String> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Map::new()),
        Err(error) => return Err(format!("{}: {error}", file.display())),
    };
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(settings)) => Ok(settings),
        Ok(_) => Err(format!("{} is not a JSON object; nothing was changed", file.display())),
        Err(error) => Err(format!("{} is not JSON ({error}); nothing was changed", file.display())),
    }
}

/// Whole or not at all: what is written beside it takes its place.
fn write(file: &Path, settings: &Map<String, Value>) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{}: {error}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(told)?;
    }
    let text = serde_json::to_string_pretty(settings).map_err(|error| error.to_string())?;
    // What a link leads to, and readable by those who may read it now: settings can hold keys.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let beside = file.with_extension("json.swell");
    // What an attempt left that was cut off.
    let _ = fs::remove_file(&beside);
    let written = || {
        let mut out = fs::File::create_new(&beside)?;
        // Before there is anything to read. Who may not write it may still replace it.
        if let Ok(now) = fs::metadata(&file) {
            out.set_permissions(now.permissions())?;
        }
        out.write_all((text + "\n").as_bytes())?;
        fs::rename(&beside, &file)
    };
    written().map_err(|error| {
        let _ = fs::remove_file(&beside);
        told(error)
    })
}

/// Takes Swell's hooks out, and what is empty without them; says whether there were any.
fn without_ours(settings: &mut Map<String, Value>) -> bool {
    let Some(Value::Object(hooks)) = settings.get_mut("hooks") else { return false };
    let mut found = false;
    // Wherever the program was when they were installed; another tool may have such words, too.
    let is_ours = |hook: &Value| {
        let program = hook["command"].as_str().and_then(|command| command.split_once(MARK));
        program.is_some_and(|(it, _)| it.rsplit('/').next().is_some_and(|it| it.contains("swell")))
    };
    for groups in hooks.values_mut().filter_map(Value::as_array_mut) {
        for group in groups.iter_mut() {
            if let Some(Value::Array(commands)) = group.get_mut("hooks") {
                let before = commands.len();
                commands.retain(|hook| !is_ours(hook));
                found |= commands.len() < before;
            }
        }
        if found {
            groups.retain(|group| group["hooks"].as_array().is_none_or(|hooks| !hooks.is_empty()));
        }
    }
    if found {
        hooks.retain(|_, groups| groups.as_array().is_none_or(|groups| !groups.is_empty()));
        if hooks.is_empty() {
            settings.remove("hooks");
        }
    }
    found
}

fn with_ours(settings: &mut Map<String, Value>, command: &str) -> Result<(), String> {
    let hooks = settings.entry("hooks").or_insert_with(|| Value::Object(Map::new()));
    let Value::Object(hooks) = hooks else {
        return Err("`hooks` in the settings is not an object; nothing was changed".to_owned());
    };
    for (event, matcher) in EVENTS {
        let groups = hooks.entry(event).or_insert_with(|| Value::Array(Vec::new()));
        let Value::Array(groups) = groups else {
            return Err(format!(
                "`hooks.{event}` in the settings is not a list; nothing was changed"
            ));
        };
        let hook = json!({ "type": "command", "command": command, "timeout": TIMEOUT });
        groups.push(match matcher {
            Some(matcher) => json!({ "matcher": matcher, "hooks": [hook] }),
            None => json!({ "hooks": [hook] }),
        });
    }
    Ok(())
}

impl Target {
    fn path(&self) -> String {
        match &self.session {
            None => "/api/hooks/claude-code".to_owned(),
            Some(session) => {
                format!("/api/hooks/claude-code?session={}", app::paths::encoded(session))
            }
        }
    }
}

fn pass_on(relay: &Relay, token: Option<String>) -> Result<(), String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let mut event: Value =
        serde_json::from_str(&text).map_err(|error| format!("the event is not JSON: {error}"))?;
    if let (Some(event), Ok(project)) = (event.as_object_mut(), std::env::var("CLAUDE_PROJECT_DIR"))
    {
        event.insert("project_dir".to_owned(), Value::from(project));
    }
    let client = Client::patient(&relay.target.url, token, PATIENCE);
    let answer = match client.post(&relay.target.path(), &event) {
        Ok(answer) => answer,
        Err(reason) if relay.fail_closed && is_edit(&event) => domain::hook::deny(&format!(
            "Swell cannot be asked whether this edit may be made: {reason}"
        )),
        Err(reason) => {
            // Said, but in nobody's way: any exit but 2 lets Claude Code go on.
            eprintln!("swell: {reason}");
            return Ok(());
        }
    };
    let mut out = std::io::stdout();
    writeln!(out, "{answer}").map_err(|error| error.to_string())
}

/// Whether an edit is about to be made: the one thing that waits for a server, so that an agent can still look
/// around while there is none.
fn is_edit(event: &Value) -> bool {
    serde_json::from_value::<domain::hook::HookEvent>(event.clone())
        .is_ok_and(|event| event.hook_event_name == "PreToolUse" && event.writes())
}

/// One event of each kind, as Claude Code sends them.
fn samples() -> Vec<Value> {
    let cwd = std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned();
    let session = format!("hooks-test-{}", std::process::id());
    let event = |name: &str, more: Value| {
        let mut event = json!({ "session_id": session, "cwd": cwd, "permission_mode": "default", "hook_event_name": name });
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    };
    let file = format!("{cwd}/swell-hooks-test.txt");
    let edit =
        json!({ "tool_name": "Write", "tool_input": { "file_path": file, "content": "hello" } });
    // Of two subagents: what the session itself changed its own may change, too.
    let by = |agent: &str| {
        let mut edit = edit.clone();
        edit["agent_id"] = json!(agent);
        edit
    };
    let done = {
        let mut done = by("first-of-the-test");
        done["tool_response"] = json!({ "success": true });
        done
    };
    vec![
        event("SessionStart", json!({ "source": "startup" })),
        event("UserPromptSubmit", json!({ "prompt": "Say hello" })),
        event("PreToolUse", by("first-of-the-test")),
        event("PostToolUse", done),
        event("PreToolUse", by("agent-of-the-test")),
        // Of a type of its own: it must not take anybody's work.
        event("SubagentStart", json!({ "agent_id": "agent-of-the-test", "agent_type": session })),
        event(
            "SubagentStop",
            json!({ "agent_id": "agent-of-the-test", "agent_type": session, "last_assistant_message": "Done" }),
        ),
        event("Stop", json!({ "stop_hook_active": false })),
        event("SessionEnd", json!({ "reason": "other" })),
    ]
}

fn try_out(target: &Target, token: Option<String>) -> Result<(), String> {
    let client = Client::new(&target.url, token);
    let mut denied = false;
    for event in samples() {
        let began = Instant::now();
        let answer = client.post(&target.path(), &event)?;
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        let name = event["hook_event_name"].as_str().unwrap_or_default();
        println!("{name:<18} {took:>6.1} ms  {answer}");
        denied |= answer["hookSpecificOutput"]["permissionDecision"] == "deny";
    }
    if !denied {
        return Err("another agent's edit of a file that is held was not denied".to_owned());
    }
    println!("The second PreToolUse is another agent's, and denied: the first one holds the file.");
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn hooks_come_beside_what_is_there_once_and_go_without_a_trace() {
        let before = object(json!({
            "model": "opus",
            "hooks": {
                "PreToolUse": [{ "matcher": "Bash", "hooks": [{ "type": "command", "command": "./mine.sh" }] }],
                "Stop": [{ "hooks": [{ "type": "command", "command": "say done" }] }],
                // Words of another tool.
                "SessionEnd": [{ "hooks": [{ "type": "command", "command": "theirs hooks relay x" }] }],
            },
            "zeta": 1,
        }));
        let mut settings = before.clone();
        with_ours(&mut settings, "/bin/swell hooks relay --url x").unwrap();
        let once = settings.clone();
        assert_eq!(settings["hooks"]["PreToolUse"].as_array().unwrap().len(), 2);
        assert_eq!(settings["hooks"]["PreToolUse"][1]["matcher"], "*");
        // Again is once.
        assert!(without_ours(&mut settings));
        with_ours(&mut settings, "/bin/swell hooks relay --url x").unwrap();
        assert_eq!(settings, once);
        assert!(without_ours(&mut settings));
        assert_eq!(settings, before);
        assert!(!without_ours(&mut settings));

        let mut empty = Map::new();
        with_ours(&mut empty, "/bin/swell hooks relay --url x").unwrap();
        assert!(without_ours(&mut empty));
        assert_eq!(empty, Map::new());
        // Somebody's own empty list stays.
        let mut own = object(json!({ "hooks": { "Stop": [] } }));
        assert!(!without_ours(&mut own));
        assert_eq!(own, object(json!({ "hooks": { "Stop": [] } })));
        assert!(with_ours(&mut object(json!({ "hooks": [] })), "x").is_err());
        assert!(
            with_ours(&mut object(json!({ "hooks": { "Stop": 1, "PreToolUse": {} } })), "x")
                .is_err()
        );
    }

    #[test]
    fn words_are_quoted_for_the_shell() {
        assert_eq!(quoted("/usr/bin/swell"), "/usr/bin/swell");
        assert_eq!(quoted("my session"), "'my session'");
        assert_eq!(quoted("it's; rm -rf ~"), r"'it'\''s; rm -rf ~'");
    }
}
