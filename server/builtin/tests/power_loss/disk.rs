//! A model of a disk: what of a recording is durable, and what a power cut may leave of the rest.
//!
//! A file's data is durable once that file was synced, a name once its directory was. Everything
//! since then is pending, in order, and its [`Fate`] decides.

use std::{collections::BTreeMap, fs, path::Path};

use crate::{
    chance::Chance,
    recording::{Event, Kind},
};

/// The unit in which a disk writes, or does not.
const SECTOR: usize = 512;
/// The unit in which the kernel hands data to it.
const PAGE: usize = 4096;

/// What becomes of everything that is pending when the power goes.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Fate {
    /// Nothing of it is there.
    Dropped,
    /// It is there up to some point.
    Prefix,
    /// Each page, and each name, is there or not, or half of it; file lengths likewise.
    Random,
    /// All of it is there, but of the last write only some sectors are.
    Torn,
}

impl Fate {
    pub(crate) const ALL: [Self; 4] = [Self::Dropped, Self::Prefix, Self::Random, Self::Torn];
}

pub(crate) struct Disk {
    directories: Vec<Directory>,
    files: Vec<File>,
}

#[derive(Clone, Copy)]
enum Node {
    Directory(usize),
    File(usize),
}

type Names = BTreeMap<String, Node>;

#[derive(Default)]
struct Directory {
    current: Names,
    durable: Names,
    /// Each change of names happens as a whole.
    pending: Vec<Vec<(String, Option<Node>)>>,
}

#[derive(Default)]
struct File {
    durable: Vec<u8>,
    pending: Vec<Change>,
}

enum Change {
    SetLength(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    /// An empty disk, whose root is durable.
    pub(crate) fn new() -> Self {
        Self {
            directories: vec![Directory::default()],
            files: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, event: &Event) {
        let path = event.path.as_str();
        match event.kind {
            Kind::Create => {
                self.files.push(File::default());
                let node = Node::File(self.files.len() - 1);
                self.rename(path, vec![(name(path), Some(node))]);
            }
            Kind::MakeDirectory => {
                self.directories.push(Directory::default());
                let node = Node::Directory(self.directories.len() - 1);
                self.rename(path, vec![(name(path), Some(node))]);
            }
            Kind::Remove | Kind::RemoveDirectory => {
                self.rename(path, vec![(name(path), None)]);
            }
            Kind::Rename => {
                let target = str::from_utf8(&event.data).unwrap();
                assert_eq!(above(path), above(target), "renamed within a directory");
                let node = self.find(path);
                self.rename(path, vec![(name(path), None), (name(target), Some(node))]);
            }
            Kind::SetLength => {
                let length = usize::try_from(event.offset).unwrap();
                self.file(path).pending.push(Change::SetLength(length));
            }
            Kind::Write => {
                let offset = usize::try_from(event.offset).unwrap();
                self.file(path)
                    .pending
                    .push(Change::Write(offset, event.data.clone()));
            }
            Kind::Sync => match self.find(path) {
                Node::Directory(number) => {
                    let directory = &mut self.directories[number];
                    directory.durable = directory.current.clone();
                    directory.pending.clear();
                }
                Node::File(number) => self.files[number].sync(),
            },
        }
    }

    fn rename(&mut self, path: &str, change: Vec<(String, Option<Node>)>) {
        let Node::Directory(number) = self.find(above(path)) else {
            panic!("{path}")
        };
        let directory = &mut self.directories[number];
        change_names(&mut directory.current, &change);
        directory.pending.push(change);
    }

    fn find(&self, path: &str) -> Node {
        path.split('/')
            .filter(|name| !name.is_empty())
            .fold(Node::Directory(0), |node, name| {
                let Node::Directory(number) = node else {
                    panic!("{path} leads through a file")
                };
                *self.directories[number]
                    .current
                    .get(name)
                    .unwrap_or_else(|| panic!("no {path}"))
            })
    }

    fn file(&mut self, path: &str) -> &mut File {
        let Node::File(number) = self.find(path) else {
            panic!("{path} is a directory")
        };
        &mut self.files[number]
    }

    /// Writes into `place` what a power cut leaves.
    pub(crate) fn draw(&self, fate: Fate, chance: &mut Chance, place: &Path) {
        self.draw_directory(0, place, &mut Some((fate, chance)));
    }

    /// Writes into `place` what a running system sees.
    pub(crate) fn draw_current(&self, place: &Path) {
        self.draw_directory(0, place, &mut None);
    }

    fn draw_directory(&self, number: usize, place: &Path, cut: &mut Option<(Fate, &mut Chance)>) {
        let directory = &self.directories[number];
        let names = match cut {
            Some((fate, chance)) => directory.after(*fate, chance),
            None => directory.current.clone(),
        };
        for (name, node) in names {
            let place = place.join(name);
            match node {
                Node::Directory(number) => {
                    fs::create_dir(&place).unwrap();
                    self.draw_directory(number, &place, cut);
                }
                Node::File(number) => {
                    let file = &self.files[number];
                    let content = match cut {
                        Some((fate, chance)) => file.after(*fate, chance),
                        None => file.after_all(&file.pending),
                    };
                    fs::write(place, content).unwrap();
                }
            }
        }
    }
}

impl Directory {
    fn after(&self, fate: Fate, chance: &mut Chance) -> Names {
        let cut = chance.below(self.pending.len() + 1);
        let mut names = self.durable.clone();
        for (number, change) in self.pending.iter().enumerate() {
            let happened = match fate {
                Fate::Dropped => false,
                Fate::Prefix => number < cut,
                Fate::Random => chance.one_in(2),
                Fate::Torn => true,
            };
            if happened {
                change_names(&mut names, change);
            }
        }
        names
    }
}

impl File {
    fn sync(&mut self) {
        let mut content = std::mem::take(&mut self.durable);
        for change in self.pending.drain(..) {
            change.apply(&mut content);
        }
        self.durable = content;
    }

    fn after_all(&self, changes: &[Change]) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in changes {
            change.apply(&mut content);
        }
        content
    }

    fn after(&self, fate: Fate, chance: &mut Chance) -> Vec<u8> {
        let cut = chance.below(self.pending.len() + 1);
        match (fate, self.pending.as_slice()) {
            (Fate::Dropped, _) | (_, []) => self.durable.clone(),
            (Fate::Prefix, pending) => {
                let mut content = self.after_all(&pending[..cut]);
                if let Some(Change::Write(offset, data)) = pending.get(cut) {
                    let sectors = chance.below(data.len() / SECTOR + 1);
                    write(&mut content, *offset, &data[..sectors * SECTOR]);
                }
                content
            }
            (Fate::Torn, [before @ .., last]) => {
                let mut content = self.after_all(before);
                if let Change::Write(offset, data) = last {
                    for (offset, piece) in pieces(*offset, data, SECTOR) {
                        if chance.one_in(2) {
                            write(&mut content, offset, piece);
                        }
                    }
                }
                content
            }
            (Fate::Random, pending) => self.scattered(pending, chance),
        }
    }

    /// The kernel writes each page back at a time of its own, as it then is, and so it is with the
    /// length. A page that was being written when the power went is mixed of two such times.
    fn scattered(&self, pending: &[Change], chance: &mut Chance) -> Vec<u8> {
        let end = pending.len();
        let mut time = || match chance.below(4) {
            0 => 0,
            1 => end,
            _ => chance.below(end + 1),
        };
        let length = self.after_all(&pending[..time()]).len();
        let mut content = self.durable.clone();
        let mut times = BTreeMap::<usize, usize>::new();
        let mut page_time = |sector: usize| {
            let first = sector / (PAGE / SECTOR) * (PAGE / SECTOR);
            if !times.contains_key(&first) {
                let (page, torn) = (time(), time() % 8 == 0);
                for sector in first..first + PAGE / SECTOR {
                    times.insert(sector, if torn { time() } else { page });
                }
            }
            times[&sector]
        };
        for (number, change) in pending.iter().enumerate() {
            match change {
                Change::Write(offset, data) => {
                    for (offset, piece) in pieces(*offset, data, SECTOR) {
                        if number < page_time(offset / SECTOR) {
                            write(&mut content, offset, piece);
                        }
                    }
                }
                Change::SetLength(length) => {
                    for (offset, sector) in (0..).step_by(SECTOR).zip(content.chunks_mut(SECTOR)) {
                        if offset >= *length && number < page_time(offset / SECTOR) {
                            sector.fill(0);
                        }
                    }
                }
            }
        }
        content.resize(length, 0);
        content
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::SetLength(length) => content.resize(*length, 0),
            Self::Write(offset, data) => write(content, *offset, data),
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

/// Cuts data at multiples of `unit` in the file.
fn pieces(offset: usize, data: &[u8], unit: usize) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = (unit - (offset + at) % unit).min(data.len() - at);
        let piece = (offset + at, &data[at..at + length]);
        at += length;
        (length > 0).then_some(piece)
    })
}

fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}

fn change_names(names: &mut Names, change: &[(String, Option<Node>)]) {
    for (name, node) in change {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}
