//! Where the file goes: beside its target until it is whole, or straight into a stream.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use pxe_tftp::Piece;

use super::fault::Fault;
use super::url::Url;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 1 << 18;
/// Names tried for the unfinished file.
const NAMES_MAX: u32 = 100;

/// What takes the file's bytes.
pub(super) enum Output {
    File(PartFile),
    Stream(Stream),
}

impl Output {
    /// `-` is standard output; nothing is the URL's own name in this folder.
    pub(super) fn open(target: Option<&Path>, url: &Url) -> Result<Self, Fault> {
        let own_name = || {
            url.local_name().map(PathBuf::from).ok_or_else(|| {
                Fault::usage(format!("{url} names no file for the copy"), "name one with -o FILE")
            })
        };
        let path = match target {
            None => own_name()?,
            Some(path) if path == Path::new("-") => {
                return Ok(Self::Stream(Stream::new(Box::new(io::stdout()), "standard output")));
            }
            Some(path) if path.is_dir() => path.join(own_name()?),
            Some(path) => path.to_owned(),
        };
        // A link stays one, and what it leads to is replaced.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let doing = || format!("cannot write {}", path.display());
        match fs::metadata(&path) {
            Ok(known) if known.is_dir() => {
                Err(Fault::usage(format!("{} is a folder", path.display()), "name a file with -o"))
            }
            // A device or a pipe is written into, never replaced.
            Ok(known) if !known.is_file() => {
                let sink = File::options().write(true).open(&path);
                let sink = sink.map_err(|why| Fault::local(doing(), &why))?;
                Ok(Self::Stream(Stream::new(Box::new(sink), &path.display().to_string())))
            }
            known => {
                let part = PartFile::create(path.clone(), known.ok());
                Ok(Self::File(part.map_err(|why| Fault::local(doing(), &why))?))
            }
        }
    }

    /// Another attempt begins at the file's first byte.
    pub(super) fn rewind(&mut self) {
        if let Self::Stream(stream) = self {
            stream.repeated = Digest::default();
        }
    }

    /// Takes a piece. Returns where it differs from what is held, if it does: nothing is held from
    /// there on, and the piece is to be handed in again.
    pub(super) fn take(&mut self, piece: &Piece<'_>) -> Result<Option<u64>, Fault> {
        match self {
            Self::File(part) => part.take(piece).map_err(|why| part.fault(&why)),
            Self::Stream(stream) => stream.take(piece).map(|()| None),
        }
    }

    /// Everything is there: what is gathered is written, and the file gets its name.
    pub(super) fn finish(self) -> Result<(), Fault> {
        match self {
            Self::File(mut part) => part.finish().map_err(|why| part.fault(&why)),
            Self::Stream(mut stream) => stream.flush(),
        }
    }
}

/// A file that has another name until it is whole. Dropped before, it is removed.
pub(super) struct PartFile {
    file: File,
    part: PathBuf,
    target: PathBuf,
    permissions: Option<fs::Permissions>,
    /// What is not written yet; it belongs behind `written`.
    gathered: Vec<u8>,
    written: u64,
    compared: Vec<u8>,
    finished: bool,
}

impl PartFile {
    fn create(target: PathBuf, replaced: Option<fs::Metadata>) -> io::Result<Self> {
        let folder = match target.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let mut number = 0;
        let (file, part) = loop {
            let part = folder.join(format!(".pxe-fetch-{}-{number}.part", std::process::id()));
            match File::options().read(true).write(true).create_new(true).open(&part) {
                Ok(file) => break (file, part),
                Err(why) if why.kind() == ErrorKind::AlreadyExists && number < NAMES_MAX => {
                    number += 1;
                }
                Err(why) => return Err(why),
            }
        };
        Ok(Self {
            file,
            part,
            target,
            permissions: replaced.map(|known| known.permissions()),
            gathered: Vec::with_capacity(BUFFER_BYTES),
            written: 0,
            compared: Vec::new(),
            finished: false,
        })
    }

    fn take(&mut self, piece: &Piece<'_>) -> io::Result<Option<u64>> {
        if let Some(differs) = self.compare(piece.offset, piece.repeated)? {
            self.file.set_len(differs)?;
            self.written = differs;
            return Ok(Some(differs));
        }
        self.gathered.extend_from_slice(piece.fresh);
        if self.gathered.len() >= BUFFER_BYTES {
            self.write_gathered()?;
        }
        if piece.last && piece.fresh.is_empty() {
            // The file may have become shorter since an earlier attempt.
            self.write_gathered()?;
            self.written = piece.fresh_offset();
            self.file.set_len(self.written)?;
        }
        Ok(None)
    }

    fn compare(&mut self, offset: u64, repeated: &[u8]) -> io::Result<Option<u64>> {
        if repeated.is_empty() {
            return Ok(None);
        }
        self.write_gathered()?;
        self.compared.resize(repeated.len(), 0);
        self.file.read_exact_at(&mut self.compared, offset)?;
        let same = self.compared.iter().zip(repeated).take_while(|(held, came)| held == came);
        let same = same.count();
        Ok((same < repeated.len()).then_some(offset + same as u64))
    }

    fn write_gathered(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.gathered, self.written)?;
        self.written += self.gathered.len() as u64;
        self.gathered.clear();
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.write_gathered()?;
        if let Some(permissions) = self.permissions.take() {
            self.file.set_permissions(permissions)?;
        }
        // The name must not survive a power cut that the content does not.
        self.file.sync_all()?;
        fs::rename(&self.part, &self.target)?;
        self.finished = true;
        Ok(())
    }

    fn fault(&self, why: &io::Error) -> Fault {
        Fault::local(format!("cannot write {}", self.target.display()), why)
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if !self.finished {
            // Best effort: there is nobody left to tell.
            let _ = fs::remove_file(&self.part);
        }
    }
}

/// What cannot be read again: kept is only a sum of what went in.
pub(super) struct Stream {
    sink: Box<dyn Write>,
    name: String,
    gathered: Vec<u8>,
    taken: Digest,
    repeated: Digest,
}

impl Stream {
    fn new(sink: Box<dyn Write>, name: &str) -> Self {
        Self {
            sink,
            name: name.to_owned(),
            gathered: Vec::with_capacity(BUFFER_BYTES),
            taken: Digest::default(),
            repeated: Digest::default(),
        }
    }

    fn take(&mut self, piece: &Piece<'_>) -> Result<(), Fault> {
        self.repeated.add(piece.repeated);
        if (piece.last || !piece.fresh.is_empty()) && self.repeated != self.taken {
            return Err(Fault::changed(self.taken.bytes));
        }
        for digest in [&mut self.taken, &mut self.repeated] {
            digest.add(piece.fresh);
        }
        self.gathered.extend_from_slice(piece.fresh);
        if self.gathered.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let Self { sink, gathered, name, .. } = self;
        let written = sink.write_all(gathered).and_then(|()| sink.flush());
        gathered.clear();
        written.map_err(|why| Fault::local(format!("cannot write to {name}"), &why))
    }
}

/// FNV-1a of 64 bits, and how much went in: enough to see that a file was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digest {
    sum: u64,
    bytes: u64,
}

impl Default for Digest {
    fn default() -> Self {
        Self { sum: 0xcbf2_9ce4_8422_2325, bytes: 0 }
    }
}

impl Digest {
    fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        for &byte in bytes {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use pxe_tftp::{Attempts, Client, ClientConfig};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("pxe-fetch-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("folder");
            Self(path)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).expect("folder");
            entries.map(|entry| entry.expect("entry").file_name().into_string().unwrap()).collect()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn url() -> Url {
        "tftp://h/a/file.bin".parse().expect("url")
    }

    /// Blocks of 512 bytes as a client without options hands them out, of which the first `blocks`
    /// arrive; `take` answers as in the program.
    fn attempt(
        attempts: &mut Attempts,
        output: &mut Output,
        content: &[u8],
        blocks: usize,
    ) -> Result<(), Fault> {
        let now = std::time::Instant::now();
        let server = SocketAddr::from(([127, 0, 0, 1], 69));
        let mut client: Client = attempts.begin(now).expect("client");
        output.rewind();
        let parts = content.chunks(512).chain(content.len().is_multiple_of(512).then_some(&[][..]));
        for (number, part) in (1_u16..).zip(parts).take(blocks) {
            let datagram = [&[0, 3], &number.to_be_bytes()[..], part].concat();
            let chunk = client.handle_datagram(now, server, &datagram).expect("chunk");
            super::super::store(attempts, output, &chunk.expect("chunk"))?;
            client.poll_transmit(now, &mut Vec::new());
        }
        Ok(())
    }

    fn new_attempts() -> Attempts {
        let mut config = ClientConfig::default();
        config.ask_size = false;
        Attempts::new(SocketAddr::from(([127, 0, 0, 1], 69)), b"f", config, 9).expect("attempts")
    }

    #[test]
    fn a_file_has_its_name_when_it_is_whole() {
        let folder = Folder::new("whole");
        let target = folder.0.join("out");
        fs::write(&target, "before").expect("file");
        let content = vec![7; 5000];
        let mut attempts = new_attempts();
        let mut output = Output::open(Some(&target), &url()).expect("output");
        attempt(&mut attempts, &mut output, &content, 4).expect("stored");
        assert_eq!(fs::read(&target).expect("file"), b"before");
        attempt(&mut attempts, &mut output, &content, 99).expect("stored");
        output.finish().expect("finished");
        assert_eq!(fs::read(&target).expect("file"), content);
        assert_eq!(folder.names(), ["out"]);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing_behind() {
        let folder = Folder::new("left");
        let mut output = Output::open(Some(&folder.0), &url()).expect("output");
        attempt(&mut new_attempts(), &mut output, &[7; 5000], 4).expect("stored");
        assert_eq!(folder.names().len(), 1);
        drop(output);
        assert!(folder.names().is_empty());
    }

    #[test]
    fn a_file_that_changed_between_attempts_is_the_new_one() {
        let folder = Folder::new("changed");
        let old: Vec<u8> = (0..5000_u32).map(|n| n as u8).collect();
        let mut longer = old.clone();
        longer[1300] ^= 1;
        longer.extend([1; 4000]);
        let shorter = old[..700].to_vec();
        let same_until_its_end = old[..1024].to_vec();
        for new in [longer, shorter, same_until_its_end, Vec::new()] {
            let mut attempts = new_attempts();
            let mut output = Output::open(Some(&folder.0), &url()).expect("output");
            attempt(&mut attempts, &mut output, &old, 9).expect("stored");
            attempt(&mut attempts, &mut output, &new, 99).expect("stored");
            assert_eq!(attempts.held_bytes(), new.len() as u64);
            output.finish().expect("finished");
            assert!(fs::read(folder.0.join("file.bin")).expect("file") == new, "{}", new.len());
        }
    }

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("sink").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_stream_goes_on_where_it_stopped_and_refuses_another_file() {
        let content: Vec<u8> = (0..5000_u32).map(|n| (n / 3) as u8).collect();
        let sink = Sink::default();
        let mut output = Output::Stream(Stream::new(Box::new(sink.clone()), "sink"));
        let mut attempts = new_attempts();
        for blocks in [3, 2, 99] {
            attempt(&mut attempts, &mut output, &content, blocks).expect("stored");
        }
        output.finish().expect("finished");
        assert!(*sink.0.lock().expect("sink") == content);

        let mut output = Output::Stream(Stream::new(Box::new(Sink::default()), "sink"));
        let mut attempts = new_attempts();
        attempt(&mut attempts, &mut output, &content, 3).expect("stored");
        let mut other = content;
        other[20] ^= 1;
        let fault = attempt(&mut attempts, &mut output, &other, 99).expect_err("another file");
        assert_eq!(fault, Fault::changed(3 * 512));
        let fault = attempt(&mut attempts, &mut output, b"short", 99).expect_err("a shorter file");
        assert_eq!(fault, Fault::changed(3 * 512));
    }
}
