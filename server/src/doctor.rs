//! `swell doctor`: what would keep Swell from running here, and how to mend it.

use engine::Engine;

use crate::{
    config::{Database, Serve},
    edge::Edge,
    postgres, serve,
};

/// One finding.
struct Finding {
    what: &'static str,
    found: Result<String, String>,
}

/// Checks everything and prints what it finds.
///
/// # Errors
/// When something has to be mended.
pub async fn run(serve: &Serve, database: &Database) -> Result<(), String> {
    let mut findings = vec![listening(serve), port(serve).await, site(serve)];
    findings.extend(match &database.database_url {
        Some(url) => vec![schema(url).await],
        None => embedded(database).await,
    });
    println!("Swell {}", env!("CARGO_PKG_VERSION"));
    let mut wrong = 0;
    for Finding { what, found } in findings {
        match found {
            Ok(fine) => println!("ok    {what}: {fine}"),
            Err(mend) => {
                wrong += 1;
                println!("MEND  {what}: {mend}");
            }
        }
    }
    if wrong == 0 { Ok(()) } else { Err(format!("{wrong} things to mend")) }
}

fn listening(serve: &Serve) -> Finding {
    let found = Edge::may_listen(serve.listen, serve.api_token.as_deref()).map(|()| {
        format!(
            "{}, {}",
            serve.listen,
            if serve.api_token.is_some() { "with a token" } else { "this machine only" }
        )
    });
    Finding { what: "address", found }
}

async fn port(serve: &Serve) -> Finding {
    let found = match tokio::net::TcpListener::bind(serve.listen).await {
        Ok(_) => Ok(format!("{} is free", serve.listen)),
        Err(error) => Err(format!(
            "{} cannot be used ({error}); stop what listens there (perhaps a Swell), or choose another with --listen",
            serve.listen
        )),
    };
    Finding { what: "port", found }
}

fn site(serve: &Serve) -> Finding {
    let pkg = serve.site_dir().join("pkg");
    let has = |ending: &str| {
        std::fs::read_dir(&pkg)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().ends_with(ending))
    };
    let found = if has(".wasm") && has(".js") && has(".css") {
        Ok(pkg.display().to_string())
    } else {
        Err(format!(
            "{} is not built; run ./swell.sh run, or name it with --site-dir",
            pkg.display()
        ))
    };
    Finding { what: "dashboard", found }
}

async fn schema(url: &str) -> Finding {
    let found = async {
        let mend = |error: &dyn std::fmt::Display| {
            format!("{error}; check SWELL_DATABASE_URL and that the server runs")
        };
        let pool = Engine::pool(url, 1).await.map_err(|error| mend(&error))?;
        let version = engine::server_version(&pool).await.map_err(|error| mend(&error))?;
        let pending = engine::pending_migrations(&pool).await.map_err(|error| mend(&error))?;
        pool.close().await;
        if version < postgres::OLDEST {
            return Err(format!(
                "the server is PostgreSQL {version}; upgrade it to {} or newer",
                postgres::OLDEST
            ));
        }
        Ok(match pending {
            0 => format!("PostgreSQL {version}, the schema is up to date"),
            count => format!(
                "PostgreSQL {version}, {count} migrations will be applied at the next start"
            ),
        })
    }
    .await;
    Finding { what: "database", found }
}

async fn embedded(database: &Database) -> Vec<Finding> {
    let dir = database.data_dir();
    let version = std::fs::read_to_string(dir.join("postgres/PG_VERSION")).ok();
    let version = version.as_deref().map(str::trim);
    let programs =
        postgres::find_programs(database.postgres_bin.as_deref(), version).and_then(|programs| {
            let version = postgres::program_version(&programs)?;
            Ok(format!("version {version} in {}", programs.display()))
        });
    let usable = programs.is_ok();
    let mut findings = vec![Finding { what: "Postgres programs", found: programs }];
    if version.is_none() {
        let found = Ok(format!("will be made in {} at the first start", dir.display()));
        findings.push(Finding { what: "embedded cluster", found });
    } else if let Some(url) = postgres::in_use(&dir) {
        let found = Ok(format!("in {}, a Swell uses it", dir.display()));
        findings.push(Finding { what: "embedded cluster", found });
        findings.push(schema(&url).await);
    } else if usable {
        // It is started for a look, as `swell migrate` does.
        match serve::open(database).await {
            Ok((url, cluster)) => {
                let found = Ok(format!("in {}, it starts", dir.display()));
                findings.push(Finding { what: "embedded cluster", found });
                findings.push(schema(&url).await);
                serve::stop_cluster(cluster).await;
            }
            Err(error) => findings.push(Finding { what: "embedded cluster", found: Err(error) }),
        }
    }
    findings
}
