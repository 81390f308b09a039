//! `observe` mode on the simulated network: a DHCP server that can name one file names a bait, we listen, and every
//! machine ends with the content of its own loader; we never send DHCP.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::models::{Model, attach};
use common::{LOADERS, Lab, Place, US, baited_policy};
use pxe_server::engine::{Arrival, Engine, EngineConfig, Shared, SocketId};
use pxe_sim::engine::{EngineServer, MemoryFiles, content_of};
use pxe_sim::firmware::edk2_pxe::Era;
use pxe_sim::firmware::ipxe::Build;
use pxe_sim::foreign::Habit;
use pxe_sim::network::{HostId, Impairment};

const LOADER_BYTES: usize = 5_001;
const BAIT: Habit = Habit::NamesOneFile { server: US, file: "pxe-loader" };

fn bare() -> Engine {
    Engine::new(EngineConfig::default(), Shared::new(baited_policy()))
}

fn server() -> EngineServer {
    let files = MemoryFiles::new(LOADERS.iter().map(|(_, name)| (*name, LOADER_BYTES)));
    EngineServer::new(bare(), files).observing()
}

/// Machines, each with the loader it must end with.
const MODELS: &[(Model, &str)] = &[
    (Model::Edk2(6, Era::Current), "ipxe32.efi"),
    (Model::Edk2(7, Era::Current), "debian/bootnetx64.efi"),
    (Model::Edk2(9, Era::Years2010To2017), "debian/bootnetx64.efi"),
    (Model::Edk2(11, Era::Current), "debian/bootnetaa64.efi"),
    (Model::Edk2(27, Era::Current), "grubriscv64.efi"),
    (Model::Ipxe(0, Build::Rom), "menu.ipxe"),
    (Model::Ipxe(7, Build::Chained), "menu.ipxe"),
    (Model::Ipxe(0, Build::Stripped), "undionly.kpxe"),
    (Model::IntelRom, "undionly.kpxe"),
    (Model::UBoot, "boot.scr.uimg"),
];

/// What a machine got; none other than its own.
#[track_caller]
fn booted(lab: &Lab, client: HostId, model: Model, file: &str) -> bool {
    let Some(boot) = lab.world.outcome(client).and_then(|outcome| outcome.boot()) else {
        return false;
    };
    let content = boot.content.as_ref().expect("a fetched file");
    let same = *content == content_of(file.as_bytes(), content.len());
    assert!(same, "{model:?} got another file: {}", lab.world.report());
    true
}

#[track_caller]
fn assert_silent(lab: &Lab) {
    let ours = lab.world.capture().iter().filter(|sent| sent.sender == lab.server);
    let spoken = ours.filter(|sent| {
        let ports = [sent.datagram.source.port(), sent.datagram.destination.port()];
        ports.iter().any(|port| matches!(port, 67 | 68 | 4011))
    });
    assert_eq!(spoken.count(), 0, "{}", lab.world.report());
}

#[test]
fn one_name_for_every_machine() {
    for place in [Place::SameLan, Place::Relayed] {
        for (model, file) in MODELS {
            let mut lab = Lab::with_server(4, Impairment::default(), place, BAIT, server());
            let client = attach(&mut lab, *model);
            let outcome = lab.run(client);
            let fine = booted(&lab, client, *model, file);
            assert!(fine, "{place:?} {model:?}: {outcome:?} {}", lab.world.report());
            assert_silent(&lab);
        }
    }
}

#[test]
fn a_room_full_of_machines_on_a_lossy_network() {
    let (mut boots, mut failures) = (0_u32, 0_u32);
    for (seed, place) in (0..8).zip([Place::SameLan, Place::Relayed].into_iter().cycle()) {
        let mut lab = Lab::with_server(seed, Impairment::bad(20), place, BAIT, server());
        let clients: Vec<(HostId, Model, &str)> =
            MODELS.iter().map(|(model, file)| (attach(&mut lab, *model), *model, *file)).collect();
        let hosts: Vec<HostId> = clients.iter().map(|(host, ..)| *host).collect();
        lab.world.run(&hosts, common::PATIENCE);
        for (host, model, file) in clients {
            match booted(&lab, host, model, file) {
                true => boots += 1,
                false => failures += 1,
            }
        }
        assert_silent(&lab);
    }
    println!("seeds 0 to 7: {boots} boots, {failures} failures");
    assert!(failures * 8 <= boots, "{failures} of {} failed", failures + boots);
}

/// Everything that fuzzing DHCP has found, and every golden message, at each of the ports.
#[test]
fn nothing_that_comes_in_draws_dhcp() {
    let mut engine = bare();
    let mut files = MemoryFiles::default();
    let start = Instant::now();
    let mut count = 0;
    let mut out = Vec::new();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pxe-dhcp/tests");
    for path in files_below(&tests) {
        let datagram = std::fs::read(&path).expect("a vector");
        for socket in [SocketId::Observer, SocketId::Dhcp, SocketId::BootServer] {
            for source in ["0.0.0.0:68", "192.0.2.9:68", "192.0.2.254:67", "192.0.2.9:4011"] {
                count += 1;
                let now = start + Duration::from_millis(count);
                let source = source.parse().expect("an address");
                let arrival =
                    Arrival { source, local: US.into(), interface: 1, mtu: None, unicast: None };
                engine.handle_datagram(now, socket, &arrival, &datagram, &mut files);
                let sent = engine.poll_transmit(now, &mut files, &mut out);
                assert!(sent.is_none(), "{}: {sent:?}", path.display());
                while engine.poll_output().is_some() {}
            }
        }
    }
    assert!(count > 5_000, "{count}");
    assert_eq!(engine.poll_timeout(), None, "nothing waits either");
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
