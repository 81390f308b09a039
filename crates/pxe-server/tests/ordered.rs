//! What `explain` and `replay` tell of a machine whose next boot is ordered: the same that it would get.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Folder, program};
use serde_json::Value;

const MAC: &str = "52:54:00:aa:00:01";
const CONFIG: &str = "\
root = \"boot\"
[loaders]
bios = \"undionly.kpxe\"
x64-uefi = \"ipxe.efi\"
[[host]]
mac = \"52:54:00:aa:00:01\"
boot = false
";

struct Place(Folder);

impl Place {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        folder.write("pxe.toml", CONFIG.as_bytes());
        for made in ["boot", "state"] {
            fs::create_dir(folder.0.join(made)).expect("a folder");
        }
        Self(folder)
    }

    /// Whether it went well, and what it printed of both kinds.
    fn run(&self, words: &[&str]) -> (bool, String) {
        let config = self.0.0.join("pxe.toml");
        let ran = program().arg("--config").arg(config).args(words).output().expect("it runs");
        let text = [ran.stdout, ran.stderr].concat();
        (ran.status.success(), String::from_utf8(text).expect("text"))
    }

    fn text(&self, words: &[&str]) -> String {
        let (well, text) = self.run(words);
        assert!(well, "{words:?}: {text}");
        text
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.text(words)).expect("JSON")
    }

    fn order(&self) -> PathBuf {
        self.0.0.join("state/next-boot").join(MAC.replace(':', "-"))
    }
}

#[test]
fn a_described_machine_gets_what_is_ordered() {
    let folder = Place::new("ordered-described");
    let words = ["explain", "--arch", "x64-uefi", "--ipxe", "--mac", MAC];
    let without = folder.text(&words);
    assert!(without.contains("gets      nothing") && !without.contains("ordered"), "{without}");
    folder.text(&["next-boot", MAC, "script", "install.ipxe"]);
    let with = folder.text(&words);
    assert!(with.contains("ordered   for its next boot: script install.ipxe, once done"), "{with}");
    assert!(with.contains("gets      install.ipxe"), "{with}");
    // The packets that would be sent, and the file that would be given.
    assert!(
        with.contains("file                     http://192.0.2.5:8080/boot/install.ipxe"),
        "{with}"
    );
    let asked = folder.json(&[&words[..], &["--json", "--ask", "menu.ipxe"]].concat());
    assert_eq!(asked["next_boot"]["what"], "script install.ipxe", "{asked}");
    assert_eq!(asked["gets"], "menu.ipxe", "{asked}");
    let other = folder.text(&["explain", "--arch", "x64-uefi", "--mac", "52:54:00:aa:00:02"]);
    assert!(!other.contains("ordered") && other.contains("gets      ipxe.efi"), "{other}");
    assert!(folder.order().is_file(), "looking spends nothing");
}

#[test]
fn a_machine_that_was_seen_has_its_order_in_its_story() {
    let folder = Place::new("ordered-seen");
    folder.text(&["next-boot", MAC, "menu", "--once", "delivered"]);
    let (well, said) = folder.run(&["explain", MAC]);
    assert!(!well && said.contains("Its next boot is ordered: menu, once delivered"), "{said}");
    let line = format!(
        "{{\"at\":1767225600000,\"client\":\"{MAC}\",\"stage\":\"denied\",\"text\":\"denied: no\"}}\n"
    );
    folder.0.write("state/journal", line.as_bytes());
    let said = folder.text(&["explain", MAC]);
    assert!(said.contains("\nnext boot menu, once delivered (given 2"), "{said}");
    let json = folder.json(&["explain", MAC, "--json"]);
    assert_eq!(json["next_boot"]["once"], "delivered", "{json}");
    folder.text(&["next-boot", "clear", MAC]);
    assert!(!folder.text(&["explain", MAC]).contains("next boot"));
}

#[test]
fn a_capture_is_answered_as_the_order_says() {
    let folder = Place::new("ordered-capture");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/captures");
    let capture = captures.join("ipxe-bios-and-ovmf-x64-chain.pcap").display().to_string();
    let without = folder.text(&["replay", &capture]);
    assert!(without.contains(&format!("{MAC} denied")), "{without}");
    folder.text(&["next-boot", MAC, "script", "install.ipxe"]);
    let with = folder.text(&["replay", &capture]);
    assert!(!with.contains(&format!("{MAC} denied")), "{with}");
    let offered = format!("{MAC} offered http://10.77.0.254:8080/boot/install.ipxe");
    assert!(with.contains(&offered), "{with}");
    let note = "note   answers are as its next boot is ordered now: script install.ipxe, once done";
    assert_eq!(with.matches(note).count(), 1, "{with}");
    let json = folder.json(&["replay", "--json", &capture]);
    assert_eq!(json["machines"][0]["next_boot"]["what"], "script install.ipxe", "{json}");
    assert_eq!(json["machines"][1]["next_boot"], Value::Null, "{json}");
    assert!(folder.order().is_file(), "a rehearsal spends nothing");
}
