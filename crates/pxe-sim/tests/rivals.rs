//! Servers beside our proxy: what the whole engine tells of their offers, to whom, and how often; and what it does not
//! tell where all is well.

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::models::{Model, attach};
use common::{FOREIGN, LOADERS, Lab, Place, US, policy};
use pxe_dhcp::respond::{ProxyConfig, ProxyRequest, ProxyStyles};
use pxe_server::engine::{Engine, EngineConfig, Shared};
use pxe_sim::engine::{EngineServer, MemoryFiles};
use pxe_sim::firmware::edk2_pxe::Era;
use pxe_sim::firmware::ipxe::Build;
use pxe_sim::foreign::Habit;
use pxe_sim::network::Impairment;
use pxe_sim::server::{ProxyServer, ServerHost, Verdict};

/// Somebody else's proxy.
const ANOTHER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 6);
const X64: Model = Model::Edk2(7, Era::Current);
const MODELS: &[Model] = &[
    Model::Edk2(6, Era::Current),
    X64,
    Model::Edk2(11, Era::Years2010To2017),
    Model::Ipxe(0, Build::Rom),
    Model::Ipxe(7, Build::Chained),
    Model::IntelRom,
    Model::UBoot,
];

fn engine() -> EngineServer {
    let mut proxy = ProxyConfig::default();
    proxy.styles = ProxyStyles::Adaptive;
    let config = EngineConfig { proxy: Some(proxy), ..EngineConfig::default() };
    let files = MemoryFiles::new(LOADERS.iter().map(|(_, name)| (*name, 20_001)));
    EngineServer::new(Engine::new(config, Shared::new(policy(false))), files)
}

fn lab(seed: u64, impairment: Impairment, place: Place, habit: Habit) -> Lab {
    Lab::with_server(seed, impairment, place, habit, engine())
}

/// Lets a machine boot or fail, and returns what was told of others' offers.
fn told(lab: &mut Lab, model: Model) -> Vec<String> {
    let client = attach(lab, model);
    lab.world.run(&[client], common::PATIENCE);
    lab.world.run_for(Duration::from_secs(60));
    let report = lab.world.report();
    let told = report.lines().filter_map(|line| line.split_once("our server: Rival {"));
    told.map(|(_, told)| told.to_owned()).collect()
}

#[test]
fn nothing_is_told_beside_a_dhcp_server_that_names_no_file() {
    for habit in [Habit::AddressesOnly, Habit::PointsAtItself] {
        for place in [Place::SameLan, Place::Relayed] {
            for impairment in [Impairment::default(), Impairment::bad(20)] {
                for model in MODELS {
                    let mut lab = lab(5, impairment, place, habit);
                    let told = told(&mut lab, *model);
                    assert!(told.is_empty(), "{model:?}: {told:?}\n{}", lab.world.report());
                }
            }
        }
    }
}

#[test]
fn the_trap_of_option_60_is_told_once_whatever_is_lost() {
    let mut heard = 0;
    for seed in 0..20 {
        let mut lab = lab(seed, Impairment::bad(20), Place::SameLan, Habit::ClassTrap);
        let told = told(&mut lab, X64);
        let is_trap = |it: &String| {
            it.contains("id: \"option-60-trap\"") && it.contains(&format!("server: {FOREIGN}"))
        };
        assert!(told.len() <= 1 && told.iter().all(is_trap), "seed {seed}: {told:?}");
        heard += told.len();
    }
    assert!(heard > 15, "{heard}");
}

#[test]
fn what_a_silence_rests_on_comes_first_among_its_causes() {
    let mut lab = lab(1, Impairment::default(), Place::SameLan, Habit::ClassTrap);
    assert_eq!(told(&mut lab, X64).len(), 1);
    let report = lab.world.report();
    let silence = report.lines().find(|line| line.contains("Silent {")).expect("a silence");
    let (_, causes) = silence.split_once("causes: [\"").expect("causes");
    assert!(causes.starts_with("the DHCP server sends option 60"), "{silence}");
}

#[test]
fn a_file_for_others_is_told_and_is_no_fault_as_ours_is_taken() {
    let habit = Habit::NamesOneFile { server: FOREIGN, file: "undionly.kpxe" };
    let mut uefi = lab(1, Impairment::default(), Place::SameLan, habit);
    let told_uefi = told(&mut uefi, X64);
    assert_eq!(told_uefi.len(), 1, "{told_uefi:?}");
    for part in ["wrong-architecture", "undionly.kpxe to x64-uefi", "is_fault: false"] {
        assert!(told_uefi[0].contains(part), "{told_uefi:?}");
    }
    assert!(uefi.world.report().contains("Delivered"), "{}", uefi.world.report());
    let mut bios = lab(1, Impairment::default(), Place::SameLan, habit);
    assert_eq!(told(&mut bios, Model::IntelRom), [""; 0], "it is a file for such machines");
}

/// A machine between two proxies: what is told, and whether both are in it.
fn between_two(file: &'static str, model: Model) -> Vec<String> {
    let mut lab = lab(1, Impairment::default(), Place::SameLan, Habit::AddressesOnly);
    let decide =
        move |_: &ProxyRequest<'_>| Some(Verdict { file: file.as_bytes().to_vec(), style: None });
    lab.attach_server("another proxy", ANOTHER, ServerHost::new(ProxyServer::new(decide)));
    let told = told(&mut lab, model);
    let both = format!("{US} and {ANOTHER}");
    assert!(told.iter().all(|it| it.contains(&both)), "{told:?}\n{}", lab.world.report());
    told
}

#[test]
fn two_proxies_are_named_whichever_is_taken() {
    for model in [X64, Model::Edk2(7, Era::Years2010To2017), Model::IntelRom] {
        let told = between_two("another", model);
        assert_eq!(told.len(), 1, "{model:?}: {told:?}");
        assert!(told[0].contains("is_fault: true"), "{told:?}");
        // One configuration, served twice.
        let same = if matches!(model, Model::IntelRom) {
            "undionly.kpxe"
        } else {
            "debian/bootnetx64.efi"
        };
        let told = between_two(same, model);
        assert!(told.len() == 1 && told[0].contains("is_fault: false"), "{model:?}: {told:?}");
    }
}
