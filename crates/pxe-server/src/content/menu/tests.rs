use pxe_image::{Cpu, How, Initrd, Piece, Platforms};
use pxe_select::Target;

use super::*;
use crate::content::listing::{Entry, Kind as Found};

fn config(text: &str) -> Config {
    Config::parse(text).unwrap_or_else(|faults| panic!("{faults}"))
}

fn listing() -> Listing {
    let entry = |path: &str, kind| Entry { path: path.into(), kind };
    Listing {
        entries: vec![
            entry("debian/vmlinuz", Found::Linux { initrd: "debian/initrd.gz".into() }),
            entry("old.kpxe", Found::Bios),
            entry("rescue.ipxe", Found::Script),
            entry("tool.efi", Found::Efi(Some(Cpu::X64))),
        ],
        truncated: false,
    }
}

/// What is known of an image.
fn debian() -> Recognition {
    let entry = |id: &str, cpu| {
        let how = How::Linux {
            kernel: Piece::Inside("linux".to_owned()),
            initrds: vec![Initrd::new(Piece::Inside("initrd.gz".to_owned()))],
            cmdline: "fetch={files}/x".to_owned(),
        };
        let mut it = BootEntry::new(id, format!("Debian {id}"), how);
        it.cpus = vec![cpu];
        it.memory_mib = Some(1024);
        it
    };
    let mut ram_disk = BootEntry::new("ram-disk", "Debian", How::Disk { cd: true });
    ram_disk.cpus = vec![Cpu::X64];
    ram_disk.platforms = Platforms::EFI;
    let mut it = Recognition::new("debian", "Debian", pxe_image::recognise::Kind::Live);
    it.distribution = "Debian".to_owned();
    it.cpus = vec![Cpu::Arm64, Cpu::X64];
    it.entries = vec![entry("arm", Cpu::Arm64), entry("live", Cpu::X64)];
    it.ram_disk = Some(ram_disk);
    it
}

fn catalogue<'c>(name: &'c str, known: &'c Recognition) -> [CatalogueItem<'c>; 1] {
    [CatalogueItem::of(name, known, |_| true)]
}

fn recipient(firmware: Firmware, target: Option<Target>) -> Recipient {
    let mac = Some([0x52, 0x54, 0, 0xaa, 0, 1]);
    Recipient { mac, firmware: Some(firmware), target, ..Recipient::default() }
}

fn over_tftp() -> Links {
    Links::tftp([192, 0, 2, 5].into(), 69)
}

fn over_http() -> Links {
    let base = "http://192.0.2.5:8080/boot/".to_owned();
    Links { base, server: "192.0.2.5".to_owned(), over_http: true }
}

fn text(menus: &Menus, generated: Generated, recipient: &Recipient, links: &Links) -> String {
    let (known, listing) = (debian(), listing());
    let catalogue = catalogue("debian.iso", &known);
    // Of this name is the image that nobody has looked at yet.
    let is_new =
        |target: &Target| matches!(target, Target::Image(image) if image.starts_with("new.iso"));
    let target_is_awaited = recipient.target.as_ref().is_some_and(is_new);
    let images = Catalogue::default();
    let offer = Offer {
        catalogue: &catalogue,
        images: &images,
        listing: &listing,
        loaders: &Loaders::default(),
        target_is_awaited,
    };
    written(menus, generated, recipient, &offer, links).0
}

fn written(
    menus: &Menus,
    generated: Generated,
    recipient: &Recipient,
    offer: &Offer<'_>,
    links: &Links,
) -> (String, Option<Shortfall>) {
    let text = menus.text(generated, recipient, offer, links).expect("a kind that there is");
    text.unwrap_or_else(|fault| panic!("{fault}"))
}

fn menus(toml: &str) -> Menus {
    Menus::load(&config(toml)).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn links_lead_where_the_text_came_from() {
    let menus = menus("");
    let known = recipient(Firmware::X64Uefi, None);
    let script = text(&menus, Generated::IpxeMenu, &known, &over_tftp());
    assert!(
        script.contains("kernel tftp://192.0.2.5/debian/vmlinuz initrd=initrd0 ||"),
        "{script}"
    );
    assert!(script.contains("choose --default local --timeout 20000 target"), "{script}");
    assert!(script.contains("item e5 tool.efi\n") && !script.contains("old.kpxe\n:"), "{script}");
    let http = cfg!(feature = "http");
    let image = "kernel http://192.0.2.5:8080/images/debian.iso/files/linux fetch=http://192.0.2.5:8080/images/";
    assert_eq!(script.contains(image), http, "{script}");
    let grub = text(&menus, Generated::GrubConfig, &known, &over_tftp());
    assert!(grub.contains("linux /debian/vmlinuz\n  initrd /debian/initrd.gz\n"), "{grub}");
    assert_eq!(grub.contains("configfile (http,192.0.2.5:8080)/menu.cfg?mac="), http, "{grub}");
    assert!(grub.contains("chainloader /tool.efi") && !grub.contains("--id e4"), "{grub}");
    let bios = recipient(Firmware::Bios, None);
    let pxelinux = text(&menus, Generated::PxelinuxConfig, &bios, &over_tftp());
    assert!(
        pxelinux.contains("KERNEL ::debian/vmlinuz\n  INITRD ::debian/initrd.gz\n"),
        "{pxelinux}"
    );
    let uboot = recipient(
        Firmware::Arm64Uboot,
        Some(Target::Linux {
            kernel: "Image".to_owned(),
            initrds: vec!["initrd".to_owned()],
            cmdline: "console=ttyS0".to_owned(),
        }),
    );
    let uboot = text(&menus, Generated::PxelinuxConfig, &uboot, &over_tftp());
    let own = "  KERNEL /Image\n  INITRD /initrd\n  APPEND console=ttyS0\n";
    assert!(uboot.contains(own) && uboot.contains("DEFAULT e0\n"), "{uboot}");
}

#[cfg(feature = "http")]
#[test]
fn by_http_everything_comes_by_http() {
    let menus = menus("");
    let known = recipient(Firmware::X64Uefi, None);
    let grub = text(&menus, Generated::GrubConfig, &known, &over_http());
    assert!(
        grub.contains("linux (http,192.0.2.5:8080)/images/debian.iso/files/linux fetch=http://"),
        "{grub}"
    );
    assert!(grub.contains("linux (http,192.0.2.5:8080)/boot/debian/vmlinuz\n"), "{grub}");
    assert!(!grub.contains("configfile"), "{grub}");
    // Only who is not known is asked who it is, and once.
    let mut nobody = Recipient::default();
    let again = "chain --replace http://192.0.2.5:8080/menu.ipxe?mac=${netX/mac}&platform=";
    assert!(text(&menus, Generated::IpxeMenu, &nobody, &over_http()).contains(again));
    nobody.said.is_given = true;
    assert!(!text(&menus, Generated::IpxeMenu, &nobody, &over_http()).contains(again));
    assert!(!text(&menus, Generated::IpxeMenu, &known, &over_http()).contains(again));
    // The memory of a BIOS machine is told by iPXE alone.
    let mut bios = recipient(Firmware::Bios, None);
    assert!(text(&menus, Generated::IpxeMenu, &bios, &over_http()).contains(again));
    bios.said.is_given = true;
    bios.said.memory_mib = Some(512);
    let script = text(&menus, Generated::IpxeMenu, &bios, &over_http());
    assert!(script.contains("# not here: Debian live: it needs 1024 MiB"), "{script}");
}

#[test]
fn without_http_the_files_of_images_come_by_tftp() {
    let menus = menus("[http]\nenabled = false\n");
    let image = |firmware| recipient(firmware, Some(Target::Image("own.iso".to_owned())));
    let made = |generated, firmware| {
        let mut known = debian();
        for entry in &mut known.entries {
            let How::Linux { cmdline, .. } = &mut entry.how else { panic!("{entry:?}") };
            "quiet".clone_into(cmdline);
        }
        let (catalogue, listing) = (catalogue("own.iso", &known), listing());
        let images = Catalogue::default();
        let target_is_awaited = false;
        let offer = Offer {
            catalogue: &catalogue,
            images: &images,
            listing: &listing,
            loaders: &Loaders::default(),
            target_is_awaited,
        };
        written(&menus, generated, &image(firmware), &offer, &over_tftp()).0
    };
    let script = made(Generated::IpxeMenu, Firmware::X64Uefi);
    let kernel = "kernel tftp://192.0.2.5/images/own.iso/files/linux quiet initrd=initrd0 ||";
    assert!(script.contains(kernel), "{script}");
    let grub = made(Generated::GrubConfig, Firmware::Arm64Uefi);
    let kernel =
        "linux /images/own.iso/files/linux quiet\n  initrd /images/own.iso/files/initrd.gz\n";
    assert!(grub.contains(kernel) && grub.contains("set default=e0\n"), "{grub}");
    // GRUB exports a variable of this name itself, with the entry that led here.
    assert!(!grub.contains("chosen"), "{grub}");
    let pxelinux = made(Generated::PxelinuxConfig, Firmware::Bios);
    let kernel = "KERNEL ::images/own.iso/files/linux\n  INITRD ::images/own.iso/files/initrd.gz\n";
    assert!(pxelinux.contains(kernel), "{pxelinux}");
}

#[test]
fn an_image_that_is_still_looked_at_is_waited_for() {
    let menus = menus("");
    let new = recipient(Firmware::X64Uefi, Some(Target::Image("new.iso#live".to_owned())));
    let script = text(&menus, Generated::IpxeMenu, &new, &over_tftp());
    let again = "sleep 5\nchain --replace tftp://192.0.2.5/menu.ipxe || goto failed\n";
    assert!(script.contains("echo Not known yet: new.iso.") && script.contains(again), "{script}");
    let grub = text(&menus, Generated::GrubConfig, &new, &over_tftp());
    assert!(grub.contains("sleep 5\nconfigfile /grub.cfg\n"), "{grub}");
    let known = recipient(Firmware::X64Uefi, Some(Target::Image("debian.iso".to_owned())));
    assert!(!text(&menus, Generated::IpxeMenu, &known, &over_tftp()).contains("sleep"));
}

#[cfg(feature = "http")]
#[test]
fn a_machine_with_a_target_is_not_asked() {
    let menus = menus("");
    let script = |target| {
        let recipient = recipient(Firmware::X64Uefi, Some(target));
        text(&menus, Generated::IpxeMenu, &recipient, &over_http())
    };
    let image = script(Target::Image("debian.iso".to_owned()));
    assert!(
        image.contains("\ngoto e1\n") && !image.contains("\nmenu "),
        "the one that fits: {image}"
    );
    assert!(script(Target::Image("debian.iso#live".to_owned())).contains("\ngoto e0\n"));
    let whole = script(Target::Image("debian.iso#ram-disk".to_owned()));
    assert!(whole.contains("\nsanboot http://192.0.2.5:8080/images/debian.iso ||"), "{whole}");
    assert!(!image.contains("sanboot http"), "only who is told so boots all of it: {image}");
    let gone = script(Target::Image("arch.iso".to_owned()));
    assert!(gone.contains("echo there is no image arch.iso\n"), "{gone}");
    let wrong = script(Target::Image("debian.iso#arm".to_owned()));
    assert!(wrong.contains("echo Debian arm: it is for arm64"), "{wrong}");
    assert!(script(Target::Local).contains("\ngoto local\n"));
    let own = script(Target::Script("hosts/a b.ipxe".to_owned()));
    assert!(
        own.contains("chain --replace http://192.0.2.5:8080/boot/hosts/a%20b.ipxe ||"),
        "{own}"
    );
    let elsewhere = script(Target::Script("http://192.0.2.9/x".to_owned()));
    assert!(elsewhere.contains("chain --replace http://192.0.2.9/x ||"), "{elsewhere}");
    let kernel = script(Target::Linux {
        kernel: "http://192.0.2.9/vmlinuz".to_owned(),
        initrds: vec!["a".to_owned(), "b".to_owned()],
        cmdline: "url={seed}/preseed.cfg".to_owned(),
    });
    let line = "kernel http://192.0.2.9/vmlinuz url=http://192.0.2.5:8080/seed/52-54-00-aa-00-01/preseed.cfg \
                initrd=initrd0 initrd=initrd1 ||";
    assert!(kernel.contains(line), "{kernel}");
    assert!(kernel.contains("initrd --name initrd1 http://192.0.2.5:8080/boot/b ||"), "{kernel}");
}

#[test]
fn the_default_is_what_the_configuration_says() {
    for (default, id) in [
        ("debian/vmlinuz", "e2"),
        ("debian.iso", if cfg!(feature = "http") { "e1" } else { "local" }),
        ("debian.iso#arm", "local"),
        ("nothing", "local"),
        ("local", "local"),
    ] {
        let menus =
            menus(&format!("[menu]\ntitle = \"Lab\"\ntimeout = 3\ndefault = \"{default}\"\n"));
        let known = recipient(Firmware::X64Uefi, None);
        let script = text(&menus, Generated::IpxeMenu, &known, &over_tftp());
        assert!(
            script.contains(&format!("choose --default {id} --timeout 3000 ")),
            "{default}: {script}"
        );
        assert!(script.contains("\nmenu Lab\n"), "{script}");
        let is_told = script.contains("# menu.default is ");
        assert_eq!(is_told, matches!(default, "nothing" | "debian.iso#arm"), "{default}: {script}");
    }
}

#[test]
fn a_locked_menu_opens_for_whoever_knows_the_password() {
    let hash = "grub.pbkdf2.sha512.10.AB.000102030405060708090a0b0c0d0e0f";
    let menus = menus(&format!("[menu]\npassword = \"{hash}\"\n"));
    let mut known = recipient(Firmware::X64Uefi, None);
    let script = text(&menus, Generated::IpxeMenu, &known, &over_http());
    assert!(!script.contains("debian") && !script.contains("\nshell\n"), "{script}");
    assert_eq!(script.contains("\nlogin "), cfg!(feature = "http"), "{script}");
    assert!(text(&menus, Generated::GrubConfig, &known, &over_tftp()).contains(hash));
    known.said.unlocked = true;
    assert!(text(&menus, Generated::IpxeMenu, &known, &over_http()).contains("debian/vmlinuz"));
}

#[test]
fn templates_of_the_user_are_taken_or_refused_with_their_line() {
    let folder = std::env::temp_dir().join(format!("pxe-templates-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let config = config(&format!("templates = {:?}\n", folder.display().to_string()));
    fs::write(folder.join("menu.ipxe.j2"), "#!ipxe\necho {{ title }}\n").expect("a template");
    let menus = Menus::load(&config).unwrap_or_else(|faults| panic!("{faults:?}"));
    let known = recipient(Firmware::X64Uefi, None);
    let script = text(&menus, Generated::IpxeMenu, &known, &over_tftp());
    assert_eq!(script, "#!ipxe\necho Network boot\n");
    fs::write(folder.join("grub.cfg.j2"), "\n{% for %}\n").expect("a template");
    fs::write(folder.join("pxelinux.cfg.j2"), "{{ titel }}").expect("a template");
    let faults = Menus::load(&config).expect_err("faults");
    assert_eq!(faults.len(), 2, "{faults:?}");
    assert!(
        faults[0].key.ends_with("grub.cfg.j2:2") && faults[1].key.ends_with("pxelinux.cfg.j2:1"),
        "{faults:?}"
    );
    fs::remove_dir_all(folder).expect("clean");
}

fn of_target(catalogue: &[CatalogueItem<'_>], image: &str) -> String {
    let target = Some(Target::Image(image.to_owned()));
    of_items(catalogue, &recipient(Firmware::X64Uefi, target)).0
}

fn of_items(catalogue: &[CatalogueItem<'_>], recipient: &Recipient) -> (String, Option<Shortfall>) {
    let (images, listing) = (Catalogue::default(), Listing::default());
    let offer = Offer {
        catalogue,
        images: &images,
        listing: &listing,
        loaders: &Loaders::default(),
        target_is_awaited: false,
    };
    written(&menus(""), Generated::IpxeMenu, recipient, &offer, &over_http())
}

#[test]
fn what_needs_a_seed_is_offered_only_to_machines_that_have_it() {
    let mut known = debian();
    if let How::Linux { cmdline, .. } = &mut known.entries[1].how {
        cmdline.push_str(" inst.ks={seed}/ks.cfg");
    }
    let mut catalogue = catalogue("debian.iso", &known);
    let mut with = catalogue.clone();
    with[0].without_seeds(|name| name == "ks.cfg");
    assert_eq!(with, catalogue);
    let expected = "inst.ks=http://192.0.2.5:8080/seed/52-54-00-aa-00-01/ks.cfg";
    assert!(of_target(&with, "debian.iso#live").contains(expected));

    catalogue[0].without_seeds(|_| false);
    let entries = &catalogue[0].entries;
    assert_eq!(entries.iter().map(|entry| &*entry.id).collect::<Vec<_>>(), ["arm"]);
    let script = of_target(&catalogue, "debian.iso#live");
    assert!(!script.contains("inst.ks"), "{script}");
    assert!(script.contains("ks.cfg for this machine alone"), "{script}");
    let menu = of_items(&catalogue, &recipient(Firmware::X64Uefi, None)).0;
    assert!(menu.contains("ks.cfg for this machine alone"), "a remark says why: {menu}");
}

#[test]
fn a_host_whose_image_boots_in_no_way_is_told_why() {
    let known = debian();
    let mut catalogue = catalogue("debian.iso", &known);
    assert!(of_target(&catalogue, "other.iso").contains("there is no image other.iso"));
    let other = of_target(&catalogue, "debian.iso#x");
    assert!(other.contains("debian.iso has no entry x, but arm, live"), "{other}");
    catalogue[0].entries.clear();
    catalogue[0].lacking.push("linux is not beneath the root".to_owned());
    let script = of_target(&catalogue, "debian.iso");
    assert!(script.contains("echo linux is not beneath the root"), "{script}");
}

#[test]
fn what_a_machine_cannot_boot_is_told_beside_the_text() {
    let known = debian();
    let catalogue = catalogue("debian.iso", &known);
    let fault = |firmware, image: Option<&str>, memory_mib| {
        let mut recipient = recipient(firmware, image.map(|it| Target::Image(it.to_owned())));
        recipient.said.memory_mib = memory_mib;
        of_items(&catalogue, &recipient).1.map(|it| it.text())
    };
    // An image that is for this machine, by one of its entries or as the menu has it.
    for image in [Some("debian.iso"), Some("debian.iso#live"), Some("debian.iso#ram-disk"), None] {
        assert_eq!(fault(Firmware::X64Uefi, image, None), None, "{image:?}");
    }
    let meant = "the machine cannot boot what it is meant to: ";
    let arm = "debian.iso, Debian arm: it is for arm64 (BIOS and UEFI), and this is x64 with UEFI";
    let told = fault(Firmware::X64Uefi, Some("debian.iso#arm"), None);
    assert_eq!(told, Some(format!("{meant}{arm}")));
    let told = fault(Firmware::X64Uefi, Some("debian.iso#live"), Some(512)).expect("too small");
    assert!(told.ends_with("it needs 1024 MiB of memory, and the machine has 512"), "{told}");
    let told = fault(Firmware::X64Uefi, Some("other.iso"), None);
    assert_eq!(told, Some(format!("{meant}there is no image other.iso")));
    let told = fault(Firmware::Riscv64Uefi, None, None).expect("nothing is left");
    assert!(
        told.starts_with("nothing in it boots this machine: debian.iso, Debian arm:"),
        "{told}"
    );
    assert!(told.contains("; debian.iso, Debian live: "), "{told}");
}
