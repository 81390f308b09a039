//! One entry as its template sees it.

use minijinja::Value;

use super::{Map, safe};
use crate::menu::escape::{grub_words, objection};
use crate::menu::fit;
use crate::menu::links::Links;
use crate::menu::{Kind, Menu, MenuItem, Platform};
use crate::{Cpu, How, Initrd, Piece};

/// The variables of an entry, and whether it certainly fits the machine; else why it is left out.
pub(super) fn of(
    menu: &Menu<'_>,
    kind: Kind,
    item: &MenuItem<'_>,
    (id, title): (&str, &str),
    is_default: bool,
) -> Result<(Value, bool), String> {
    let entry = item.entry;
    let tests = fit::tests(entry, kind, &menu.client)?;
    let links = Links { kind, menu, image: item.image.map(|image| image.name) };
    let mut map = Map::new();
    map.insert("id", id.into());
    map.insert("title", title.into());
    map.insert("note", entry.note.as_str().into());
    map.insert("memory", entry.memory_mib.into());
    map.insert("is_default", is_default.into());
    let tests: Vec<String> = tests.into_iter().filter_map(|test| test.written(kind)).collect();
    let is_certain = tests.is_empty();
    map.insert("condition", safe(tests.join(" -o ")));
    map.insert("tests", tests.into_iter().map(safe).collect::<Vec<_>>().into());
    match &entry.how {
        How::Linux { kernel, initrds, cmdline } => {
            map.insert("how", "linux".into());
            map.insert("kernel", safe(links.piece(kernel)?));
            let initrds = Initrds::of(&links, initrds)?;
            map.insert("cmdline", safe(initrds.cmdline(kind, &links.filled(cmdline)?)));
            map.insert("initrds", initrds.values.into());
            map.insert("shim", shim(&links, item)?);
        }
        How::Wimboot { wim, files } => {
            map.insert("how", "wimboot".into());
            let program = match menu.client.cpu {
                Some(Cpu::X86) => "wimboot.i386",
                Some(Cpu::Arm64) => "wimboot.arm64",
                _ => "wimboot",
            };
            map.insert("program", safe(links.piece(&Piece::Root(program.to_owned()))?));
            map.insert("wim", safe(links.piece(wim)?));
            let files: Result<Vec<Value>, String> =
                files.iter().map(|(name, piece)| file(&links, name, piece)).collect();
            map.insert("files", files?.into());
        }
        How::Chain { program, arguments } => {
            map.insert("how", "chain".into());
            map.insert("program", safe(links.piece(program)?));
            let arguments = links.filled(arguments)?;
            let arguments = if kind == Kind::Grub { grub_words(&arguments) } else { arguments };
            map.insert("arguments", safe(arguments));
        }
        How::Disk { cd } => {
            map.insert("how", "disk".into());
            map.insert("disk", safe(links.piece(&Piece::Whole)?));
            map.insert("cd", (*cd).into());
            map.insert("memdisk", safe(links.piece(&Piece::Root("memdisk".to_owned()))?));
        }
    }
    Ok((Value::from(map), is_certain))
}

/// The initial RAM disks with the names by which a kernel asks iPXE for them.
struct Initrds {
    values: Vec<Value>,
    injects: bool,
}

impl Initrds {
    fn of(links: &Links<'_, '_>, initrds: &[Initrd]) -> Result<Self, String> {
        let mut values = Vec::new();
        for (index, initrd) in initrds.iter().enumerate() {
            let mut map = Map::new();
            map.insert("url", safe(links.piece(&initrd.piece)?));
            map.insert("name", format!("initrd{index}").into());
            if let Some(path) = &initrd.path
                && (objection(links.kind, path).is_some() || path.contains(char::is_whitespace))
            {
                return Err(format!("a file cannot be put at {path:?}"));
            }
            map.insert("path", initrd.path.clone().map(safe).into());
            map.insert("mode", initrd.mode.map(|mode| format!("{mode:o}")).into());
            values.push(Value::from(map));
        }
        let injects = initrds.iter().any(|initrd| initrd.path.is_some());
        Ok(Self { values, injects })
    }

    /// A UEFI kernel looks its initrd up by name. `initrd.magic` is all of them with the archives that iPXE makes of
    /// injected files; old builds (Debian 12: 2019) have no such name, so it is used only where it must be.
    fn cmdline(&self, kind: Kind, cmdline: &str) -> String {
        match kind {
            Kind::Ipxe => {
                let names = match self.injects {
                    true => vec![" initrd=initrd.magic".to_owned()],
                    false => (0..self.values.len())
                        .map(|index| format!(" initrd=initrd{index}"))
                        .collect(),
                };
                format!("{cmdline}{}", names.concat()).trim_start().to_owned()
            }
            Kind::Grub => grub_words(cmdline),
            Kind::Pxelinux => cmdline.to_owned(),
        }
    }
}

/// The distribution's own shim, which vouches for its kernel where Secure Boot is on.
fn shim(links: &Links<'_, '_>, item: &MenuItem<'_>) -> Result<Value, String> {
    let (client, shims) = (&links.menu.client, item.image.map(|image| image.shims));
    let is_wanted = links.kind == Kind::Ipxe
        && client.platform.is_none_or(|platform| platform == Platform::Efi);
    let shims = shims.filter(|_| is_wanted).unwrap_or_default();
    let mut fitting = shims.iter().filter(|(cpu, _)| {
        client.cpu.is_none_or(|known| known == *cpu)
            && (item.entry.cpus.is_empty() || item.entry.cpus.contains(cpu))
    });
    match (fitting.next(), fitting.next()) {
        (Some((_, path)), None) => Ok(safe(links.piece(&Piece::Inside(path.clone()))?)),
        // None, or one of several: which of them is not known.
        _ => Ok(().into()),
    }
}

/// A file beside a WIM.
fn file(links: &Links<'_, '_>, name: &str, piece: &Piece) -> Result<Value, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_plain) {
        return Err(format!("a file cannot be called {name:?}"));
    }
    let mut map = Map::new();
    map.insert("name", safe(name.to_owned()));
    map.insert("url", safe(links.piece(piece)?));
    Ok(Value::from(map))
}
