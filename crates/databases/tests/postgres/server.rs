//! A PostgreSQL server for the tests: its data in a folder of its own, on a port of its own. Not for anything
//! that must last.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{MetadataExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};

use databases::postgres::{Address, Connection, Postgres};
use tempfile::TempDir;

/// The password of the only user, who is called `plinth`.
pub(crate) const PASSWORD: &str = "a secret";

/// How long anything that happens by itself may take before a test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often a free port may be taken by another process before the server has it.
const ATTEMPTS: usize = 5;

/// Who runs the server if these tests run as root, which PostgreSQL refuses: `nobody`.
const NOBODY: u32 = 65534;

/// The server of the tests that run now.
static RUNNING: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A server. It ends with the last test that holds it.
pub(crate) struct Server {
    process: Child,
    port: u16,
    // Deleted after the process has ended.
    _folder: TempDir,
}

impl Server {
    /// The server that other tests hold, or a new one.
    pub(crate) async fn running() -> Arc<Self> {
        let server = {
            let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
            running.upgrade().unwrap_or_else(|| {
                let server = Arc::new(Self::start());
                *running = Arc::downgrade(&server);
                server
            })
        };
        server.ready().await;
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// An address of its database. `options` begin with `?` unless they are empty.
    pub(crate) fn address(&self, options: &str) -> Address {
        let password = PASSWORD.replace(' ', "%20");
        let address = format!("postgres://plinth:{password}@127.0.0.1:{}/postgres{options}", self.port);
        Address::parse(&address).unwrap()
    }

    /// A connection that shares nothing with others.
    pub(crate) async fn connect(&self) -> Connection {
        Postgres::default().open(&self.address("")).await.unwrap()
    }

    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        give_away(folder.path());
        initialise(folder.path());
        let started = (0..ATTEMPTS).find_map(|_| try_start(folder.path()));
        let (process, port) =
            started.unwrap_or_else(|| panic!("PostgreSQL ends at once: {}", log(folder.path())));
        Self { process, port, _folder: folder }
    }

    async fn ready(&self) {
        let begun = Instant::now();
        loop {
            match Postgres::default().open(&self.address("")).await {
                Ok(_) => return,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not answer: {error}"),
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = Command::new("kill").args(["-QUIT", &self.process.id().to_string()]).status();
        if !ended.is_ok_and(|status| status.success()) {
            drop(self.process.kill());
        }
        drop(self.process.wait());
    }
}

/// Makes the empty database.
fn initialise(folder: &Path) {
    let password_file = folder.join("password");
    fs::write(&password_file, PASSWORD).unwrap();
    give_away(&password_file);
    let mut initdb = program(folder, "initdb");
    initdb.arg("--pgdata").arg(folder.join("data")).arg("--pwfile").arg(password_file);
    initdb.args(["--username=plinth", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]);
    let output = initdb.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
}

/// Starts the server on a port that was free a moment ago. `None` if it ends before anybody can connect.
fn try_start(folder: &Path) -> Option<(Child, u16)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut postgres = program(folder, "postgres");
    postgres.arg("-D").arg(folder.join("data")).arg("-k").arg(folder).args(["-p", &port.to_string()]);
    postgres.args(["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
    let mut process = postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
    let begun = Instant::now();
    while process.try_wait().unwrap().is_none() {
        if std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Some((process, port));
        }
        assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not listen");
    }
    None
}

/// A program of PostgreSQL, by a user that it accepts, in a folder that this user may enter.
fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(installed(name));
    command.current_dir(folder).env("LC_ALL", "C");
    if is_given_away(folder) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Where a program is: on the path, or where Debian hides it.
fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut debian: Vec<PathBuf> = debian.map(|version| version.path().join("bin")).collect();
    debian.sort();
    let mut found = std::env::split_paths(&path).chain(debian.into_iter().rev());
    let found = found.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()));
    found.unwrap_or_else(|| {
        panic!(
            "no `{name}`: install PostgreSQL (on Debian `apt-get install postgresql`) or put it on the PATH"
        )
    })
}

/// Gives a file to the user who runs the server, if it is root's.
fn give_away(path: &Path) {
    if fs::metadata(path).unwrap().uid() == 0 {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn is_given_away(folder: &Path) -> bool {
    // Only root can have given it away.
    fs::metadata(folder).unwrap().uid() == NOBODY
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("log")).unwrap_or_default()
}
