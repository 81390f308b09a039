//! The whole engine on the simulated network: every machine ends with the content of its own
//! loader, fetched by TFTP as its firmware does it, on good networks and bad ones.

mod common;

use std::time::Duration;

use common::models::{Model, attach};
use common::{LOADERS, Lab, Place, US, policy};
use pxe_dhcp::respond::{ProxyConfig, ProxyStyles};
use pxe_server::engine::{Engine, EngineConfig, InventoryAnswer, Shared};
use pxe_sim::engine::{EngineServer, MemoryFiles, content_of};
use pxe_sim::firmware::Outcome;
use pxe_sim::firmware::edk2_pxe::Era;
use pxe_sim::firmware::ipxe::Build;
use pxe_sim::firmware::raspberry_pi::Generation;
use pxe_sim::foreign::Habit;
use pxe_sim::network::{HostId, Impairment};

/// Size of every loader: some windows of blocks and an odd rest.
const LOADER_BYTES: usize = 60_001;
/// What a Pi 4 asks for.
const PI_FILE: &str = "7c3f2a10/start4.elf";

fn engine() -> EngineServer {
    let mut proxy = ProxyConfig::default();
    proxy.styles = ProxyStyles::Adaptive;
    let config = EngineConfig { proxy: Some(proxy), ..EngineConfig::default() };
    let mut files: Vec<(&str, usize)> =
        LOADERS.iter().map(|(_, name)| (*name, LOADER_BYTES)).collect();
    files.push((PI_FILE, LOADER_BYTES));
    EngineServer::new(Engine::new(config, Shared::new(policy(false))), MemoryFiles::new(files))
}

/// Every model with the file it must end with.
const MODELS: &[(Model, &str)] = &[
    (Model::Edk2(6, Era::Current), "ipxe32.efi"),
    (Model::Edk2(7, Era::Current), "debian/bootnetx64.efi"),
    (Model::Edk2(9, Era::Current), "debian/bootnetx64.efi"),
    (Model::Edk2(7, Era::Years2010To2017), "debian/bootnetx64.efi"),
    (Model::Edk2(11, Era::Current), "debian/bootnetaa64.efi"),
    (Model::Edk2(27, Era::Current), "grubriscv64.efi"),
    (Model::Edk2(39, Era::Current), "grubloongarch64.efi"),
    (Model::Ipxe(0, Build::Rom), "menu.ipxe"),
    (Model::Ipxe(0, Build::Chained), "menu.ipxe"),
    (Model::Ipxe(7, Build::Chained), "menu.ipxe"),
    (Model::Ipxe(11, Build::Chained), "menu.ipxe"),
    (Model::Ipxe(0, Build::Stripped), "undionly.kpxe"),
    (Model::IntelRom, "undionly.kpxe"),
    (Model::UBoot, "boot.scr.uimg"),
    (Model::RaspberryPi(Generation::Three), "bootcode.bin"),
    (Model::RaspberryPi(Generation::Four), PI_FILE),
];

/// Whether a client got its file; never another, never other bytes.
#[track_caller]
fn booted(lab: &Lab, outcome: &Outcome, model: Model, file: &str) -> bool {
    let Some(boot) = outcome.boot() else { return false };
    let report = || format!("{model:?}, {}", lab.world.report());
    let got = (boot.server, String::from_utf8_lossy(&boot.file));
    assert_eq!(got, (US, file.into()), "{}", report());
    let content = boot.content.as_ref().expect("a fetched file");
    let generated = file == "menu.ipxe";
    let bytes = if generated { content.len() } else { LOADER_BYTES };
    assert!(*content == content_of(file.as_bytes(), bytes), "other bytes: {}", report());
    true
}

fn all_boot(impairment: Impairment, place: Place) {
    let mut told = 0;
    for (model, file) in MODELS {
        let mut lab = Lab::with_server(2, impairment, place, Habit::PointsAtItself, engine());
        let client = attach(&mut lab, *model);
        let outcome = lab.run(client);
        let fine = booted(&lab, &outcome, *model, file);
        assert!(fine, "{model:?}: {outcome:?}, {}", lab.world.report());
        // What it fetched would be heard next; before that nothing is missing.
        lab.world.run_for(Duration::from_secs(80));
        assert!(!told_silence(&lab), "{model:?}: {}", lab.world.report());
        lab.world.run_for(Duration::from_secs(300));
        told += usize::from(told_silence(&lab));
    }
    assert!(told > MODELS.len() / 2, "{told}: this test looks for the wrong words");
}

/// Whether the server says that a step did not come.
fn told_silence(lab: &Lab) -> bool {
    lab.world.report().contains("Silent {")
}

#[test]
fn every_machine_fetches_its_loader() {
    all_boot(Impairment::default(), Place::SameLan);
    all_boot(Impairment::default(), Place::Relayed);
}

#[test]
fn duplicates_and_reordering_alone_harm_nobody() {
    all_boot(Impairment::bad(0), Place::SameLan);
}

/// An inventory that boots every machine, and takes long about it.
fn slow_inventory(mac: [u8; 6]) -> InventoryAnswer {
    let script = String::from_utf8(script_of(mac)).expect("text");
    InventoryAnswer::Boots { script, target: None, what: "a script".to_owned() }
}

fn script_of(mac: [u8; 6]) -> Vec<u8> {
    format!("#!ipxe\necho {mac:02x?}\n").into_bytes()
}

#[test]
fn machines_of_an_inventory_boot_although_it_takes_its_time() {
    for (model, file) in MODELS {
        // U-Boot takes the first offer it hears a tenth of a second later.
        let takes = if matches!(model, Model::UBoot) { 50 } else { 900 };
        let engine = engine().with_inventory(Duration::from_millis(takes), slow_inventory);
        let (impairment, place) = (Impairment::default(), Place::SameLan);
        let mut lab = Lab::with_server(4, impairment, place, Habit::PointsAtItself, engine);
        let client = attach(&mut lab, *model);
        let outcome = lab.run(client);
        let report = || format!("{model:?}: {outcome:?}, {}", lab.world.report());
        if *file != "menu.ipxe" {
            assert!(booted(&lab, &outcome, *model, file), "{}", report());
            continue;
        }
        let boot = outcome.boot().unwrap_or_else(|| panic!("{}", report()));
        let name = String::from_utf8_lossy(&boot.file);
        let mac = name.strip_prefix("machine/").and_then(|name| name.strip_suffix(".ipxe"));
        let mac: Vec<u8> = mac
            .unwrap_or_else(|| panic!("{}", report()))
            .split('-')
            .map(|byte| u8::from_str_radix(byte, 16).expect("a byte"))
            .collect();
        let script = script_of(mac.try_into().expect("six bytes"));
        assert_eq!(boot.content.as_ref(), Some(&script), "{}", report());
    }
}

#[test]
fn a_machine_that_the_inventory_does_not_boot_gets_nothing() {
    for (model, _) in MODELS {
        let ignores = |_| InventoryAnswer::Ignores { why: "404".to_owned(), said: true };
        let engine = engine().with_inventory(Duration::from_millis(900), ignores);
        let (impairment, place) = (Impairment::default(), Place::SameLan);
        let mut lab = Lab::with_server(5, impairment, place, Habit::AddressesOnly, engine);
        let client = attach(&mut lab, *model);
        let outcome = lab.run(client);
        assert!(
            outcome.boot().is_none_or(|boot| boot.server != US || boot.content.is_none()),
            "{model:?}: {outcome:?}, {}",
            lab.world.report()
        );
    }
}

/// All at once, with loss: most fetch their loader, and whoever does got the right one whole.
#[test]
fn a_room_full_of_machines_on_a_lossy_network() {
    let (mut boots, mut failures) = (0_u32, 0_u32);
    for seed in 0..12 {
        let impairment = Impairment::bad(20);
        let mut lab =
            Lab::with_server(seed, impairment, Place::SameLan, Habit::PointsAtItself, engine());
        let clients: Vec<(HostId, Model, &str)> =
            MODELS.iter().map(|(model, file)| (attach(&mut lab, *model), *model, *file)).collect();
        let hosts: Vec<HostId> = clients.iter().map(|(host, ..)| *host).collect();
        lab.world.run(&hosts, common::PATIENCE);
        for (host, model, file) in clients {
            let outcome = lab.world.outcome(host).cloned();
            let Some(outcome) = outcome else {
                panic!("{model:?} never ends\n{}", lab.world.report())
            };
            match booted(&lab, &outcome, model, file) {
                true => boots += 1,
                false => failures += 1,
            }
        }
    }
    assert!(failures * 20 <= boots, "{failures} of {} failed", failures + boots);
}
