//! Menus with something of everything, on which templates are tried before they are used.

use super::{Client, ImageRef, Kind, Lock, Menu, MenuItem, Mode, Places, Platform};
use crate::{BootEntry, Cpu, How, Initrd, Piece, Platforms};
use std::sync::LazyLock;

/// Entries of every kind.
pub(super) static ENTRIES: LazyLock<Vec<BootEntry>> = LazyLock::new(|| {
    let entry = |id: &str, title: &str, cpus: &[Cpu], platforms, how| BootEntry {
        id: id.to_owned(),
        title: title.to_owned(),
        cpus: cpus.to_vec(),
        platforms,
        memory_mib: None,
        how,
        note: String::new(),
    };
    let inside = |path: &str| Piece::Inside(path.to_owned());
    let initrd = |piece| Initrd::new(piece);
    let linux = |cmdline: &str, more: Option<Initrd>| How::Linux {
        kernel: inside("live/vmlinuz"),
        initrds: [initrd(inside("live/initrd.img"))].into_iter().chain(more).collect(),
        cmdline: cmdline.to_owned(),
    };
    let hook = Initrd {
        piece: Piece::Root("hooks/late".to_owned()),
        path: Some("/hooks/late".to_owned()),
        mode: Some(0o755),
    };
    let mut live = entry(
        "live",
        "Debian 12 live",
        &[Cpu::X64],
        Platforms::ANY,
        linux("boot=live components fetch={files}/live/filesystem.squashfs", None),
    );
    live.memory_mib = Some(2048);
    "needs the network while it starts".clone_into(&mut live.note);
    vec![
        live,
        entry(
            "auto",
            "Debian 12, unattended",
            &[Cpu::X64],
            Platforms::ANY,
            linux(
                "auto=true url={seed}/preseed.cfg BOOTIF=01-{mac-hyphen} ds=nocloud;s={image}",
                Some(hook),
            ),
        ),
        entry(
            "arm",
            "Debian 12 for ARM",
            &[Cpu::Arm64],
            Platforms::EFI,
            How::Linux {
                kernel: Piece::Root("arm64/linux".to_owned()),
                initrds: Vec::new(),
                cmdline: String::new(),
            },
        ),
        entry(
            "setup",
            "Windows setup",
            &[Cpu::X64],
            Platforms::ANY,
            How::Wimboot {
                wim: inside("sources/boot.wim"),
                files: vec![(
                    "winpeshl.ini".to_owned(),
                    Piece::Root("win/winpeshl.ini".to_owned()),
                )],
            },
        ),
        entry(
            "shell",
            "UEFI shell",
            &[Cpu::X64],
            Platforms::EFI,
            How::Chain {
                program: Piece::Root("shell.efi".to_owned()),
                arguments: "-nomap".to_owned(),
            },
        ),
        entry("whole", "The whole image", &[], Platforms::ANY, How::Disk { cd: true }),
    ]
});

static SHIMS: LazyLock<[(Cpu, String); 1]> =
    LazyLock::new(|| [(Cpu::X64, "EFI/BOOT/BOOTX64.EFI".to_owned())]);

/// The image that they are from.
pub(super) fn image() -> ImageRef<'static> {
    ImageRef { name: "debian-12.iso", title: "Debian 12", shims: &*SHIMS }
}

/// All entries, each once.
pub(super) fn items() -> Vec<MenuItem<'static>> {
    ENTRIES.iter().map(|entry| MenuItem { image: Some(image()), entry }).collect()
}

/// Where each kind of loader finds things.
pub(super) fn places(kind: Kind) -> Places {
    let server = "http://192.0.2.5:8080";
    match kind {
        Kind::Ipxe => Places::over_http(server),
        Kind::Grub => Places::grub_over_http(server).unwrap_or_else(|| Places::over_http(server)),
        Kind::Pxelinux => Places {
            http: Some(server.to_owned()),
            root: "/".to_owned(),
            images: Some("/images/".to_owned()),
            encoded: false,
        },
    }
}

/// A hash of "network", for whoever reads this.
pub(super) const HASH: &str = "grub.pbkdf2.sha512.10000.00.00";

/// One menu for each way through a template.
pub(super) fn menus(kind: Kind) -> Vec<Menu<'static>> {
    let whole = |mode, client| {
        let mut menu = Menu::new("Network boot", places(kind), client);
        menu.items = items();
        menu.mode = mode;
        menu.remarks = vec!["made from a sample".to_owned()];
        menu
    };
    let choose = |default| Mode::Choose { timeout_s: 20, default };
    let nobody = Client::default();
    let known = Client {
        platform: Some(Platform::Bios),
        mac: Some([0x52, 0x54, 0, 0xaa, 0, 1]),
        memory_mib: Some(1024),
        ..nobody
    };
    let mut locked = whole(choose(Some(0)), nobody);
    locked.lock = Lock::Password { hash: HASH };
    let mut asking = whole(choose(None), nobody);
    asking.ask_again = Some(match kind {
        Kind::Grub => "(http,192.0.2.5:8080)/menu.cfg".to_owned(),
        _ => "http://192.0.2.5:8080/menu.ipxe".to_owned(),
    });
    let mut waiting = Menu::new("Network boot", places(kind), known);
    (waiting.mode, waiting.awaited) = (Mode::Boot, Some("new.iso".to_owned()));
    let mut many = whole(choose(Some(1)), known);
    many.items = items().into_iter().cycle().take(60).collect();
    vec![
        whole(choose(None), nobody),
        whole(choose(Some(1)), known),
        whole(Mode::Boot, known),
        whole(Mode::Local, known),
        whole(Mode::Script("http://192.0.2.9/own.ipxe".to_owned()), known),
        locked,
        asking,
        many,
        waiting,
        Menu::new("Network boot", places(kind), nobody),
    ]
}
