//! Firmware that believes one style of proxy offer only: each boots within its own patience, and
//! nobody who believes the first style waits for their sake.

mod common;

use std::net::Ipv4Addr;
use std::time::Duration;

use common::{Lab, Place, SCRIPT, US, loader, policy};
use pxe_dhcp::respond::{ProxyRequest, ProxyStyles};
use pxe_select::Firmware;
use pxe_sim::firmware::edk2_http::Edk2Http;
use pxe_sim::firmware::edk2_pxe::{Edk2Pxe, Era};
use pxe_sim::firmware::intel_rom::IntelRom;
use pxe_sim::firmware::ipxe::{Build, Ipxe};
use pxe_sim::firmware::patient::{Patience, Patient};
use pxe_sim::firmware::picky::{Picky, Taste, WithoutProxy};
use pxe_sim::firmware::raspberry_pi::{Generation, RaspberryPi};
use pxe_sim::firmware::uboot::{ProxySupport, UBoot};
use pxe_sim::firmware::{Machine, Outcome};
use pxe_sim::foreign::Habit;
use pxe_sim::network::{HostId, Impairment};
use pxe_sim::policy::decide;
use pxe_sim::server::{BootServer, ProxyServer};

/// Longer than three attempts of a boot manager, with its pauses.
const LONG: Duration = Duration::from_secs(900);
/// What ISC dhcpd takes to ping an address before it offers it.
const PING: Duration = Duration::from_secs(1);

/// Firmware with one taste, and the attempt that must succeed.
#[derive(Clone, Copy, Debug)]
struct Old {
    arch: u16,
    taste: Taste,
    without_proxy: WithoutProxy,
    patience: Patience,
    attempt: usize,
}

const fn uefi(taste: Taste, patience: Patience, attempt: usize) -> Old {
    Old { arch: 7, taste, without_proxy: WithoutProxy::Waits, patience, attempt }
}

const fn bios(taste: Taste, attempt: usize) -> Old {
    let without_proxy = WithoutProxy::TakesAddress;
    Old { arch: 0, taste, without_proxy, patience: Patience::BIOS, attempt }
}

const OLD: [Old; 10] = [
    uefi(Taste::Binl, Patience::ONE_ATTEMPT, 1),
    uefi(Taste::JustBoot, Patience::ONE_ATTEMPT, 1),
    uefi(Taste::Menu, Patience::BOOT_MANAGER, 2),
    uefi(Taste::AfterDhcp, Patience::BOOT_MANAGER, 2),
    bios(Taste::JustBoot, 1),
    bios(Taste::Binl, 2),
    bios(Taste::Menu, 3),
    bios(Taste::AfterDhcp, 4),
    // A BIOS ROM that does not give up on proxies after two windows.
    Old { without_proxy: WithoutProxy::Waits, ..bios(Taste::Binl, 1) },
    Old { without_proxy: WithoutProxy::Waits, ..bios(Taste::Menu, 2) },
];

impl Old {
    fn file(&self) -> String {
        loader(if self.arch == 0 { Firmware::Bios } else { Firmware::X64Uefi })
    }

    /// Whether the style that suits its request is the one it believes.
    fn is_easy(&self) -> bool {
        self.taste == if self.arch == 0 { Taste::JustBoot } else { Taste::Binl }
    }

    fn attach(self, lab: &mut Lab) -> HostId {
        let (machine, start) = (lab.machine(self.arch), lab.world.now());
        let attempts = Patient::new(self.patience, start, move |attempt, start| {
            Picky::new(again(machine, attempt), self.taste, self.without_proxy, start)
        });
        lab.attach(&format!("{self:?}"), machine.mac, attempts)
    }
}

/// The machine in another attempt.
fn again(mut machine: Machine, attempt: u32) -> Machine {
    machine.transaction_id = machine.transaction_id.wrapping_add(attempt << 8);
    machine
}

fn server(styles: ProxyStyles) -> impl BootServer {
    let policy = policy(true);
    ProxyServer::with_styles(styles, move |request: &ProxyRequest<'_>| decide(&policy, US, request))
}

fn lab(styles: ProxyStyles, seed: u64, impairment: Impairment, place: Place) -> Lab {
    let ping = |foreign: pxe_sim::foreign::ForeignDhcp, _| foreign.with_offer_delay(PING);
    Lab::with_foreign(seed, impairment, place, Habit::PointsAtItself, ping, server(styles))
}

/// Attempts that `lab`'s only client has ended in vain.
fn failed_attempts(lab: &Lab) -> usize {
    lab.world.report().lines().filter(|line| line.contains(": attempt ")).count()
}

#[test]
fn every_old_firmware_boots_within_its_patience() {
    for place in [Place::SameLan, Place::Relayed] {
        for old in OLD {
            let mut lab = lab(ProxyStyles::Adaptive, 1, Impairment::default(), place);
            let client = old.attach(&mut lab);
            lab.world.run(&[client], LONG);
            let outcome = lab.world.outcome(client);
            let boot = outcome.and_then(Outcome::boot);
            let report = || format!("{old:?}, {place:?}, {outcome:?}, {}", lab.world.report());
            let boot = boot.unwrap_or_else(|| panic!("{}", report()));
            assert_eq!(boot.file, old.file().as_bytes(), "{}", report());
            assert_eq!(failed_attempts(&lab) + 1, old.attempt, "{}", report());
        }
    }
}

/// Otherwise the test above would prove nothing.
#[test]
fn without_adapting_only_the_first_style_is_believed() {
    for old in OLD {
        let mut lab = lab(ProxyStyles::ByRequest, 1, Impairment::default(), Place::SameLan);
        let client = old.attach(&mut lab);
        lab.world.run(&[client], LONG);
        let outcome = lab.world.outcome(client).expect("an end");
        assert_eq!(outcome.boot().is_some(), old.is_easy(), "{old:?}, {}", lab.world.report());
    }
}

#[test]
fn a_style_can_be_set_for_everybody() {
    use pxe_dhcp::respond::ProxyStyle;
    for (taste, style) in [
        (Taste::Binl, ProxyStyle::Binl),
        (Taste::JustBoot, ProxyStyle::JustBoot),
        (Taste::Menu, ProxyStyle::Menu),
        (Taste::AfterDhcp, ProxyStyle::Delayed),
    ] {
        for arch in [0, 7] {
            let old = Old { arch, ..uefi(taste, Patience::ONE_ATTEMPT, 1) };
            let styles = ProxyStyles::Only(style);
            let mut lab = lab(styles, 1, Impairment::default(), Place::SameLan);
            let start = lab.world.now();
            let client = old.attach(&mut lab);
            lab.expect_boot(client, US, &old.file());
            let took = lab.world.now() - start;
            assert!(took < Duration::from_secs(6), "{took:?}: {}", lab.world.report());
        }
    }
}

/// A model that believes the style it is offered first, with its file.
struct Easy {
    name: &'static str,
    server: Ipv4Addr,
    file: String,
    attach: fn(&mut Lab) -> HostId,
}

/// Puts a machine on the network that makes as many attempts as a boot manager.
macro_rules! easy {
    ($name:literal, $file:expr, $arch:literal, $start:expr) => {
        Easy {
            name: $name,
            server: US,
            file: $file,
            attach: |lab| {
                let (machine, start) = (lab.machine($arch), lab.world.now());
                let attempts =
                    Patient::new(Patience::BOOT_MANAGER, start, move |attempt, start| {
                        let start_one = $start;
                        start_one(again(machine, attempt), start)
                    });
                lab.attach($name, machine.mac, attempts)
            },
        }
    };
}

fn easy() -> Vec<Easy> {
    let (bios, uefi) = (loader(Firmware::Bios), loader(Firmware::X64Uefi));
    let none = Ipv4Addr::UNSPECIFIED;
    vec![
        easy!("EDK2", uefi.clone(), 7, |machine, start| Edk2Pxe::new(machine, Era::Current, start)),
        easy!("EDK2 of 2010 to 2017", uefi.clone(), 7, |machine, start| {
            Edk2Pxe::new(machine, Era::Years2010To2017, start)
        }),
        easy!("EDK2 arm64", loader(Firmware::Arm64Uefi), 11, |machine, start| {
            Edk2Pxe::new(machine, Era::Current, start)
        }),
        easy!("BIOS ROM", bios.clone(), 0, IntelRom::new),
        easy!("iPXE ROM", SCRIPT.to_owned(), 0, |machine, start| {
            Ipxe::new(machine, Build::Rom, start)
        }),
        easy!("iPXE UEFI", SCRIPT.to_owned(), 7, |machine, start| {
            Ipxe::new(machine, Build::Chained, start)
        }),
        easy!("iPXE of a vendor", bios.clone(), 0, |machine, start| {
            Ipxe::new(machine, Build::Stripped, start)
        }),
        easy!("iPXE of a vendor, UEFI", uefi, 7, |machine, start| {
            Ipxe::new(machine, Build::Stripped, start)
        }),
        easy!("U-Boot", loader(Firmware::Arm64Uboot), 0x16, |machine, start| {
            UBoot::new(machine, "U-Boot.armv8", ProxySupport::Built, start)
        }),
        easy!("U-Boot as PXEClient", loader(Firmware::Arm64Uefi), 11, |machine, start| {
            let class = "PXEClient:Arch:00011:UNDI:003000";
            UBoot::new(machine, class, ProxySupport::Built, start)
        }),
        Easy {
            server: none,
            ..easy!("HTTP Boot", loader(Firmware::X64UefiHttp), 16, Edk2Http::new)
        },
        Easy {
            name: "Raspberry Pi 3",
            server: US,
            file: "bootcode.bin".to_owned(),
            attach: |lab| {
                let (machine, start) = (lab.machine(0), lab.world.now());
                let mac = RaspberryPi::new(machine, Generation::Three, start).mac();
                let attempts =
                    Patient::new(Patience::BOOT_MANAGER, start, move |attempt, start| {
                        RaspberryPi::new(again(machine, attempt), Generation::Three, start)
                    });
                lab.attach("Raspberry Pi", mac, attempts)
            },
        },
    ]
}

/// When a model boots if the DHCP server begins to answer only `late` after it; none if it gives up.
fn boots_after(easy: &Easy, styles: ProxyStyles, late: Duration, place: Place) -> Option<Duration> {
    let change = |foreign: pxe_sim::foreign::ForeignDhcp, start| foreign.starting(start + late);
    let habit = Habit::PointsAtItself;
    let mut lab = Lab::with_foreign(1, Impairment::default(), place, habit, change, server(styles));
    let start = lab.world.now();
    let client = (easy.attach)(&mut lab);
    lab.world.run(&[client], LONG);
    let boot = lab.world.outcome(client).and_then(Outcome::boot)?;
    let got = (boot.server, String::from_utf8_lossy(&boot.file));
    assert_eq!(got, (easy.server, easy.file.as_str().into()), "{}", lab.world.report());
    Some(lab.world.now() - start)
}

/// A DHCP server that is late makes every client repeat its DISCOVER, whatever it thinks of our
/// offers. That must cost nobody a second.
#[test]
fn whoever_believes_the_first_style_boots_as_soon_as_before() {
    for easy in easy() {
        for place in [Place::SameLan, Place::Relayed] {
            for late in (0..400).step_by(7).map(Duration::from_secs) {
                let before = boots_after(&easy, ProxyStyles::ByRequest, late, place);
                let now = boots_after(&easy, ProxyStyles::Adaptive, late, place);
                let as_soon = match (before, now) {
                    (Some(before), Some(now)) => now <= before,
                    (before, now) => before.is_none() || now.is_some(),
                };
                assert!(
                    as_soon,
                    "{}, {place:?}, DHCP after {late:?}: {before:?}, then {now:?}",
                    easy.name
                );
            }
        }
    }
}

/// A room with one of everybody, on a network that loses, doubles and reorders. Lost offers look
/// like ignored ones, so old firmware may need an attempt more; all boot, and boot their own file.
#[test]
fn a_mixed_room_boots_on_a_lossy_network() {
    let patience = Patience { attempts: 8, pause: Duration::from_secs(20) };
    let mut attempts = 0;
    for seed in 0..25 {
        let mut lab = lab(ProxyStyles::Adaptive, seed, Impairment::bad(20), Place::SameLan);
        let mut clients = Vec::new();
        for old in OLD {
            let old = Old { patience, ..old };
            clients.push((old.attach(&mut lab), US, old.file()));
        }
        for easy in easy() {
            let client = (easy.attach)(&mut lab);
            clients.push((client, easy.server, easy.file));
        }
        let hosts: Vec<HostId> = clients.iter().map(|(host, ..)| *host).collect();
        lab.world.run(&hosts, LONG);
        for (host, server, file) in clients {
            let outcome = lab.world.outcome(host);
            let Some(boot) = outcome.and_then(Outcome::boot) else {
                panic!("{outcome:?}: {}", lab.world.report())
            };
            let got = (boot.server, String::from_utf8_lossy(&boot.file));
            assert_eq!(got, (server, file.as_str().into()), "{}", lab.world.report());
        }
        attempts += failed_attempts(&lab);
    }
    let expected = 25 * OLD.iter().map(|old| old.attempt - 1).sum::<usize>();
    assert!(attempts <= expected * 13 / 10, "{attempts} attempts in vain, not about {expected}");
}
