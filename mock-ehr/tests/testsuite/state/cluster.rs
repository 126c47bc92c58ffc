//! A PostgreSQL of the tests' own: a fresh cluster on loopback, in a folder and under a user of its own, ended by its pid.
//!
//! Skipped with a loud line where PostgreSQL is not installed, unless `LAUNCHPROOF_REQUIRE_PEERS` is set, as CI does.

use std::io::Write as _;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

/// How long a busy machine may take to start or stop it.
const PATIENCE: Duration = Duration::from_mins(1);

const PASSWORD: &str = "loud-secret-of-the-cluster";

pub(crate) struct Cluster {
    child: Child,
    programs: PathBuf,
    /// The data are gone with it.
    folder: tempfile::TempDir,
    port: u16,
}

/// The cluster that the tests of this process share; the last of them ends it. Nothing, where none can be had.
pub(crate) fn shared() -> Option<Arc<Cluster>> {
    static SHARED: Mutex<Weak<Cluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    if let Some(running) = shared.upgrade() {
        return Some(running);
    }
    let running = Arc::new(own()?);
    *shared = Arc::downgrade(&running);
    Some(running)
}

/// One for a test that stops it.
pub(crate) fn own() -> Option<Cluster> {
    let Some(programs) = installed() else {
        let missing = "PostgreSQL is not installed: run mock-ehr/tests/postgresql/install";
        assert!(std::env::var_os("LAUNCHPROOF_REQUIRE_PEERS").is_none(), "{missing}");
        // Printed texts of tests that pass are swallowed; `./test` counts these lines.
        let _ = writeln!(std::io::stderr(), "########  SKIPPED: {missing}  ########");
        return None;
    };
    Some(Cluster::start(programs))
}

/// Where the server's programs are: Debian keeps them beside each other by version, others in the path.
fn installed() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let of_debian = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut all: Vec<_> = of_debian.collect();
    all.sort();
    all.reverse();
    all.extend(std::env::split_paths(&path));
    all.into_iter().find(|folder| {
        ["initdb", "postgres", "createdb"]
            .iter()
            .all(|name| folder.join(name).exists())
    })
}

impl Cluster {
    fn start(programs: PathBuf) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("launchproof-postgres-")
            .tempdir()
            .unwrap();
        let owner = owner(folder.path());
        let secret = folder.path().join("password");
        std::fs::write(&secret, PASSWORD).unwrap();
        if let Some((user, group)) = owner {
            chown(folder.path(), Some(user), Some(group)).unwrap();
            chown(&secret, Some(user), Some(group)).unwrap();
        }
        let data = folder.path().join("data");
        let mut initdb = Command::new(programs.join("initdb"));
        initdb
            .args(["--username=launchproof", "--auth=scram-sha-256", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync", "--no-instructions"])
            .arg(format!("--pwfile={}", secret.display()))
            .arg("-D")
            .arg(&data);
        let made = as_owner(&mut initdb, owner).current_dir("/").output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut cluster = Self {
            child: served(&programs, &data, port, owner),
            programs,
            folder,
            port,
        };
        cluster.wait("ready");
        cluster
    }

    /// Ends it, as though the machine needed it elsewhere.
    pub(crate) fn stop(&mut self) {
        // Its fast way to end, which lets nobody finish.
        let _ = Command::new("kill")
            .args(["-s", "INT", &self.child.id().to_string()])
            .status();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Starts it once more, with the same data at the same port.
    pub(crate) fn start_again(&mut self) {
        let data = self.folder.path().join("data");
        self.child = served(&self.programs, &data, self.port, owner(Path::new("/proc/self")));
        self.wait("ready_again");
    }

    /// Waits until it makes this database.
    fn wait(&mut self, name: &str) {
        let since = Instant::now();
        while let Err(why) = self.make(name) {
            assert!(self.child.try_wait().unwrap().is_none(), "PostgreSQL ended: {why}");
            assert!(since.elapsed() < PATIENCE, "PostgreSQL does not start: {why}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// The address of a new database of this name.
    pub(crate) fn database(&self, name: &str) -> String {
        self.make(name).unwrap();
        self.address(name, PASSWORD)
    }

    /// The address of a database, with this password.
    pub(crate) fn address(&self, name: &str, password: &str) -> String {
        format!("postgres://launchproof:{password}@127.0.0.1:{}/{name}", self.port)
    }

    fn make(&self, name: &str) -> Result<(), String> {
        let mut createdb = Command::new(self.programs.join("createdb"));
        createdb.args([
            "-h",
            "127.0.0.1",
            "-U",
            "launchproof",
            "-p",
            &self.port.to_string(),
            name,
        ]);
        let made = createdb.env("PGPASSWORD", PASSWORD).output().unwrap();
        if made.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&made.stderr).into_owned())
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn served(programs: &Path, data: &Path, port: u16, owner: Option<(u32, u32)>) -> Child {
    let mut server = Command::new(programs.join("postgres"));
    server
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-h", "127.0.0.1"]);
    // Nothing of it outlives the test.
    for setting in ["fsync=off", "unix_socket_directories=", "log_min_messages=fatal"] {
        server.args(["-c", setting]);
    }
    let server = as_owner(&mut server, owner).current_dir("/");
    let quiet = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    quiet.spawn().unwrap()
}

/// PostgreSQL does not run as root: then the user that comes with the package takes it.
fn owner(mine: &Path) -> Option<(u32, u32)> {
    let me = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(mine).unwrap());
    if me != 0 {
        return None;
    }
    let id = |which: &str| -> Option<u32> {
        let told = Command::new("id").args([which, "postgres"]).output().ok()?;
        String::from_utf8(told.stdout).ok()?.trim().parse().ok()
    };
    let owner = id("-u").zip(id("-g"));
    assert!(
        owner.is_some(),
        "there is no user postgres, and PostgreSQL does not run as root"
    );
    owner
}

fn as_owner(command: &mut Command, owner: Option<(u32, u32)>) -> &mut Command {
    match owner {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}
