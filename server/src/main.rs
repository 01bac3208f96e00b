//! The `swell` command.

use clap::{CommandFactory, Parser};
use swell::config::{Cli, Command};

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    // What talks to a server needs neither a log nor a runtime.
    let token = cli.serve.api_token.clone();
    match &cli.command {
        Some(Command::Status(it)) => return exit(swell::cli::status(it, token)),
        Some(Command::Waves(it)) => return exit(swell::cli::waves(it, token)),
        Some(Command::Submit(it)) => return exit(swell::cli::submit(it, token)),
        Some(Command::Claim(it)) => return exit(swell::cli::claim(it, token)),
        Some(Command::Heartbeat(it)) => return exit(swell::cli::beat(it, token)),
        Some(Command::Report(it)) => return exit(swell::cli::report(it, token)),
        Some(Command::Watch(it)) => return exit(swell::cli::watch(it, token)),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(*shell, &mut Cli::command(), "swell", &mut std::io::stdout());
            return std::process::ExitCode::SUCCESS;
        }
        Some(Command::Demo(demo)) => return finish(swell::demo::run(demo, cli.serve.api_token)),
        Some(Command::Swarm(swarm)) => return finish(swell::swarm::run(swarm)),
        Some(Command::Hooks(hooks)) => {
            return finish(swell::hooks::run(hooks, cli.serve.api_token));
        }
        _ => {}
    }
    swell::telemetry::start(&cli.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}")),
    };
    let done = runtime.block_on(async {
        match cli.command.unwrap_or(Command::Serve) {
            Command::Serve => swell::serve::run(cli.serve, cli.database).await,
            Command::Migrate => swell::serve::migrate(cli.database).await,
            Command::Doctor => swell::doctor::run(&cli.serve, &cli.database).await,
            Command::Mcp(to) => swell::mcp::run(&to, cli.serve.api_token).await,
            Command::Openapi => swell::openapi::print(),
            // Done above.
            _ => Ok(()),
        }
    });
    // What still runs in the background has nothing left to say.
    runtime.shutdown_background();
    finish(done)
}

fn exit(done: Result<std::process::ExitCode, String>) -> std::process::ExitCode {
    done.unwrap_or_else(|message| fail(&message))
}

fn finish(done: Result<(), String>) -> std::process::ExitCode {
    match done {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => fail(&message),
    }
}

fn fail(message: &str) -> std::process::ExitCode {
    eprintln!("swell: {message}");
    std::process::ExitCode::FAILURE
}
