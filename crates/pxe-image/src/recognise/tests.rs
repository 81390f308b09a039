use super::*;
use crate::error::ImageError;
use crate::source::ReadAt as _;
use crate::tree::{Extent, Item, Node, NodeKind};

#[test]
fn every_built_in_file_is_whole_and_listed() {
    let mut rules = 0;
    for (name, text) in builtin::FILES {
        match Rules::parse(text) {
            Ok(read) => rules += read.ids().count(),
            Err(faults) => panic!("rules/{name}:\n{faults}"),
        }
    }
    assert_eq!(Rules::built_in().ids().count(), rules);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/recognise/rules");
    for file in std::fs::read_dir(folder).expect("rules") {
        let name = file.expect("a file").file_name().into_string().expect("a name");
        assert!(builtin::FILES.iter().any(|(listed, _)| *listed == name), "{name} is not listed");
    }
}

#[test]
fn ids_are_unique_and_over_names_rules() {
    let rules = Rules::built_in();
    let mut ids: Vec<&str> = rules.ids().collect();
    for rule in &rules.rules {
        assert!(rule.source.len() > 10, "{} has no source", rule.id);
        for other in &rule.over {
            assert!(ids.contains(&other.as_str()), "{}: over {other}, which is no rule", rule.id);
        }
        let mut entries: Vec<&str> = rule.entries.iter().map(|entry| entry.id.as_str()).collect();
        let all = entries.len();
        entries.sort_unstable();
        entries.dedup();
        assert_eq!(entries.len(), all, "{}: two entries of one id", rule.id);
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "two rules of one id");
}

/// Files in memory. Paths are as they are written.
struct Files(std::collections::BTreeMap<&'static str, Vec<u8>>);

impl Files {
    fn new(files: &[(&'static str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| (*path, text.as_bytes().to_vec())).collect())
    }
}

impl Tree for Files {
    fn look(&self, path: &str) -> Result<Option<Node>, ImageError> {
        let file = self.0.get(path).map(|bytes| (NodeKind::File, bytes.len() as u64));
        let within = self.0.keys().any(|name| name.starts_with(&format!("{path}/")));
        let found = file.or_else(|| within.then_some((NodeKind::Folder, 0)));
        Ok(found.map(|(kind, size)| Node { kind, size }))
    }

    fn list(&self, path: &str) -> Result<Vec<Item>, ImageError> {
        let start = if path.is_empty() { String::new() } else { format!("{path}/") };
        let inside = self.0.keys().filter_map(|name| name.strip_prefix(&start)?.split('/').next());
        let mut names: Vec<&str> = inside.collect();
        names.dedup();
        let item = |name: &str| {
            let node = self.look(&format!("{start}{name}"))?.expect("it is there");
            Ok(Item { name: name.to_owned(), node })
        };
        names.into_iter().map(item).collect()
    }

    fn extents(&self, _: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        Ok(None)
    }

    fn read(&self, path: &str, offset: u64, buffer: &mut [u8]) -> Result<usize, ImageError> {
        let bytes = self.0.get(path).map(Vec::as_slice).unwrap_or_default();
        Ok(bytes.read_at(offset, buffer).expect("memory"))
    }

    fn label(&self) -> &str {
        ""
    }
}

const OWN: &str = r#"
title = "Our rescue system"

[entry.start]
append = "console=ttyS0"

[entry.serial]
kernel = "boot/kernel"
initrd = ["boot/initrd", "root:extra.img"]
cmdline = "url={image} console=ttyS0"

[entry.gone]
title = "there is none"

[[rule]]
id = "rescue"
family = "our rescue system"
source = "our wiki"
kind = "tool"
distribution = "Rescue"
title = "Rescue {version}"
cpus = ["amd64"]
kernel = "boot/kernel"
initrd = "boot/initrd"

[rule.match]
paths = "boot/kernel"
text = [{ path = "version", regex = '^(?<version>\d+)' }]

[[rule.entry]]
id = "start"
title = "{title}: start"
cmdline = "root={files} v={version}"
"#;

#[test]
fn a_file_beside_the_image_adds_a_rule_and_changes_its_entries() {
    let tree = Files::new(&[("boot/kernel", "k"), ("boot/initrd", ""), ("version", "7")]);
    let facts = ImageFacts { name: "rescue.iso".into(), ..ImageFacts::default() };
    let rules = Rules::built_in();
    assert_eq!(recognise(&tree, &facts, &rules).rule, "unknown");
    let overrides = Overrides::parse(OWN).unwrap_or_else(|faults| panic!("{faults}"));
    let found = recognise(&tree, &facts, &rules.overridden(overrides)).to_string();
    assert_eq!(
        found,
        "Our rescue system\n  tool for x64 (rule rescue)\n  version 7\n  \
         [start] Rescue 7: start: BIOS and UEFI, x64\n      kernel  boot/kernel\n      initrd  boot/initrd\n      \
         cmdline root={files} v=7 console=ttyS0\n  \
         [serial] Our rescue system: serial: BIOS and UEFI, x64\n      kernel  boot/kernel\n      \
         initrd  boot/initrd\n      initrd  extra.img of the server's root\n      \
         cmdline url={image} console=ttyS0\n  \
         ! the file beside the image changes an entry \"gone\", which it does not have (it has: start); \
         with a `kernel` it would be a new one\n"
    );
}

#[test]
fn all_faults_come_at_once_with_lines() {
    let text = "[[rule]]\nid = \"A b\"\nfamily = \"f\"\nsource = 3\nkind = \"game\"\ndistribution = \"d\"\n\
        title = \"{who}\"\ncolour = 1\n[rule.match]\npaths = [\"../x\"]\nlabel = '('\n[[rule.entry]]\nid = \"e\"\n\
        title = \"t\"\ncmdline = \"{nobody}\"\nneeds = [\"wings\"]\nmemory = \"much+\"\n";
    let faults = Rules::parse(text).expect_err("it is full of faults");
    let lines: Vec<usize> = faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [1, 2, 4, 5, 8, 9, 10, 11, 12, 16, 17], "{faults}");
    let said = faults.to_string();
    for word in ["{who}", "{nobody}", "wings", "rule[1].colour: no such key", "expected one of"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let broken = Overrides::parse("[entry.x]\ncmdline = \"{who}\"\nkernel = \"a*\"\n[entry.Y]\n");
    let lines: Vec<usize> = broken.expect_err("faults").iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3, 4]);
    assert!(Rules::parse("[[rule]\n").is_err(), "no TOML");
    let long = "#".repeat(crate::limits::RULE_BYTES_MAX + 1);
    assert!(Rules::parse(&long).expect_err("long").to_string().contains("262144 bytes"));
}

/// Folders within folders, everywhere alike, without an end.
struct Endless(core::cell::Cell<usize>);

impl Tree for Endless {
    fn look(&self, _: &str) -> Result<Option<Node>, ImageError> {
        self.0.set(self.0.get() + 1);
        Ok(Some(Node::folder()))
    }

    fn list(&self, _: &str) -> Result<Vec<Item>, ImageError> {
        self.0.set(self.0.get() + 1);
        let item = |index| Item { name: format!("d{index}"), node: Node::folder() };
        Ok((0..1000).map(item).collect())
    }

    fn extents(&self, _: &str) -> Result<Option<Vec<Extent>>, ImageError> {
        Ok(None)
    }

    fn read(&self, _: &str, _: u64, _: &mut [u8]) -> Result<usize, ImageError> {
        Ok(0)
    }

    fn label(&self) -> &str {
        ""
    }
}

#[test]
fn rules_end_on_an_image_without_end() {
    let wide = "[[rule]]\nid = \"a\"\nfamily = \"f\"\nsource = \"s\"\nkind = \"tool\"\ndistribution = \"d\"\n\
        title = \"t\"\n[rule.match]\npaths = [\"*/*/*/{a}/*/*\", \"{b}/*/*/*/*\", \"*/{c}/*/*/x\", \"*/y/*/*/*/{d}\"]\n\
        text = [{ path = \"*/*/*/*/q\", regex = 'never' }]\n";
    let rules = Rules::parse(wide).unwrap_or_else(|faults| panic!("{faults}"));
    let tree = Endless(core::cell::Cell::new(0));
    let found = recognise(&tree, &ImageFacts::default(), &rules);
    assert!(tree.0.get() <= crate::limits::STEPS_MAX, "{} steps", tree.0.get());
    assert_eq!(found.rule, "unknown");
}

#[test]
fn files_that_are_no_tree_say_what_they_are() {
    let rules = Rules::built_in();
    let look = |name: &str, bytes: &[u8]| {
        recognise_file(name, &bytes.to_vec(), &rules).expect("memory").to_string()
    };
    let mut ipxe = crate::pe::tests::program(0x8664, Some("Some CA"));
    ipxe.extend(b"iPXE initialising devices...");
    assert_eq!(
        look("ipxe.efi", &ipxe),
        "iPXE (ipxe.efi)\n  loader for x64 (rule efi-program)\n  \
         [start] iPXE (ipxe.efi): UEFI, x64\n      program the whole image \n  \
         ! signed, with certificates of Some CA: firmware with Secure Boot starts it only if it trusts one of them\n"
    );
    let mut lkrn = vec![0; 0x400];
    lkrn[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    lkrn[0x202..0x206].copy_from_slice(b"HdrS");
    lkrn.extend(b"iPXE initialising devices...");
    let found = look("ipxe.lkrn", &lkrn);
    assert!(
        found.contains("loader for x86, x64") && found.contains("]  ") || found.contains(": BIOS")
    );
    lkrn.truncate(0x400);
    assert!(
        look("linux", &lkrn).contains("a kernel without its initrd"),
        "{}",
        look("linux", &lkrn)
    );
    let mut disk = vec![0; 4096];
    disk[..2].copy_from_slice(&[0xfa, 0xeb]);
    disk[450] = 0xef;
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    assert!(look("disk.img", &disk).contains("[disk] Disk image (disk.img): BIOS and UEFI"));
    disk[..2].copy_from_slice(&[0, 0]);
    assert!(look("disk.img", &disk).contains("[disk] Disk image (disk.img): UEFI"));
    assert!(look("notes.txt", b"text").contains("! nobody knows this file"));
    assert!(look("short.wim", b"MSWIM\0\0\0").contains("WIM that cannot be read"));
}
