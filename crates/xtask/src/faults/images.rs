//! Images for machines that cannot boot them.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use super::Set;
use super::programs::write;
use crate::error::{Context as _, Result};
use crate::process::{capture, command};

/// What everything that tells of [`OLD`] to a machine with UEFI says.
pub(super) const OLD_CANNOT: &str = "cannot boot on x64-uefi: it boots by PC BIOS only";
/// Has a boot record for a BIOS, and nothing else that boots.
pub(super) const OLD: &str = "old.iso";
/// Has nothing that boots.
pub(super) const LETTERS: &str = "letters.iso";

/// A file that was written to a moment ago may still be arriving, to the server.
const AGE: Duration = Duration::from_secs(60);
/// A boot record that is never run: one sector of a CD.
const RECORD_BYTES: usize = 2_048;
const RECORD: [&str; 7] =
    ["-b", "boot.bin", "-c", "boot.cat", "-no-emul-boot", "-boot-load-size", "4"];

/// Puts both into the server's folder of images.
pub(super) fn make(set: &Set<'_>) -> Result<()> {
    let (files, images) = (set.folder.join("files"), set.folder.join("images"));
    for made in [&files, &images] {
        fs::create_dir_all(made).context(|| format!("making {}", made.display()))?;
    }
    write(&files.join("letter.txt"), b"Nothing boots here.\n")?;
    write(&files.join("boot.bin"), &[0; RECORD_BYTES])?;
    for (name, record) in [(LETTERS, &[][..]), (OLD, &RECORD)] {
        let (path, files) = (images.join(name), files.to_string_lossy());
        let image = path.to_string_lossy();
        let words = [&["xorriso", "-as", "mkisofs", "-quiet", "-o", &image], record, &[&*files]];
        capture(&mut command(&words.concat()))?;
        let file = File::options().write(true).open(&path);
        let aged = file.and_then(|file| file.set_modified(SystemTime::now() - AGE));
        aged.context(|| format!("dating {}", path.display()))?;
    }
    Ok(())
}
