//! A layout of a test image, as a tree in memory and as files to make an image of.
#![allow(dead_code, reason = "every test uses its own part")]

#[path = "../pack/mod.rs"]
mod pack;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pxe_image::recognise::ImageFacts;
use pxe_image::{Extent, ImageError, Item, Node, NodeKind, Tree};
use toml::{Table, Value};

use pack::{archive, program};

/// Paths and contents.
pub(crate) struct Layout {
    pub(crate) name: String,
    pub(crate) facts: ImageFacts,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Layout {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a layout");
        let table: Table =
            text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let word = |name: &str| table.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        let flag = |name: &str| table.get(name).and_then(Value::as_bool).unwrap_or(false);
        let mib = table.get("mib").and_then(Value::as_integer).unwrap_or(1);
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut facts = ImageFacts::default();
        facts.name = format!("{name}.iso");
        facts.size = u64::try_from(mib).expect("a size") << 20;
        facts.label = word("label");
        facts.publisher = word("publisher");
        facts.boots_bios = flag("boots-bios");
        facts.boots_efi = flag("boots-efi");
        let files = table["files"].as_table().expect("files");
        let files = files.iter().map(|(path, value)| (path.clone(), content(value))).collect();
        Self { name, facts, files }
    }

    /// Makes an image of it, and says where.
    pub(crate) fn make(&self, folder: &Path) -> PathBuf {
        let tree = folder.join(&self.name);
        for (path, bytes) in &self.files {
            let path = tree.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, bytes).expect("a file");
        }
        let image = folder.join(&self.facts.name);
        let mut command = Command::new("xorrisofs");
        command.args(["-quiet", "-R", "-J", "-joliet-long", "-V", &self.facts.label, "-o"]);
        command.arg(&image).args(["-publisher", &self.facts.publisher]);
        // What firmware would start is of no interest here, only that it is there.
        for (wanted, name, option) in
            [(self.facts.boots_bios, ".bios", "-b"), (self.facts.boots_efi, ".efi", "-e")]
        {
            if wanted {
                fs::write(tree.join(name), [0; 2048]).expect("a file");
                if option == "-e" && self.facts.boots_bios {
                    command.arg("-eltorito-alt-boot");
                }
                command.args([option, name, "-no-emul-boot"]);
            }
        }
        let output = command.arg(&tree).output().expect("xorrisofs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", self.name);
        fs::remove_dir_all(&tree).expect("removed");
        image
    }

    /// The path in the spelling of the layout.
    fn spelled(&self, path: &str) -> Option<String> {
        let path = path.trim_matches('/');
        let starts = |name: &str, path: &str| {
            name.get(..path.len()).is_some_and(|start| start.eq_ignore_ascii_case(path))
                && (path.is_empty() || matches!(name.as_bytes().get(path.len()), None | Some(b'/')))
        };
        let name = self.files.keys().find(|name| starts(name, path))?;
        Some(name[..path.len()].to_owned())
    }
}

impl Tree for Layout {
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError> {
        Ok(self.spelled(path).map(|path| match self.files.get(&path) {
            Some(bytes) => Node::file(bytes.len() as u64),
            None => Node::folder(),
        }))
    }

    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError> {
        let Some(folder) = self.spelled(path) else { return Ok(Vec::new()) };
        let mut names: Vec<String> = Vec::new();
        for name in self.files.keys() {
            let inside = match folder.is_empty() {
                true => Some(name.as_str()),
                false => name.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/')),
            };
            if let Some(first) = inside.and_then(|inside| inside.split('/').next())
                && !names.iter().any(|known| known == first)
            {
                names.push(first.to_owned());
            }
        }
        let item = |name: String| {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            Ok(Item::new(name, self.look(&path)?.expect("it is there")))
        };
        names.into_iter().map(item).collect()
    }

    fn extents(&self, path: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        let size = self.look(path)?.filter(|node| node.kind == NodeKind::File).map(|it| it.size);
        Ok(size.map(|len| vec![Extent { offset: None, len }]))
    }

    fn read(&self, path: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
        let bytes = self.spelled(path).and_then(|path| self.files.get(&path));
        let rest = bytes.and_then(|bytes| bytes.get(usize::try_from(offset).ok()?..));
        let rest = rest.unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn label(&self) -> &str {
        &self.facts.label
    }
}

fn content(value: &Value) -> Vec<u8> {
    if let Some(text) = value.as_str() {
        return text.as_bytes().to_vec();
    }
    let number = |name: &str| value.get(name).and_then(Value::as_integer);
    let word = |name: &str| value.get(name).and_then(Value::as_str);
    if let Some(mib) = number("mib") {
        return vec![0; usize::try_from(mib).expect("a size") << 20];
    }
    if let Some(names) = value.get("initrd").and_then(Value::as_array) {
        let names = names.iter().map(|name| (name.as_str().expect("a name"), ""));
        let init = word("init").map(|text| ("init", text));
        let packed = packed(word("packing").expect("packing"), &archive(names.chain(init)));
        let mut initrd = match value.get("microcode") {
            Some(_) => archive([("kernel/x86/microcode/AuthenticAMD.bin", "bits")]),
            None => Vec::new(),
        };
        initrd.extend(packed);
        return initrd;
    }
    if let Some(cpu) = word("pe") {
        return program(match cpu {
            "x64" => 0x8664,
            "arm64" => 0xaa64,
            other => panic!("{other}"),
        });
    }
    if let Some(bits) = number("pc-kernel") {
        let mut kernel = vec![0; 0x400];
        kernel[0x202..0x206].copy_from_slice(b"HdrS");
        kernel[0x206..0x208].copy_from_slice(&0x020f_u16.to_le_bytes());
        kernel[0x236] = u8::from(bits == 64);
        return kernel;
    }
    let name = word("wim").expect("a kind of content");
    let number = |name: &str| number(name).expect("a number");
    wim(name, number("arch"), number("build"), u32::try_from(number("boot")).expect("an index"))
}

/// By the programs that distributions use.
fn packed(packing: &str, bytes: &[u8]) -> Vec<u8> {
    let command: &[&str] = match packing {
        "gzip" => &["gzip", "-nc"],
        "xz" => &["xz", "--check=crc32", "-c"],
        "zstd" => &["zstd", "-qc"],
        "lz4" => &["lz4", "-lqc"],
        "lzma" => &["xz", "--format=lzma", "-c"],
        other => panic!("{other}"),
    };
    pack::packed(command, bytes)
}

/// Header and description of a WIM file.
fn wim(name: &str, arch: i64, build: i64, boot_index: u32) -> Vec<u8> {
    let image = |index| {
        format!(
            "<IMAGE INDEX=\"{index}\"><WINDOWS><ARCH>{arch}</ARCH><VERSION><MAJOR>10</MAJOR><MINOR>0</MINOR>\
             <BUILD>{build}</BUILD></VERSION></WINDOWS><NAME>{name}</NAME></IMAGE>"
        )
    };
    let xml = format!("\u{feff}<WIM>{}{}</WIM>", image(1), image(2));
    let text: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut bytes = vec![0; 208];
    bytes[..8].copy_from_slice(b"MSWIM\0\0\0");
    bytes[72..80].copy_from_slice(&(text.len() as u64).to_le_bytes());
    bytes[80..88].copy_from_slice(&208_u64.to_le_bytes());
    bytes[120..124].copy_from_slice(&boot_index.to_le_bytes());
    bytes.extend(text);
    bytes
}
