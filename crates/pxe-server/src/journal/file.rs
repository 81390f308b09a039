//! The journal's file: one JSON object a line, only ever appended to, so that a kill or a power cut costs its end and
//! nothing else. A line that cannot be read is left out.
//!
//! When it is full it is renamed and begun anew; both are read at the start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::record::{ENTRY_BYTES_MAX, Record};

/// Bytes of the journal's file; with the one before it twice as many on the disk.
pub const FILE_BYTES_MAX: u64 = 32 << 20;
/// Bytes of a line that is read: an entry's texts with every byte of them escaped.
const LINE_BYTES_MAX: u64 = 6 * ENTRY_BYTES_MAX as u64 + 4_096;

const NAME: &str = "journal";
const NAME_BEFORE: &str = "journal.1";

/// The records that are kept in a state folder, oldest first, and how many lines could not be read.
///
/// # Errors
/// If a file is there and cannot be read.
pub fn read(folder: &Path) -> io::Result<(Vec<Record>, u64)> {
    let (mut records, mut broken) = (Vec::new(), 0);
    for name in [NAME_BEFORE, NAME] {
        match File::open(folder.join(name)) {
            // One that somebody else made longer is read as far as ours go.
            Ok(file) => read_lines(file.take(2 * FILE_BYTES_MAX), &mut records, &mut broken)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok((records, broken))
}

fn read_lines(file: impl Read, records: &mut Vec<Record>, broken: &mut u64) -> io::Result<()> {
    let mut file = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        if file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        match line.strip_suffix(b"\n").map(serde_json::from_slice::<Record>) {
            Some(Ok(mut record)) if !record.client.is_empty() => {
                record.cut();
                records.push(record);
            }
            _ if line.trim_ascii().is_empty() => {}
            _ => *broken += 1,
        }
    }
}

/// The file, open to be appended to.
pub(super) struct Log {
    folder: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    text: Vec<u8>,
}

impl Log {
    /// Opens or makes it, and the folder. A torn line at its end is ended, so that it spoils no other.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(NAME);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(&path)?;
        let mut bytes = file.metadata()?.len();
        if bytes > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(Self { folder: folder.to_owned(), file, bytes, bytes_max, text: Vec::new() })
    }

    /// Appends, and brings it to the disk.
    pub(super) fn append(&mut self, records: &[Arc<Record>]) -> io::Result<()> {
        self.text.clear();
        for record in records {
            serde_json::to_writer(&mut self.text, &**record).map_err(io::Error::from)?;
            self.text.push(b'\n');
        }
        let length = self.text.len() as u64;
        if self.bytes > 0 && self.bytes + length > self.bytes_max {
            fs::rename(self.folder.join(NAME), self.folder.join(NAME_BEFORE))?;
            *self = Self {
                text: core::mem::take(&mut self.text),
                ..Self::open(&self.folder, self.bytes_max)?
            };
        }
        // What a full disk left of it is ended by the next line.
        let written = self.file.write_all(&self.text);
        self.bytes += length;
        if self.text.capacity() > 1 << 20 {
            written?;
            self.text = Vec::new();
            return self.file.sync_data();
        }
        written.and_then(|()| self.file.sync_data())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: usize) -> Arc<Record> {
        let text = format!("offered file{number}.efi {}", "\u{1}ö\"".repeat(20));
        let client = "52:54:00:aa:00:01".to_owned();
        let reasons = Arc::new(vec!["option 93 names x64-uefi".to_owned()]);
        let stage = "offered".into();
        Arc::new(Record { at: number as u64, client, stage, text, reasons, ..Record::default() })
    }

    fn numbers(folder: &Path) -> (Vec<u64>, u64) {
        let (records, broken) = read(folder).expect("readable");
        (records.iter().map(|record| record.at).collect(), broken)
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(numbers(folder.path()), (vec![], 0));
        let deep = folder.path().join("deep");
        Log::open(&deep, 1 << 20).expect("opened").append(&[record(1), record(2)]).expect("kept");
        Log::open(&deep, 1 << 20).expect("opened").append(&[record(3)]).expect("kept");
        assert_eq!(numbers(&deep), (vec![1, 2, 3], 0));
        assert_eq!(read(&deep).expect("readable").0[2], *record(3));
    }

    #[test]
    fn a_torn_tail_is_skipped_wherever_it_is_torn() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        Log::open(folder.path(), 1 << 20)
            .expect("opened")
            .append(&[record(1), record(2)])
            .expect("kept");
        let whole = fs::read(&path).expect("a file");
        let first = whole.iter().position(|byte| *byte == b'\n').expect("a line") + 1;
        for end in first + 1..whole.len() {
            fs::write(&path, &whole[..end]).expect("torn");
            assert_eq!(numbers(folder.path()), (vec![1], 1), "torn at {end}");
            Log::open(folder.path(), 1 << 20).expect("opened").append(&[record(3)]).expect("kept");
            let expected =
                if end + 1 == whole.len() { (vec![1, 2, 3], 0) } else { (vec![1, 3], 1) };
            assert_eq!(numbers(folder.path()), expected, "torn at {end}");
        }
    }

    #[test]
    fn broken_lines_and_other_files_cost_themselves_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(NAME);
        Log::open(folder.path(), 1 << 20).expect("opened").append(&[record(1)]).expect("kept");
        let mut text = fs::read(&path).expect("a file");
        text.extend([0xff; 100]);
        text.extend(b"\n{}\n[1]\n\n{\"client\":\"02:00:00:00:00:01\",\"newer\":7}\n");
        text.extend(vec![b'x'; 3 * LINE_BYTES_MAX as usize]);
        text.extend(b"\n");
        text.extend(serde_json::to_vec(&*record(2)).expect("JSON"));
        text.push(b'\n');
        fs::write(&path, text).expect("written");
        let (read, broken) = numbers(folder.path());
        assert_eq!(read, [1, 0, 2]);
        assert!(broken >= 4, "{broken}");
    }

    #[test]
    fn a_full_file_makes_room_and_the_disk_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut log = Log::open(folder.path(), 10_000).expect("opened");
        for number in 0..1_000 {
            log.append(&[record(number)]).expect("kept");
        }
        let bytes: u64 = fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("a file").metadata().expect("a size").len())
            .sum();
        assert!(bytes <= 20_000, "{bytes}");
        let (read, broken) = numbers(folder.path());
        assert_eq!((read.last(), broken), (Some(&999), 0));
        let expected: Vec<u64> = (1_000 - read.len() as u64..1_000).collect();
        assert_eq!(read, expected, "no gap");
        assert!(read.len() > 20, "{read:?}");
    }
}
