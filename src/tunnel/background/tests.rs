//! Real processes: this test binary runs itself as the tunnel.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;

use super::*;

/// Tells the process of [`child`] where its record lies.
const FOLDER: &str = "TUNNEL_TEST_FOLDER";

fn key(name: &str) -> Key {
    Key {
        host: "https://host:6443".to_owned(),
        namespace: "team".to_owned(),
        name: name.to_owned(),
    }
}

fn new_folder() -> (tempfile::TempDir, Folder) {
    let state = tempfile::tempdir().expect("a folder");
    let folder = Folder::new(state.path());
    (state, folder)
}

#[expect(clippy::disallowed_methods, reason = "the tests run their own binary")]
fn tunnel(folder: &Folder) -> Command {
    let name = format!(
        "{}::child",
        module_path!().split_once("::").expect("a crate").1
    );
    let mut command = Command::new(std::env::current_exe().expect("ourselves"));
    command
        .args(["--exact", &name, "--ignored", "--nocapture"])
        .env(FOLDER, &folder.0);
    command
}

#[test]
#[ignore = "the process that the other tests start"]
#[expect(clippy::disallowed_methods, reason = "the tests run their own binary")]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    detach();
    let Some(mut serving) = Folder(folder.into()).serve(&key("dev")).unwrap() else {
        return;
    };
    serving.listening().unwrap();
    // Not for ever, as a test that fails does not stop it.
    thread::sleep(Duration::from_mins(1));
}

#[test]
fn a_port_stays_with_its_cluster() {
    let (_state, folder) = new_folder();
    let ports: Vec<u16> = ["a", "b", "c"]
        .map(|name| folder.port(&key(name)).unwrap())
        .into();
    let distinct: HashSet<_> = ports.iter().collect();
    assert_eq!(distinct.len(), 3);
    assert!(ports.iter().all(|port| PORTS.contains(port)));
    assert_eq!(folder.port(&key("b")).unwrap(), ports[1]);
    let changed = folder
        .serve(&key("b"))
        .unwrap()
        .unwrap()
        .change_port()
        .unwrap();
    assert!(!ports.contains(&changed));
    assert_eq!(folder.port(&key("b")).unwrap(), changed);
}

#[test]
fn looking_makes_no_folder() {
    let (state, folder) = new_folder();
    assert_eq!(folder.running(&key("dev")).unwrap(), None);
    assert!(!folder.stop(&key("dev")).unwrap());
    folder.forget(&key("dev")).unwrap();
    assert_eq!(folder.all().unwrap(), []);
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn a_tunnel_runs_until_it_is_stopped() {
    let (_state, folder) = new_folder();
    let key = key("dev");
    let running = folder.start(&key, tunnel(&folder)).unwrap();
    assert_eq!(running.port, folder.port(&key).unwrap());
    assert_eq!(folder.running(&key).unwrap().as_ref(), Some(&running));
    assert_eq!(
        folder.all().unwrap(),
        [(key.clone(), Some(running.clone()))]
    );
    assert_eq!(
        folder.forget(&key).unwrap_err().kind(),
        io::ErrorKind::ResourceBusy
    );

    assert!(folder.stop(&key).unwrap());
    assert_eq!(folder.running(&key).unwrap(), None);
    assert!(!folder.stop(&key).unwrap());
    assert_eq!(folder.all().unwrap(), [(key.clone(), None)]);
    assert_eq!(folder.port(&key).unwrap(), running.port);

    folder.forget(&key).unwrap();
    assert_eq!(folder.all().unwrap(), []);
}

#[test]
fn several_starts_at_once_start_one() {
    let (_state, folder) = new_folder();
    let start = || {
        thread::spawn({
            let folder = folder.clone();
            move || folder.start(&key("dev"), tunnel(&folder)).unwrap().pid
        })
    };
    let threads: Vec<_> = std::iter::repeat_with(start).take(6).collect();
    let pids: HashSet<u32> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(pids.len(), 1);
    folder.stop(&key("dev")).unwrap();
}

#[test]
fn a_killed_process_is_no_tunnel() {
    let (_state, folder) = new_folder();
    let key = key("dev");
    let running = folder.start(&key, tunnel(&folder)).unwrap();
    process::Handle::open(running.pid).unwrap().end(true);
    Lock::open(&Files::new(&folder.0, &key).serving())
        .unwrap()
        .take()
        .unwrap();
    assert_eq!(folder.running(&key).unwrap(), None);
    let next = folder.start(&key, tunnel(&folder)).unwrap();
    assert_eq!(next.port, running.port);
    assert_ne!(next.pid, running.pid);
    folder.stop(&key).unwrap();
}

#[test]
fn a_process_id_without_the_lock_is_not_trusted() {
    let (_state, folder) = new_folder();
    let key = key("dev");
    let serving = folder.serve(&key).unwrap().unwrap();
    drop(serving);
    // The record now names this very process, which must survive.
    assert!(!folder.stop(&key).unwrap());
}

#[test]
fn a_process_that_fails_says_why() {
    let (_state, folder) = new_folder();
    let mut command = Command::new("sh");
    command.args(["-c", "echo 'out of luck' >&2; exit 1"]);
    let error = folder.start(&key("dev"), command).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the tunnel ended as soon as it began: out of luck"
    );
}

#[test]
fn nobody_else_can_read_the_record() {
    let (_state, folder) = new_folder();
    folder.start(&key("dev"), tunnel(&folder)).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    folder.stop(&key("dev")).unwrap();
}
