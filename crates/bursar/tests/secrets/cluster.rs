//! A PostgreSQL of its own that asks for passwords: the one of the other tests trusts everybody.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use postgres::{Client, NoTls};
use tempfile::TempDir;

const ADMIN_PASSWORD: &str = "admin";

/// A running cluster with one database, `bursar`, that belongs to the role `bursar`.
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// Starts it; the role `bursar` has this password.
    pub fn start(password: &str) -> Cluster {
        let folder = tempfile::Builder::new().prefix("bursar-secrets-").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Cluster { folder, programs: programs(), port };
        let password_file = cluster.folder.path().join("password");
        std::fs::write(&password_file, ADMIN_PASSWORD).unwrap();
        if is_root() {
            run(Command::new("chown").args(["-R", system_user()]).arg(cluster.folder.path()));
        }
        let data = cluster.data();
        let [data, password_file] = [&data, &password_file].map(|path| path.to_str().unwrap());
        cluster.program(
            "initdb",
            &[
                "-D",
                data,
                "-U",
                "admin",
                "-A",
                "scram-sha-256",
                "--pwfile",
                password_file,
                "--no-sync",
                "-E",
                "UTF8",
                "--locale=C",
            ],
        );
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=60"
        );
        let log = cluster.folder.path().join("log");
        cluster.program(
            "pg_ctl",
            &["-D", data, "-l", log.to_str().unwrap(), "-s", "-w", "-o", &options, "start"],
        );
        let mut admin = cluster.admin("postgres");
        admin.batch_execute(&format!("CREATE ROLE bursar LOGIN PASSWORD '{password}'")).unwrap();
        admin.batch_execute("CREATE DATABASE bursar OWNER bursar").unwrap();
        // Before PostgreSQL 15 everybody may create tables in it, since then the database's owner.
        cluster.admin("bursar").batch_execute("GRANT ALL ON SCHEMA public TO bursar").unwrap();
        cluster
    }

    /// The database's URL for a user.
    pub fn url(&self, user: &str, password: &str) -> String {
        format!("postgres://{user}:{password}@127.0.0.1:{}/bursar", self.port)
    }

    /// A superuser's connection.
    pub fn admin(&self, database: &str) -> Client {
        let url = format!("postgres://admin:{ADMIN_PASSWORD}@127.0.0.1:{}/{database}", self.port);
        Client::connect(&url, NoTls).unwrap()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str, arguments: &[&str]) {
        let program = self.programs.join(name);
        let mut command = if is_root() {
            // PostgreSQL refuses to run as root.
            let mut command = Command::new("runuser");
            command.args(["-u", system_user(), "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        run(command.args(arguments).current_dir(self.folder.path()));
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        self.program("pg_ctl", &["-D", data.to_str().unwrap(), "-s", "-m", "immediate", "stop"]);
    }
}

#[track_caller]
fn run(command: &mut Command) {
    // The server that pg_ctl leaves behind would keep a pipe open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}

/// The folder of PostgreSQL's own programs, which Debian keeps out of PATH.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let of_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    let installed = || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let folders = versions.flatten().map(|version| version.path().join("bin"));
        folders.filter(|folder| folder.join("initdb").is_file()).max()
    };
    let found = of_path.or_else(installed).unwrap_or_else(|| {
        panic!("PostgreSQL's initdb is not installed, and this test needs a cluster that asks for passwords: run ./test")
    });
    // A link in PATH leads to where pg_ctl is as well.
    let program = std::fs::canonicalize(found.join("initdb")).unwrap();
    program.parent().map(Path::to_path_buf).unwrap()
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// The system user that runs PostgreSQL when the tests run as root.
fn system_user() -> &'static str {
    let is_there = Command::new("id").arg("postgres").output().is_ok_and(|output| output.status.success());
    if is_there { "postgres" } else { "nobody" }
}
