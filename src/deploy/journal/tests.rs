use std::sync::Arc;

use super::*;

struct Still;

impl Clock for Still {
    fn now(&self) -> u64 {
        1_795_279_500_000
    }

    fn sleep(&self, _duration: std::time::Duration) {}
}

fn binding() -> Binding {
    Binding {
        journal: VERSION,
        rollout: Digest::of(b"rollout"),
        assembly: Digest::of(b"assembly"),
        account: "111111111111".to_owned(),
    }
}

fn ask(step: &str, call: &str) -> Event {
    Event::Ask { step: step.to_owned(), attempt: 1, call: call.to_owned(), token: "t".to_owned() }
}

/// What a journal holds after some events, as it lies on the disk.
fn written() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollout.journal.jsonl");
    let journal = Journal::open(&path, &binding(), &Still).unwrap();
    for event in [
        Event::Step { step: "stack/a".to_owned(), attempt: 1 },
        ask("stack/a", "create-change-set"),
        Event::Answer {
            step: "stack/a".to_owned(),
            attempt: 1,
            call: "create-change-set".to_owned(),
            value: Some("arn:é".to_owned()),
            error: None,
        },
        Event::Failed { step: "stack/a".to_owned(), attempt: 1, failures: 2, reasons: vec!["because".to_owned()] },
        Event::Step { step: "stack/b".to_owned(), attempt: 1 },
        Event::Done { step: "stack/b".to_owned(), attempt: 1, how: How::Created },
        Event::Bake { wave: "canary".to_owned(), since: 5 },
        Event::Ring { wave: "canary".to_owned(), alarms: vec!["errors".to_owned()] },
        ask("stack/c", "delete-stack"),
    ] {
        journal.write(&Still, &event).unwrap();
    }
    (folder, path)
}

#[expect(clippy::disallowed_methods, reason = "looks at what was written")]
fn bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap()
}

#[test]
fn what_is_written_is_read_back() {
    let (_folder, path) = written();
    let text = String::from_utf8(bytes(&path)).unwrap();
    let first = text.lines().next().unwrap();
    assert!(
        first.starts_with("{\"at\":\"2026-11-21T16:45:00Z\",\"event\":\"begin\",\"journal\":1,\"rollout\":\""),
        "{first}"
    );
    let journal = Journal::open(&path, &binding(), &Still).unwrap();
    let step = journal.step("stack/a");
    assert_eq!((step.attempt, step.over), (1, true));
    assert_eq!(step.failed, Some((2, vec!["because".to_owned()])));
    assert_eq!(step.asked["create-change-set"].value.as_deref(), Some("arn:é"));
    assert_eq!(journal.step("stack/b").done, Some(How::Created));
    assert!(!journal.step("stack/c").asked["delete-stack"].taken);
    assert_eq!(journal.gate("canary"), Some((5, false)));
    assert_eq!(journal.runs(), 2);
}

#[test]
fn a_journal_that_is_torn_at_any_byte_is_what_its_whole_lines_say() {
    let (_folder, path) = written();
    let whole = bytes(&path);
    for end in 0..=whole.len() {
        let torn = &whole[..end];
        let lines = torn.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let (_, past, count) = read(torn).unwrap_or_else(|error| panic!("torn at {end}: {error}"));
        assert_eq!(count, lines, "torn at {end}");
        assert_eq!(past, read(&torn[..lines]).unwrap().1, "torn at {end}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        #[expect(clippy::disallowed_methods, reason = "tears a file")]
        std::fs::write(&path, torn).unwrap();
        drop(Journal::open(&path, &binding(), &Still).unwrap());
        // What was torn is gone, and what follows is whole.
        read(&bytes(&path)).unwrap();
        assert_eq!(bytes(&path)[..lines], torn[..lines], "torn at {end}");
    }
}

#[test]
fn a_broken_line_in_the_middle_is_an_error() {
    let (_folder, path) = written();
    let mut broken = bytes(&path);
    let at = broken.iter().position(|byte| *byte == b'\n').unwrap();
    broken[at + 3] = b'\0';
    let error = read(&broken).unwrap_err();
    assert!(error.to_string().starts_with("line 2 of the journal cannot be read: "), "{error}");
    assert!(read(b"{\"event\":\"run\"}\n{\"at\":\"\",\"event\":\"run\"}\n").is_err());
    let later = format!(
        "{}\n",
        serde_json::json!({
            "at": "", "event": "begin", "journal": 2, "rollout": Digest::of(b""), "assembly": Digest::of(b""), "account": "1",
        })
    );
    assert_eq!(
        read(later.as_bytes()).unwrap_err().to_string(),
        "line 1 of the journal cannot be read: it has format 2, and this version knows 1"
    );
}

#[test]
fn a_journal_fits_its_rollout_assembly_and_account_and_one_run_at_a_time() {
    let (_folder, path) = written();
    let other = Digest::of(b"other");
    for (strange, what) in [
        (Binding { rollout: other, ..binding() }, "rollout"),
        (Binding { assembly: other, ..binding() }, "assembly"),
        (Binding { account: "2".to_owned(), ..binding() }, "account"),
    ] {
        let before = bytes(&path);
        let error = Journal::open(&path, &strange, &Still).unwrap_err();
        assert_eq!(error.to_string(), format!("the journal belongs to another {what}"));
        assert_eq!(bytes(&path), before);
    }
    let held = Journal::open(&path, &binding(), &Still).unwrap();
    assert!(matches!(Journal::open(&path, &binding(), &Still), Err(JournalError::Busy(_))));
    drop(held);
    Journal::open(&path, &binding(), &Still).unwrap();
}

#[test]
fn failures_stand_after_a_kill_and_are_tried_again_after_an_end() {
    let (_folder, path) = written();
    let journal = Journal::open(&path, &binding(), &Still).unwrap();
    assert!(journal.step("stack/a").failed.is_some());
    journal.write(&Still, &Event::End { run: Ended::Stopped }).unwrap();
    drop(journal);
    let journal = Journal::open(&path, &binding(), &Still).unwrap();
    let step = journal.step("stack/a");
    assert_eq!((step.failed, step.over, step.attempt), (None, true, 1));
    assert_eq!(journal.gate("canary"), None, "a gate that rang begins anew");
    assert_eq!(journal.step("stack/b").done, Some(How::Created));
}

#[test]
fn nothing_is_written_after_a_write_that_failed() {
    struct Full(Arc<Mutex<usize>>);
    impl Store for Full {
        fn append(&mut self, _bytes: &[u8]) -> io::Result<()> {
            let mut left = self.0.lock().unwrap();
            *left = left.checked_sub(1).ok_or_else(|| io::Error::other("no space left"))?;
            Ok(())
        }
    }
    let left = Arc::new(Mutex::new(3));
    let journal = Journal::over(Box::new(Full(Arc::clone(&left))), b"", &binding(), &Still).unwrap();
    journal.write(&Still, &ask("a", "x")).unwrap();
    assert!(journal.write(&Still, &ask("b", "x")).is_err());
    *left.lock().unwrap() = 9;
    assert_eq!(journal.write(&Still, &ask("c", "x")).unwrap_err().to_string(), "no space left");
    assert!(journal.step("b").asked.is_empty() && journal.step("c").asked.is_empty());
}

#[test]
fn a_journal_whose_rollout_is_finished_makes_room_and_is_kept() {
    let (folder, path) = written();
    let next = Binding { rollout: Digest::of(b"the next"), ..binding() };
    let ends = |run: Ended| {
        let journal = Journal::open(&path, &binding(), &Still).unwrap();
        journal.write(&Still, &Event::End { run }).unwrap();
    };
    ends(Ended::Stopped);
    assert!(matches!(Journal::open(&path, &next, &Still), Err(JournalError::Other { what: "rollout" })));
    ends(Ended::Finished);
    let before = bytes(&path);
    let journal = Journal::open(&path, &next, &Still).unwrap();
    assert_eq!((journal.runs(), journal.step("stack/b").done), (1, None));
    let digest: String = Digest::of(b"rollout").to_string().chars().take(12).collect();
    assert_eq!(bytes(&folder.path().join(format!("rollout.journal.{digest}.jsonl"))), before);
    assert!(matches!(Journal::open(&path, &next, &Still), Err(JournalError::Busy(_))));
}
