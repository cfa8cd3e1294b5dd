//! Edits beside other programs, other names of a file, and files of unusual size.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Edit, EditOptions, Entry, Error, Files, Kubeconfig, edited, lock, platform};

fn entry(name: &str) -> Entry {
    Entry {
        name: name.to_owned(),
        cluster: json!({"server": "https://127.0.0.1:1"}),
        user: json!({"token": "secret"}),
        context: json!({"cluster": name, "user": name, "extensions": [{"name": "vc", "extension": {"n": 1}}]}),
    }
}

fn put(name: &str) -> Edit {
    Edit::Put(entry(name))
}

fn remove(name: &str) -> Edit {
    Edit::Remove {
        name: name.to_owned(),
    }
}

fn list(paths: &[&Path]) -> Files {
    let paths: Vec<_> = paths.iter().map(|path| path.as_os_str()).collect();
    let list = paths.join(platform::LIST_SEPARATOR.as_ref());
    Files::resolve(None, Some(&list), None)
}

fn patient() -> EditOptions {
    EditOptions {
        lock_timeout: Duration::from_mins(1),
        ..EditOptions::default()
    }
}

/// What a careful program does that keeps kubectl's lock: it fails at once where the lock is held, and writes in place.
fn edit_as_kubectl(path: &Path, name: &str) -> bool {
    let lock = lock::lock_file(path);
    if OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&lock)
        .is_err()
    {
        return false;
    }
    let bytes = fs::read(path).unwrap();
    fs::write(path, edited(path, &bytes, &[put(name)]).unwrap().unwrap()).unwrap();
    fs::remove_file(lock).unwrap();
    true
}

#[test]
fn fifty_threads_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::explicit(folder.path().join("config"));
    let options = EditOptions {
        lock_timeout: Duration::from_mins(1),
        private_lock: Some(folder.path().join("state/lock")),
        backup_folder: Some(folder.path().join("state/backup")),
        ..EditOptions::default()
    };
    std::thread::scope(|scope| {
        for thread in 0..50 {
            let (files, options) = (&files, &options);
            scope.spawn(move || {
                for turn in 0..2 {
                    let edits = [Edit::Put(entry(&format!("{thread}-{turn}")))];
                    files.edit(&edits, options).unwrap();
                }
                files
                    .edit(&[remove(&format!("{thread}-0"))], options)
                    .unwrap();
            });
        }
    });
    let kubeconfig = files.read().unwrap();
    assert_eq!(
        (kubeconfig.contexts.len(), kubeconfig.users.len()),
        (50, 50)
    );
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["config", "state"]);
}

#[test]
fn nothing_is_lost_beside_programs_that_keep_the_lock_of_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, "kind: Config\n").unwrap();
    let files = Files::explicit(&path);
    let written = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (files, path, written) = (&files, &path, &written);
            scope.spawn(move || {
                for turn in 0..10 {
                    files
                        .edit(&[put(&format!("vc-{thread}-{turn}"))], &patient())
                        .unwrap();
                }
            });
            scope.spawn(move || {
                for turn in 0..10 {
                    let is_written = edit_as_kubectl(path, &format!("other-{thread}-{turn}"));
                    written.fetch_add(usize::from(is_written), Ordering::Relaxed);
                    // A reader without a lock never sees half of it.
                    files.read().unwrap();
                }
            });
        }
    });
    let Kubeconfig {
        contexts, users, ..
    } = files.read().unwrap();
    let of = |prefix: &str| {
        let named = contexts.iter().filter(|c| c.name.starts_with(prefix));
        named.count()
    };
    assert_eq!(of("vc-"), 40);
    assert_eq!(of("other-"), written.load(Ordering::Relaxed));
    assert_eq!(users.len(), contexts.len());
}

#[test]
#[cfg(unix)]
fn a_lock_by_either_name_of_a_linked_file_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let [real, link] = ["real", "link"].map(|name| folder.path().join(name));
    fs::write(&real, "kind: Config\n").unwrap();
    std::os::unix::fs::symlink("real", &link).unwrap();
    let impatient = EditOptions {
        lock_timeout: Duration::ZERO,
        ..EditOptions::default()
    };
    for locked in [&real, &link] {
        fs::write(lock::lock_file(locked), "").unwrap();
        let result = Files::explicit(&link).edit(&[put("mine")], &impatient);
        assert!(
            matches!(&result, Err(Error::Locked { file, .. }) if file.file_name() == lock::lock_file(locked).file_name()),
            "{result:?}"
        );
        fs::remove_file(lock::lock_file(locked)).unwrap();
    }
    Files::explicit(&link)
        .edit(&[put("mine")], &impatient)
        .unwrap();
}

#[test]
#[cfg(unix)]
fn one_file_under_two_names_is_changed_once_and_whole() {
    let folder = tempfile::tempdir().unwrap();
    let [real, link, through] =
        ["sub/real", "link", "sub/../sub/real"].map(|name| folder.path().join(name));
    fs::create_dir(folder.path().join("sub")).unwrap();
    fs::write(&real, "kind: Config\n").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let files = list(&[&link, &real, &through]);
    let options = EditOptions {
        lock_timeout: Duration::ZERO,
        ..EditOptions::default()
    };
    files.edit(&[put("mine")], &options).unwrap();
    assert!(files.read().unwrap().user("mine").is_some());
    files.edit(&[remove("mine")], &options).unwrap();
    let left = files.read().unwrap();
    assert!(left.contexts.is_empty() && left.clusters.is_empty() && left.users.is_empty());
}

#[test]
fn what_others_put_into_our_context_stays_when_it_is_written_anew() {
    let file = Path::new("config");
    let theirs = "contexts:\n- name: mine\n  context:\n    namespace: web\n    cluster: old\n    color: red\n    extensions: [{name: ide, extension: 7}, {name: vc, extension: old}]\n";
    let bytes = edited(file, theirs.as_bytes(), &[put("mine")])
        .unwrap()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, &bytes).unwrap();
    let context = Files::explicit(&path).read().unwrap().contexts.remove(0);
    assert_eq!(
        context.context,
        json!({
            "cluster": "mine", "user": "mine", "namespace": "web", "color": "red",
            "extensions": [{"name": "vc", "extension": {"n": 1}}, {"name": "ide", "extension": 7}],
        })
    );
    assert_eq!(edited(file, &bytes, &[put("mine")]).unwrap(), None);
}

#[test]
fn a_file_gets_back_what_it_was_unless_somebody_else_wrote_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let options = EditOptions {
        backup_folder: Some(folder.path().join("state")),
        ..EditOptions::default()
    };
    let files = Files::explicit(&path);
    for text in ["", "# only\n", "{}", "users: []\ncurrent-context:\n", "~"] {
        fs::write(&path, text).unwrap();
        files.edit(&[put("mine")], &options).unwrap();
        files.edit(&[put("other")], &options).unwrap();
        files.edit(&[remove("mine")], &options).unwrap();
        files.edit(&[remove("other")], &options).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    fs::write(&path, "# theirs\n").unwrap();
    files.edit(&[put("mine")], &options).unwrap();
    let theirs = format!("# new\n{}", fs::read_to_string(&path).unwrap());
    fs::write(&path, theirs).unwrap();
    files.edit(&[remove("mine")], &options).unwrap();
    let left = fs::read_to_string(&path).unwrap();
    assert!(left.starts_with("# new\n# theirs\n"), "{left}");
    assert!(!left.contains("mine"), "{left}");
}

#[test]
fn a_large_file_is_edited_and_one_without_end_is_not_read() {
    let names = (0..2000).map(|number| format!("cluster-{number}"));
    let item = |name: &String| {
        let key = "LS0tLS1CRUdJTg".repeat(20);
        json!({"name": name, "user": {"client-key-data": key}})
    };
    let users: Vec<Value> = names.clone().map(|name| item(&name)).collect();
    let contexts: Vec<Value> = names.map(|name| json!({"name": name})).collect();
    let text = json!({"users": users, "contexts": contexts}).to_string();
    let file = Path::new("config");
    let with = edited(file, text.as_bytes(), &[put("mine")])
        .unwrap()
        .unwrap();
    assert!(with.len() > text.len());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    File::create(&path).unwrap().set_len(40 << 20).unwrap();
    for path in [path, PathBuf::from("/dev/zero")] {
        let result = Files::explicit(path).read();
        assert!(matches!(result, Err(Error::TooLarge { .. })), "{result:?}");
    }
}
