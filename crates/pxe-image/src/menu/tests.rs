//! Each template against texts that are kept (`UPDATE_GOLDEN=1` writes them anew), and what must hold for all of them.

use std::collections::BTreeSet;
use std::path::Path;

use super::sample;
use super::*;
use crate::limits::{MENU_BYTES_MAX, TEMPLATE_BYTES_MAX};
use crate::{How, Piece, Platforms};

const NAMES: [&str; 10] =
    ["unknown", "bios", "boot", "local", "script", "locked", "asking", "many", "waiting", "empty"];

fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/menus").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, text).expect("written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(text == kept, "{} differs:\n{text}", path.display());
}

#[test]
fn texts_are_as_they_were() {
    let renderer = Renderer::new();
    for kind in Kind::ALL {
        for (menu, name) in sample::menus(kind).iter().zip(NAMES) {
            let text =
                renderer.render(kind, menu).unwrap_or_else(|why| panic!("{kind} {name}: {why}"));
            let extension = ["ipxe", "grub.cfg", "pxelinux"][kind as usize];
            if name != "many" {
                golden(&format!("{name}.{extension}"), &text);
            }
        }
    }
}

/// What an iPXE script does wrong: labels that are missing or there twice, lines that are no commands.
fn faults_of_script(script: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let labels: Vec<&str> = script.lines().filter_map(|line| line.strip_prefix(':')).collect();
    let unique: BTreeSet<&str> = labels.iter().copied().collect();
    if unique.len() != labels.len() {
        faults.push(format!("a label is there twice: {labels:?}"));
    }
    let mut targets = BTreeSet::new();
    for line in script.lines().filter(|line| !line.starts_with(['#', ':'])) {
        let words: Vec<&str> = line.split(' ').collect();
        for pair in words.windows(2) {
            if pair[0] == "goto" && pair[1] != "${target}" {
                targets.insert(pair[1]);
            }
        }
        if let Some(at) = words.iter().position(|word| *word == "item")
            && words[at + 1] != "--gap"
        {
            targets.insert(words[at + 1]);
        }
        let command = words[0];
        let known = "set chain iseq goto menu item choose shell sanboot exit imgfetch imgfree echo kernel initrd \
                     boot prompt login sleep";
        if !known.split_whitespace().any(|word| word == command) || line.ends_with(' ') {
            faults.push(format!("no command: {line:?}"));
        }
    }
    let missing: Vec<_> = targets.difference(&unique).collect();
    if !missing.is_empty() {
        faults.push(format!("no such label: {missing:?}"));
    }
    faults
}

#[test]
fn every_goto_has_its_label() {
    let renderer = Renderer::new();
    for (menu, name) in sample::menus(Kind::Ipxe).iter().zip(NAMES) {
        let script = renderer.render(Kind::Ipxe, menu).expect("a script");
        assert!(script.starts_with("#!ipxe\n"), "{name}");
        assert_eq!(faults_of_script(&script), [""; 0], "{name}:\n{script}");
    }
    assert_eq!(faults_of_script(":a\n:a\ngoto b\nhello\n").len(), 3);
}

/// GRUB's own checker, where it is installed; the step of tests installs it.
#[test]
fn grub_takes_its_configurations() {
    let renderer = Renderer::new();
    for (menu, name) in sample::menus(Kind::Grub).iter().zip(NAMES) {
        let text = renderer.render(Kind::Grub, menu).expect("a configuration");
        let run = std::process::Command::new("grub-script-check")
            .stdin(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn();
        let Ok(mut run) = run else {
            assert!(std::env::var_os("CI").is_none(), "grub-script-check is missing");
            eprintln!("skipped: grub-script-check is missing (package grub-common)");
            return;
        };
        let mut stdin = run.stdin.take().expect("a pipe");
        std::io::Write::write_all(&mut stdin, text.as_bytes()).expect("written");
        drop(stdin);
        let ended = run.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{name}: {said}\n{text}");
    }
}

fn chain(title: &str, path: &str) -> BootEntry {
    BootEntry {
        id: "x".to_owned(),
        title: title.to_owned(),
        cpus: Vec::new(),
        platforms: Platforms::ANY,
        memory_mib: None,
        how: How::Chain { program: Piece::Root(path.to_owned()), arguments: String::new() },
        note: title.to_owned(),
    }
}

#[test]
fn names_that_are_syntax_stay_names() {
    let evil = "x && shell || ${net0/mac} \n:menu\nshell # ' \" ; } ( ` $(reboot)";
    let entry = chain(evil, &format!("{evil}.efi"));
    let renderer = Renderer::new();
    for kind in Kind::ALL {
        let mut menu = Menu::new(evil, sample::places(kind), Client::default());
        let image = ImageRef { name: evil, title: evil, shims: &[] };
        menu.items = vec![MenuItem { image: Some(image), entry: &entry }; 30];
        menu.remarks = vec![evil.to_owned()];
        let text = renderer.render(kind, &menu).expect("a menu");
        assert!(!text.contains("shell ||") && !text.contains("${net0"), "{kind}:\n{text}");
        assert!(!text.contains("$(reboot)") && !text.contains("\nshell #"), "{kind}:\n{text}");
        if kind == Kind::Ipxe {
            assert_eq!(faults_of_script(&text), [""; 0], "{text}");
        }
    }
}

fn offered(text: &str, id: &str) -> bool {
    text.contains(&format!("item {id} "))
        || text.contains(&format!("--id {id}"))
        || text.contains(&format!("LABEL {id}\n"))
}

#[test]
fn machines_are_offered_what_they_can_boot_and_told_of_the_rest() {
    let renderer = Renderer::new();
    let render = |kind, client| {
        let mut menu = Menu::new("Network boot", sample::places(kind), client);
        menu.items = sample::items();
        renderer.render(kind, &menu).expect("a menu")
    };
    let is = |platform, cpu| Client { platform: Some(platform), cpu, ..Client::default() };
    for (kind, client, ids) in [
        (Kind::Ipxe, Client::default(), "e0 e1 e2 e3 e4 e5"),
        (Kind::Ipxe, is(Platform::Bios, None), "e0 e1 e3 e5"),
        (Kind::Ipxe, is(Platform::Efi, Some(Cpu::X64)), "e0 e1 e3 e4 e5"),
        (Kind::Ipxe, is(Platform::Efi, Some(Cpu::Arm64)), "e2 e5"),
        (Kind::Ipxe, is(Platform::Efi, Some(Cpu::X86)), "e5"),
        (Kind::Grub, is(Platform::Efi, Some(Cpu::X64)), "e0 e4"),
        (Kind::Grub, is(Platform::Bios, None), "e0"),
        (Kind::Pxelinux, is(Platform::Bios, None), "e0 e5"),
        (Kind::Pxelinux, is(Platform::Other, Some(Cpu::Arm64)), "e2"),
        (Kind::Pxelinux, is(Platform::Other, Some(Cpu::S390x)), ""),
    ] {
        let text = render(kind, client);
        let found: Vec<String> =
            (0..6).map(|index| format!("e{index}")).filter(|id| offered(&text, id)).collect();
        assert_eq!(found.join(" "), ids, "{kind} {client:?}:\n{text}");
        let gone = text.lines().filter(|line| line.starts_with("# not here: ")).count();
        assert_eq!(gone, 6 - found.len(), "{text}");
    }
    let small = Client { memory_mib: Some(1024), ..is(Platform::Bios, None) };
    let text = render(Kind::Ipxe, small);
    assert!(
        text.contains("Debian 12 live: it needs 2048 MiB of memory, and the machine has 1024"),
        "{text}"
    );
}

#[test]
fn that_nothing_is_left_for_a_machine_is_known_without_the_text() {
    let of = |items: &[usize], kind, client, lock, mode| {
        let mut menu = Menu::new("Network boot", sample::places(kind), client);
        let all = sample::items();
        menu.items = items.iter().map(|index| all[*index]).collect();
        (menu.lock, menu.mode) = (lock, mode);
        menu.nothing_left(kind)
    };
    let is = |platform, cpu| Client { platform: Some(platform), cpu, ..Client::default() };
    let (bios, arm) = (is(Platform::Bios, None), is(Platform::Efi, Some(Cpu::Arm64)));
    let choose = || Mode::Choose { timeout_s: 5, default: None };
    let left = of(&[2], Kind::Ipxe, bios, Lock::Open, Mode::Boot).expect("nothing for it");
    let left: Vec<_> = left.iter().map(|it| (it.image.as_deref(), &*it.title, &*it.why)).collect();
    let image = sample::items()[2].image.map(|image| image.name);
    let why = "it is for arm64 (UEFI), and this is a BIOS machine";
    assert_eq!(left, [(image, "Debian 12 for ARM", why)]);
    assert_eq!(of(&[2, 0], Kind::Ipxe, bios, Lock::Open, Mode::Boot), None);
    // What the loader has to find out itself may fit, and so may what a password hides.
    assert_eq!(of(&[2], Kind::Ipxe, Client::default(), Lock::Open, Mode::Boot), None);
    let lock = Lock::Password { hash: sample::HASH };
    assert_eq!(of(&[2], Kind::Ipxe, arm, lock, choose()), None);
    assert!(of(&[2], Kind::Ipxe, bios, lock, choose()).is_some());
    for mode in [Mode::Local, Mode::Script("http://192.0.2.9/x".to_owned())] {
        assert_eq!(of(&[], Kind::Ipxe, bios, Lock::Open, mode), None);
    }
    assert_eq!(of(&[], Kind::Ipxe, bios, Lock::Open, choose()), Some(Vec::new()));
}

#[test]
fn only_grub_is_told_the_hash() {
    let renderer = Renderer::new();
    for kind in Kind::ALL {
        let mut menu = Menu::new("Network boot", sample::places(kind), Client::default());
        menu.items = sample::items();
        menu.mode = Mode::Choose { timeout_s: 5, default: Some(0) };
        menu.lock = Lock::Password { hash: sample::HASH };
        let text = renderer.render(kind, &menu).expect("a menu");
        assert_eq!(text.contains(sample::HASH), kind == Kind::Grub, "{text}");
        // Before the password there is the default, and no way to a shell.
        assert!(offered(&text, "e0") && !text.contains("\nshell\n"), "{text}");
        assert_eq!(offered(&text, "e4"), kind == Kind::Grub, "{text}");
        if kind == Kind::Ipxe {
            assert!(
                text.contains("login || goto menu\nchain --replace http://${username:uristring}:"),
                "{text}"
            );
        }
    }
}

#[test]
fn many_images_have_a_list_each() {
    let renderer = Renderer::new();
    let mut menu = Menu::new("Network boot", sample::places(Kind::Ipxe), Client::default());
    let names: Vec<String> = (0..8).map(|number| format!("image-{number}.iso")).collect();
    for name in &names {
        let image = ImageRef { name, title: "", shims: &[] };
        menu.items.extend(
            sample::items().into_iter().map(|item| MenuItem { image: Some(image), ..item }),
        );
    }
    menu.mode = Mode::Choose { timeout_s: 9, default: Some(13) };
    let script = renderer.render(Kind::Ipxe, &menu).expect("a menu");
    assert_eq!(script.matches("\nitem menu Back\n").count(), 8, "{script}");
    assert!(
        script.contains("item g7 image-7.iso ...\n")
            && script.contains("\n:g7\nmenu image-7.iso\n")
    );
    let (first, _) =
        script.split_once("choose --default e13 --timeout 9000 ").expect("the first list");
    assert!(first.contains("item e13 "), "what the time-out takes is in the first list: {first}");
}

#[test]
fn broken_templates_are_refused_with_their_line() {
    for (template, line, words) in [
        ("a\n{% if %}\n", 2, "syntax"),
        ("a\nb\n{{ titel }}\n", 3, "undefined"),
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
            1,
            "steps",
        ),
        ("\n{% for item in items %}{{ item.kernl }}{% endfor %}", 2, "undefined"),
    ] {
        let fault = Renderer::new().with_template(Kind::Grub, template).expect_err(template);
        assert_eq!(fault.line, Some(line), "{template}: {fault}");
        assert!(fault.problem.contains(words), "{template}: {fault}");
    }
    let long = "x".repeat(TEMPLATE_BYTES_MAX + 1);
    assert!(Renderer::new().with_template(Kind::Grub, &long).is_err());
    let block = "x".repeat(10_000);
    let endless = format!("{{% for a in range(1000) %}}{block}{{% endfor %}}");
    let fault = Renderer::new().with_template(Kind::Grub, &endless).expect_err("too long");
    assert!(fault.problem.contains(&MENU_BYTES_MAX.to_string()), "{fault}");
}

#[test]
fn a_template_of_the_user_takes_the_place_of_ours() {
    let renderer = Renderer::new()
        .with_template(Kind::Pxelinux, "{{ title }}: {{ items|length }}\n")
        .expect("a sound template");
    let menu = Menu::new("Mine\nDEFAULT x", sample::places(Kind::Pxelinux), Client::default());
    assert_eq!(renderer.render(Kind::Pxelinux, &menu).as_deref(), Ok("Mine DEFAULT x: 0\n"));
}
