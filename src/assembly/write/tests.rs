//! What happens to the folder, in every way a run can end.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

use super::super::sample::{Sample, id, sample};
use super::super::verify;
use super::*;
use crate::diagnostics::codes;

/// How a process ends that died where it was told to.
const DIED: i32 = 99;

/// Lets a test do without a part of the file system, and dies at a step.
#[derive(Debug, Default)]
pub(super) struct Rig {
    pub(super) no_links: bool,
    pub(super) no_exchange: bool,
    die_at: Option<usize>,
    steps: AtomicUsize,
}

impl Rig {
    pub(super) fn step(&self) {
        if Some(self.steps.fetch_add(1, Ordering::Relaxed)) == self.die_at {
            // Nothing is dropped on the way out, as when the process is killed.
            std::process::exit(DIED);
        }
    }
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("assembly");
    (folder, target)
}

/// Names, inodes and times of everything: what must not change.
fn state(folder: &Path) -> Vec<(PathBuf, u64, i64, i64)> {
    let mut all = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let metadata = fs::metadata(&folder).unwrap();
        all.push((folder.clone(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let metadata = entry.metadata().unwrap();
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                all.push((entry.path(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec()));
            }
        }
    }
    all.sort();
    all
}

fn assert_verifies(target: &Path) {
    let findings: Vec<String> = verify(target).iter().map(|finding| finding.message.clone()).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

fn beside(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn inode(target: &Path, path: &str) -> u64 {
    fs::metadata(target.join(path)).unwrap().ino()
}

fn changed(outcome: &Outcome) -> Vec<(&str, Change)> {
    outcome.changed.iter().map(|(path, change)| (path.as_str(), *change)).collect()
}

/// The other assembly: a template and a tenant changed, a file added, another removed.
fn other() -> Sample {
    Sample {
        tenants: 4,
        template: b"{\"Resources\":{\"New\":{}}}\n",
        extra: vec![("org/scp/a.json".to_owned(), b"{}".to_vec()), ("evidence/new.json".to_owned(), b"1".to_vec())],
    }
}

fn first() -> Sample {
    let extra = vec![("org/scp/a.json".to_owned(), b"{}".to_vec()), ("evidence/old.json".to_owned(), b"0".to_vec())];
    Sample { extra, ..sample(3) }
}

#[test]
fn a_new_assembly_verifies_and_nothing_stands_beside_it() {
    let (folder, target) = place();
    let outcome = first().write(&target, Mode::Write).unwrap();
    assert!(outcome.changed.iter().all(|(_, change)| *change == Change::Added));
    assert_eq!(outcome.changed.len(), 8);
    assert_eq!(outcome.bytes, outcome.written);
    assert_verifies(&target);
    assert_eq!(beside(&folder), ["assembly"]);
}

#[test]
fn folders_above_are_made_and_an_empty_one_is_taken() {
    let (folder, _) = place();
    let deep = folder.path().join("a/b/c");
    first().write(&deep, Mode::Write).unwrap();
    assert_verifies(&deep);
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    first().write(&empty, Mode::Write).unwrap();
    assert_verifies(&empty);
}

#[test]
fn writing_the_same_again_leaves_everything_alone() {
    let (_folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let before = state(&target);
    let outcome = first().write(&target, Mode::Write).unwrap();
    assert_eq!(outcome.changed, []);
    assert_eq!((outcome.unchanged, outcome.written), (8, 0));
    assert_eq!(state(&target), before);
}

#[test]
fn only_what_is_different_is_written() {
    for (no_links, no_exchange) in [(false, false), (true, false), (false, true), (true, true)] {
        let (folder, target) = place();
        first().write(&target, Mode::Write).unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o750)).unwrap();
        let (kept, rewritten) = (inode(&target, "org/scp/a.json"), inode(&target, super::super::TENANTS));
        let mut draft = Draft::begin(&target, Mode::Write).unwrap();
        draft.rig.no_links = no_links;
        draft.rig.no_exchange = no_exchange;
        let manifest = other().fill(&draft).unwrap();
        let outcome = draft.finish(manifest).unwrap();
        assert_eq!(
            changed(&outcome),
            [
                ("evidence/new.json", Change::Added),
                ("evidence/old.json", Change::Removed),
                ("manifest.json", Change::Changed),
                ("templates/enterprise.template.json", Change::Changed),
                ("tenantry.json", Change::Changed),
                ("tenants.jsonl", Change::Changed),
            ]
        );
        assert_eq!(outcome.unchanged, 3);
        assert_eq!(inode(&target, "org/scp/a.json") == kept, !no_links);
        assert_ne!(inode(&target, super::super::TENANTS), rewritten);
        assert_eq!(fs::metadata(target.join("org/scp/a.json")).unwrap().nlink(), 1);
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o750);
        assert_verifies(&target);
        assert_eq!(beside(&folder), ["assembly"]);
    }
}

#[test]
fn checking_writes_nothing_and_says_what_writing_would_do() {
    let (folder, target) = place();
    let outcome = first().write(&target, Mode::Check).unwrap();
    assert_eq!(outcome.changed.len(), 8);
    assert_eq!(beside(&folder), [""; 0]);
    first().write(&target, Mode::Write).unwrap();
    let before = state(folder.path());
    assert_eq!(first().write(&target, Mode::Check).unwrap().changed, []);
    let would = other().write(&target, Mode::Check).unwrap();
    assert_eq!(state(folder.path()), before);
    assert_eq!(other().write(&target, Mode::Write).unwrap(), would);
}

#[test]
fn what_somebody_edited_is_put_right() {
    let (_folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let path = target.join("org/scp/a.json");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
    fs::remove_file(target.join("evidence/old.json")).unwrap();
    let outcome = first().write(&target, Mode::Write).unwrap();
    assert_eq!(changed(&outcome), [("evidence/old.json", Change::Added), ("org/scp/a.json", Change::Changed)]);
    assert!(!fs::symlink_metadata(&path).unwrap().is_symlink());
    assert_verifies(&target);
}

#[test]
fn a_strangers_file_stays() {
    let (_folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    fs::create_dir(target.join("notes")).unwrap();
    File::create(target.join("notes/mine.txt")).unwrap().write_all(b"mine").unwrap();
    std::os::unix::fs::symlink("notes/mine.txt", target.join("link")).unwrap();
    assert_eq!(first().write(&target, Mode::Write).unwrap().changed, []);
    let outcome = other().write(&target, Mode::Write).unwrap();
    assert_eq!(outcome.strangers, ["link", "notes/mine.txt"]);
    let mut text = String::new();
    File::open(target.join("link")).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "mine");
    let codes: Vec<_> = verify(&target).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [&codes::VERIFY_STRANGER, &codes::VERIFY_STRANGER]);
}

#[test]
fn what_is_not_an_assembly_is_left_alone() {
    let (folder, target) = place();
    let refused = |target: &Path, why: &str| {
        for mode in [Mode::Write, Mode::Check] {
            let before = state(folder.path());
            let error = first().write(target, mode).unwrap_err();
            assert!(matches!(error.kind(), AssemblyErrorKind::NotAnAssembly { .. }), "{error}");
            assert!(error.to_string().contains(why), "{error}");
            assert_eq!(error.diagnostic().code, &codes::OUTPUT_NOT_AN_ASSEMBLY);
            let names = |state: Vec<(PathBuf, u64, i64, i64)>| state.into_iter().map(|entry| (entry.0, entry.1));
            assert!(names(state(folder.path())).eq(names(before)));
        }
    };
    fs::create_dir(&target).unwrap();
    File::create(target.join("precious")).unwrap();
    refused(&target, "it holds files, but no `tenantry.json`");
    File::create(target.join(MANIFEST)).unwrap().write_all(b"{}").unwrap();
    refused(&target, "is not a manifest");
    let file = folder.path().join("file");
    File::create(&file).unwrap();
    refused(&file, "it is a file");
    for (name, to) in [("to-folder", target.as_path()), ("to-file", &file), ("to-nothing", Path::new("/nowhere"))] {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    }
    refused(&folder.path().join("to-folder"), "is not a manifest");
    refused(&folder.path().join("to-file"), "it is a file");
    refused(&folder.path().join("to-nothing"), "a link that leads nowhere");
    refused(Path::new("/"), "no folder above");
}

#[test]
fn a_link_to_an_assembly_stays_a_link() {
    let (folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("assembly", &link).unwrap();
    other().write(&link, Mode::Write).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_verifies(&target);
    assert_eq!(beside(&folder), ["assembly", "link"]);
}

#[test]
fn two_cannot_write_at_once() {
    let (folder, target) = place();
    let draft = Draft::begin(&target, Mode::Write).unwrap();
    for mode in [Mode::Write, Mode::Check] {
        let error = Draft::begin(&target, mode).unwrap_err();
        assert!(matches!(error.kind(), AssemblyErrorKind::Busy));
        assert_eq!(error.diagnostic().code, &codes::OUTPUT_BUSY);
    }
    drop(draft);
    assert_eq!(beside(&folder), [""; 0]);
    first().write(&target, Mode::Write).unwrap();
    let (one, two) = (Draft::begin(&target, Mode::Check).unwrap(), Draft::begin(&target, Mode::Check).unwrap());
    drop((one, two));
}

#[test]
fn a_dropped_draft_leaves_nothing() {
    let (folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let before = state(&target);
    let draft = Draft::begin(&target, Mode::Write).unwrap();
    other().fill(&draft).unwrap();
    assert_eq!(beside(&folder), [".assembly.lock", ".assembly.staging", "assembly"]);
    drop(draft);
    assert_eq!(state(&target), before);
    assert_eq!(beside(&folder), ["assembly"]);
}

#[test]
fn a_stream_that_is_dropped_is_no_file() {
    let (_folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let draft = Draft::begin(&target, Mode::Write).unwrap();
    let manifest = first().fill(&draft).unwrap();
    let mut stream = draft.stream("half").unwrap();
    stream.write_all(&[0; 3 * CHUNK]).unwrap();
    drop(stream);
    assert_eq!(draft.finish(manifest).unwrap().changed, []);
    assert!(!target.join("half").exists());
}

#[test]
fn a_stream_is_compared_as_it_goes() {
    let long = |seed: u8| -> Vec<u8> { (0..5 * CHUNK).map(|byte| (byte / 7) as u8 ^ seed).collect() };
    let old = long(0);
    let mut late = old.clone();
    late[4 * CHUNK + 5] ^= 1;
    let cases: [(&str, Vec<u8>, bool); 7] = [
        ("same", old.clone(), false),
        ("other from the first byte", long(1), true),
        ("other late", late, true),
        ("longer", [old.as_slice(), b"x"].concat(), true),
        ("shorter", old[..old.len() - 1].to_vec(), true),
        ("a chunk shorter", old[..4 * CHUNK].to_vec(), true),
        ("empty", Vec::new(), true),
    ];
    for (what, new, differs) in cases {
        for piece in [1000, CHUNK, 3 * CHUNK] {
            let (_folder, target) = place();
            for (bytes, expected) in [(&old, Some(Change::Added)), (&new, differs.then_some(Change::Changed))] {
                let draft = Draft::begin(&target, Mode::Write).unwrap();
                let manifest = sample(1).fill(&draft).unwrap();
                let mut stream = draft.stream("stream").unwrap();
                for piece in bytes.chunks(piece) {
                    stream.write_all(piece).unwrap();
                }
                assert_eq!(stream.finish().unwrap(), Digest::of(bytes));
                let outcome = draft.finish(manifest).unwrap();
                let change = outcome.changed.iter().find(|(path, _)| path == "stream").map(|(_, change)| *change);
                assert_eq!(change, expected, "{what}");
                assert_verifies(&target);
            }
        }
    }
}

#[test]
fn a_path_leads_down_and_is_used_once() {
    let (_folder, target) = place();
    let draft = Draft::begin(&target, Mode::Write).unwrap();
    for path in ["", "/a", "../a", "a/../b", "./a", "a/./b", "a//b", "a/", "a\\b", "a\nb", "tenantry.json"] {
        let error = draft.put(path, b"").unwrap_err();
        assert!(matches!(error.kind(), AssemblyErrorKind::Path { .. }), "{path}: {error}");
    }
    draft.put("a/b", b"").unwrap();
    assert!(matches!(draft.put("a/b", b"").unwrap_err().kind(), AssemblyErrorKind::Repeated));
    let stream = draft.stream("c").unwrap();
    assert!(matches!(draft.put("c", b"").unwrap_err().kind(), AssemblyErrorKind::Repeated));
    drop(stream);
    draft.put("c", b"").unwrap();
    assert!(matches!(draft.put("c/d", b"").unwrap_err().kind(), AssemblyErrorKind::Io { .. }));
}

#[test]
fn threads_may_put_at_once() {
    let (_folder, target) = place();
    let draft = Draft::begin(&target, Mode::Write).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let draft = &draft;
            scope.spawn(move || {
                for number in 0..50 {
                    draft.put(&format!("f/{}/{}", number % 5, thread * 50 + number), id(number).as_bytes()).unwrap();
                }
            });
        }
    });
    let manifest = sample(2).fill(&draft).unwrap();
    assert_eq!(draft.finish(manifest).unwrap().changed.len(), 206);
    assert_verifies(&target);
}

#[test]
fn a_run_that_died_between_two_renames_is_undone() {
    let (folder, target) = place();
    first().write(&target, Mode::Write).unwrap();
    let inode = fs::metadata(&target).unwrap().ino();
    fs::rename(&target, folder.path().join(".assembly.previous")).unwrap();
    drop(Draft::begin(&target, Mode::Write).unwrap());
    assert_eq!(fs::metadata(&target).unwrap().ino(), inode);
    assert_verifies(&target);
}

/// Runs this test binary again, to do something that the process does not survive.
fn again(test: &str, target: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "--test-threads=1", "--nocapture"]);
    command.arg(format!("assembly::write::tests::{test}"));
    command.env("TENANTRY_TEST_TARGET", target);
    command
}

fn told(variable: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(variable)
}

#[test]
#[ignore = "the part of the crash test that dies"]
fn child_that_dies() {
    let (Some(target), Some(die_at)) = (told("TENANTRY_TEST_TARGET"), told("TENANTRY_TEST_STEP")) else { return };
    let mut draft = Draft::begin(Path::new(&target), Mode::Write).unwrap();
    draft.rig.die_at = Some(die_at.to_str().unwrap().parse().unwrap());
    draft.rig.no_exchange = told("TENANTRY_TEST_TWO_RENAMES").is_some();
    let manifest = other().fill(&draft).unwrap();
    draft.finish(manifest).unwrap();
}

#[test]
fn a_crash_at_any_step_leaves_the_old_assembly_or_the_new_one() {
    let new = {
        let (_folder, target) = place();
        other().write(&target, Mode::Write).unwrap();
        super::super::read::read(&target.join(MANIFEST)).unwrap()
    };
    for two_renames in [false, true] {
        let (mut step, mut seen_new, mut put_aside) = (0, 0, 0);
        loop {
            let (folder, target) = place();
            first().write(&target, Mode::Write).unwrap();
            let old = super::super::read::read(&target.join(MANIFEST)).unwrap();
            let mut command = again("child_that_dies", &target);
            command.env("TENANTRY_TEST_STEP", step.to_string());
            if two_renames {
                command.env("TENANTRY_TEST_TWO_RENAMES", "yes");
            }
            let output = command.output().unwrap();
            let died = output.status.code() == Some(DIED);
            assert!(died || output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            if !target.exists() {
                // The one moment that a file system without exchange has: the next run begins by ending it.
                assert!(two_renames);
                put_aside += 1;
                drop(Draft::begin(&target, Mode::Write).unwrap());
            }
            assert_verifies(&target);
            let now = super::super::read::read(&target.join(MANIFEST)).unwrap();
            assert!(now == old || now == new, "step {step}");
            assert!(died || now == new);
            seen_new += usize::from(now == new);
            // Whatever is left does not stop the next run.
            other().write(&target, Mode::Write).unwrap();
            assert_verifies(&target);
            assert_eq!(super::super::read::read(&target.join(MANIFEST)).unwrap(), new);
            assert_eq!(beside(&folder), ["assembly"]);
            if !died {
                break;
            }
            step += 1;
        }
        assert!(step > 20, "{step} steps");
        // Two steps follow the swap, and then there is the run that nobody stopped.
        assert_eq!(seen_new, 3);
        assert_eq!(put_aside, usize::from(two_renames));
    }
}

#[test]
#[ignore = "the part of the full-disk test that runs on a tiny file system"]
fn child_on_a_tiny_disk() {
    let Some(folder) = told("TENANTRY_TEST_TARGET") else { return };
    let target = Path::new(&folder).join("assembly");
    first().write(&target, Mode::Write).unwrap();
    let before = state(&target);
    let big = Sample { extra: vec![("evidence/big.json".to_owned(), vec![b'x'; 200_000])], ..other() };
    let many = sample(2000);
    for (sample, names) in [(big, "evidence/big.json"), (many, "tenants.jsonl manifest.json")] {
        let error = sample.write(&target, Mode::Write).unwrap_err();
        let AssemblyErrorKind::Io { source, .. } = error.kind() else { panic!("{error}") };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{error}");
        assert!(names.split(' ').any(|name| error.path() == target.join(name)), "{error}");
        assert_eq!(error.diagnostic().code, &codes::OUTPUT_IO);
        assert_eq!(state(&target), before);
        assert_verifies(&target);
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    println!("filled the disk twice");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_that_names_the_file() {
    // A file system of its own in a mount namespace of its own: no rights are needed and nothing is left mounted.
    let folder = tempfile::tempdir().unwrap();
    let child = again("child_on_a_tiny_disk", folder.path());
    let mount = "mount -t tmpfs -o size=64k tmpfs \"$TENANTRY_TEST_TARGET\" || exit 77; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", mount, "sh"]);
    command.arg(child.get_program()).args(child.get_args()).env("TENANTRY_TEST_TARGET", folder.path());
    let Ok(output) = command.output() else {
        println!("skipped: there is no `unshare` here");
        return;
    };
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(77) || err.contains("unshare:") {
        println!("skipped: a file system cannot be mounted here: {err}");
        return;
    }
    assert!(output.status.success() && out.contains("filled the disk twice"), "{out}\n{err}");
}
