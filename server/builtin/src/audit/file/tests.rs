//! The file device on real files, real faults included.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, symlink},
};

use keyward_core::audit::{
    conformance::Fixture,
    verify::{Reason, Summary, verify},
};
use tempfile::TempDir;

use super::*;
use crate::audit::receiver::open;

fn device(path: &Path) -> Arc<dyn AuditDevice> {
    open(&FILE, &[("file_path", path.to_str().unwrap())]).unwrap()
}

/// A log whose disk is full at times.
struct Disk {
    device: Arc<dyn AuditDevice>,
    folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let device = device(&folder.path().join("audit.log"));
        Self { device, folder }
    }
}

#[async_trait]
impl Fixture for Disk {
    fn device(&self) -> &Arc<dyn AuditDevice> {
        &self.device
    }

    async fn break_down(&mut self) -> bool {
        let path = self.folder.path().join("audit.log");
        fs::rename(&path, self.folder.path().join("audit.log.1")).unwrap();
        symlink("/dev/full", &path).unwrap();
        self.device.reopen().await.unwrap();
        true
    }

    async fn mend(&mut self) {
        fs::remove_file(self.folder.path().join("audit.log")).unwrap();
        self.device.reopen().await.unwrap();
    }

    async fn received(&mut self, _: usize) -> Vec<String> {
        let names = ["audit.log.1", "audit.log"].iter();
        names
            .filter_map(|name| fs::read_to_string(self.folder.path().join(name)).ok())
            .collect()
    }
}

mod conformance {
    keyward_core::audit_conformance!(super::Disk::new());
}

/// A device that knows where its log ended.
fn knowing(path: &Path, head: Option<Head>) -> (Arc<dyn AuditDevice>, Arc<Standing>) {
    let clock = Arc::new(keyward_core::SystemClock);
    let standing = Arc::new(Standing::new("file/", clock, head));
    let options = crate::audit::receiver::options(&[("file_path", path.to_str().unwrap())]);
    ((FILE.open)(&options, &standing).unwrap(), standing)
}

fn line(text: &str) -> Lines {
    Lines::new(format!("{{\"text\":\"{text}\"\n").into_bytes())
}

fn check(path: &Path, after: Option<&Summary>) -> Summary {
    verify(&*fs::read(path).unwrap(), after).unwrap()
}

fn log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.log");
    (folder, path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_lines_of_concurrent_requests_make_one_chain() {
    let (_folder, path) = log();
    let device = device(&path);
    let tasks = (0..16).map(|task| {
        let device = Arc::clone(&device);
        tokio::spawn(async move {
            for n in 0..50 {
                let pair = format!("{{\"request\":{task}.{n}\n{{\"response\":{task}.{n}\n");
                device.write(Lines::new(pair.into_bytes())).await.unwrap();
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(check(&path, None).lines, 1600);
    // The two lines of one request stand together.
    let text = fs::read_to_string(&path).unwrap();
    let names: Vec<_> = text
        .lines()
        .map(|line| line.split([':', ',']).nth(1).unwrap())
        .collect();
    assert!(names.chunks(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_chain_goes_on_after_a_restart() {
    let (_folder, path) = log();
    for round in 1..=3 {
        device(&path).write(line("x")).await.unwrap();
        assert_eq!(check(&path, None).sequence, round);
    }
    let long = "x".repeat(300_000);
    device(&path).write(line(&long)).await.unwrap();
    device(&path)
        .write(line("after a line longer than what is read at first"))
        .await
        .unwrap();
    assert_eq!(check(&path, None).lines, 5);
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_followed_by_a_new_one() {
    let (folder, path) = log();
    let device = device(&path);
    device.write(line("first")).await.unwrap();
    let moved = folder.path().join("audit.log.1");
    fs::rename(&path, &moved).unwrap();
    device.write(line("still in the first")).await.unwrap();
    assert!(!path.exists());
    device.reopen().await.unwrap();
    device.write(line("second")).await.unwrap();
    // Once more, with nothing moved.
    device.reopen().await.unwrap();
    device.write(line("second")).await.unwrap();
    let first = check(&moved, None);
    let second = check(&path, Some(&first));
    assert_eq!((first.lines, second.lines, second.sequence), (2, 2, 4));
}

#[tokio::test]
async fn a_line_that_a_crash_cut_short_is_removed_and_told_of() {
    let (_folder, path) = log();
    device(&path).write(line("whole")).await.unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
    assert!(matches!(
        verify(&*fs::read(&path).unwrap(), None).unwrap_err().reason,
        Reason::Torn
    ));
    device(&path).write(line("after")).await.unwrap();
    let summary = check(&path, None);
    assert_eq!((summary.lines, summary.torn), (2, vec![(1, 20)]));

    fs::write(&path, &whole[..20]).unwrap();
    device(&path)
        .write(line("the first line was cut short"))
        .await
        .unwrap();
    let summary = check(&path, None);
    assert_eq!((summary.lines, summary.torn), (1, vec![(0, 20)]));
}

#[tokio::test]
async fn a_file_of_somebody_else_is_left_alone() {
    let (_folder, path) = log();
    fs::write(&path, "{\"type\":\"request\"}\n").unwrap();
    let error = device(&path).write(line("x")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("was not written by an audit device")
    );
    assert_eq!(fs::read(&path).unwrap(), b"{\"type\":\"request\"}\n");
}

#[tokio::test]
async fn two_devices_do_not_write_one_file() {
    let (_folder, path) = log();
    let first = device(&path);
    first.write(line("x")).await.unwrap();
    let error = device(&path).write(line("y")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("another audit device or process")
    );
    first.write(line("z")).await.unwrap();
    assert_eq!(check(&path, None).lines, 2);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_device_waits_for_the_one_that_is_just_letting_go() {
    let (_folder, path) = log();
    device(&path).write(line("x")).await.unwrap();
    let holder = fs::File::open(&path).unwrap();
    holder.lock().unwrap();
    let second = device(&path);
    let write = second.write(line("y"));
    let let_go = tokio::task::spawn_blocking(move || {
        crate::lock::tests::wait_for_a_waiter(&holder);
        drop(holder);
    });
    let (written, let_go) = tokio::join!(write, let_go);
    written.unwrap();
    let_go.unwrap();
    assert_eq!(check(&path, None).lines, 2);
}

#[tokio::test]
async fn a_full_device_fails_until_it_is_replaced() {
    let (_folder, path) = log();
    symlink("/dev/full", &path).unwrap();
    let device = device(&path);
    for _ in 0..2 {
        let error = device.write(line("x")).await.unwrap_err();
        assert!(
            error.to_string().contains("No space left on device"),
            "{error}"
        );
    }
    fs::remove_file(&path).unwrap();
    device.reopen().await.unwrap();
    device.write(line("x")).await.unwrap();
    assert_eq!(check(&path, None).sequence, 1);
}

#[tokio::test]
async fn the_file_and_its_folders_are_private_unless_told_otherwise() {
    let (folder, path) = log();
    let nested = folder.path().join("a/b/audit.log");
    device(&nested).write(line("x")).await.unwrap();
    assert_eq!(fs::metadata(&nested).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        fs::metadata(nested.parent().unwrap()).unwrap().mode() & 0o777,
        0o700
    );

    let write = async |mode| {
        let options = [
            ("path", path.to_str().unwrap()),
            ("mode", mode),
            ("durable", "true"),
        ];
        let device = open(&FILE, &options).unwrap();
        device.write(line("x")).await.unwrap();
        fs::metadata(&path).unwrap().mode() & 0o777
    };
    assert_eq!(write("0640").await, 0o640);
    assert_eq!(write("0000").await, 0o640);
    assert_eq!(write("600").await, 0o600);
    assert_eq!(check(&path, None).lines, 3);
}

#[tokio::test]
async fn nothing_is_kept_of_what_is_discarded() {
    let device = open(&FILE, &[("file_path", "discard")]).unwrap();
    device.write(line("x")).await.unwrap();
    device.reopen().await.unwrap();
    assert!(!Path::new("discard").exists());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (pairs, text) in [
        (&[][..], "file_path is required"),
        (&[("file_path", "")], "file_path is required"),
        (
            &[("file_path", "x"), ("mode", "abc")],
            "strconv.ParseUint: parsing \"abc\": invalid syntax",
        ),
        (
            &[("file_path", "x"), ("durable", "?")],
            "strconv.ParseBool: parsing \"?\": invalid syntax",
        ),
    ] {
        assert_eq!(open(&FILE, pairs).err().as_deref(), Some(text));
    }
}

/// Writes lines one by one, and returns where the log ended after each.
async fn written(path: &Path, known: Option<Head>, count: usize) -> Vec<Head> {
    let (device, standing) = knowing(path, known);
    let mut heads = Vec::new();
    for n in 0..count {
        device.write(line(&format!("line {n}"))).await.unwrap();
        heads.extend(standing.head());
    }
    heads
}

#[tokio::test]
async fn a_log_that_has_what_is_known_of_it_goes_on_as_it_was() {
    let (_folder, path) = log();
    let heads = written(&path, None, 9).await;
    // The last line, one of long ago, the very first, and nothing.
    for known in [Some(heads[8]), Some(heads[3]), Some(heads[0]), None] {
        written(&path, known, 1).await;
    }
    assert_eq!(check(&path, None).lines, 13);
}

#[tokio::test]
async fn a_log_that_is_emptied_or_cut_under_its_device_says_so() {
    let (_folder, path) = log();
    let (device, standing) = knowing(&path, None);
    for _ in 0..3 {
        device.write(line("before")).await.unwrap();
    }
    // As `copytruncate` of logrotate: what was there is elsewhere.
    let copy = path.with_extension("1");
    fs::copy(&path, &copy).unwrap();
    fs::write(&path, "").unwrap();
    for _ in 0..2 {
        device.write(line("after")).await.unwrap();
    }
    let first = check(&copy, None);
    let second = check(&path, Some(&first));
    assert_eq!((second.lines, second.sequence), (2, 5));
    let begins = fs::read_to_string(&path).unwrap();
    assert!(
        begins.lines().next().unwrap().contains("previous"),
        "{begins}"
    );
    // What is cut off elsewhere leaves a gap.
    let line_1 = begins.split_inclusive('\n').next().unwrap();
    fs::write(&path, line_1).unwrap();
    device.write(line("a gap")).await.unwrap();
    let broken = verify(&*fs::read(&path).unwrap(), Some(&first)).unwrap_err();
    assert_eq!(broken.line, 2);
    assert!(
        matches!(broken.reason, Reason::Shortened { lines: 1 }),
        "{broken}"
    );
    assert_eq!(standing.head().unwrap().sequence, 6);
}

#[tokio::test]
async fn lines_that_are_not_there_leave_a_gap_that_shows() {
    for forged in [0, 4, 6] {
        let (_folder, path) = log();
        let heads = written(&path, None, 9).await;
        let text = fs::read_to_string(&path).unwrap();
        let kept: String = text.split_inclusive('\n').take(5).collect();
        fs::write(&path, &kept).unwrap();
        // Somebody who can write the file can go on with its chain.
        written(&path, None, forged).await;
        let after = written(&path, Some(heads[8]), 2).await;
        let broken = verify(&*fs::read(&path).unwrap(), None).unwrap_err();
        assert_eq!(broken.line, 6 + forged as u64, "{broken}");
        match (forged, &broken.reason) {
            (0, Reason::Shortened { lines: 4 }) | (4 | 6, Reason::Unlinked) => {}
            (_, other) => panic!("{other}"),
        }
        // It is said once: what comes next knows the line behind the gap.
        let text = fs::read(&path).unwrap();
        written(&path, Some(after[1]), 1).await;
        let more = fs::read(&path).unwrap()[text.len()..].to_vec();
        assert!(!String::from_utf8(more).unwrap().contains("previous"));
    }
}

#[tokio::test]
async fn a_log_that_was_moved_away_is_followed_by_one_that_says_so() {
    let (folder, path) = log();
    let heads = written(&path, None, 3).await;
    let old = folder.path().join("audit.log.1");
    fs::rename(&path, &old).unwrap();
    written(&path, Some(heads[2]), 4).await;
    let first = check(&old, None);
    let second = check(&path, Some(&first));
    assert_eq!((second.lines, second.sequence), (4, 7));
    // What is known may be the last line of the file before: then this one begins behind it.
    written(&path, Some(heads[2]), 1).await;
    assert_eq!(check(&path, Some(&first)).lines, 5);
    // A file that begins later may stand in the place of another.
    written(&path, Some(heads[0]), 1).await;
    let broken = verify(&*fs::read(&path).unwrap(), Some(&first)).unwrap_err();
    assert_eq!(broken.line, 6);
}
