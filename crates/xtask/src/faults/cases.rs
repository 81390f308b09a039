//! Faults that `doctor` finds by itself: it asks as every firmware would.

use core::net::Ipv4Addr;
use std::fs;

use super::ground::{Ground, filter};
use super::images::{self, LETTERS, OLD, OLD_CANNOT};
use super::programs::{self, LOADERS, PROGRAM_BYTES};
use super::{Play, Set};
use crate::efi::{self, ARM64, X64};
use crate::error::{Context as _, Result, fail};
use crate::lab::wire::SERVER_ADDRESS;
use crate::process::capture;

pub(super) const ANOTHER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);
const SOMEBODY: &str = "52:54:00:aa:00:77";
const SOMEBODY_ELSE: &str = "52:54:00:aa:00:78";
const MEANT: &str = "the machine cannot boot what it is meant to: ";

pub(super) const PLAYS: &[Play] = &[
    Play { name: "healthy", act: healthy },
    Play { name: "healthy-server", act: healthy_server },
    Play { name: "wrong-file", act: wrong_file },
    Play { name: "option-60", act: option_60 },
    Play { name: "tftp-closed", act: tftp_closed },
    Play { name: "tftp-dropped", act: tftp_dropped },
    Play { name: "dhcp-dropped", act: dhcp_dropped },
    Play { name: "wrong-loader", act: wrong_loader },
    Play { name: "missing-loader", act: missing_loader },
    Play { name: "pool-exhausted", act: pool_exhausted },
    Play { name: "two-proxies", act: two_proxies },
    Play { name: "no-relay", act: no_relay },
    Play { name: "host-denied", act: host_denied },
    Play { name: "image", act: image },
    Play { name: "mtu", act: mtu },
    Play { name: "bait", act: bait },
    Play { name: "proxy-alone", act: proxy_alone },
    Play { name: "own-address", act: own_address },
];

/// No fault: nothing is found, from the server's host and from another.
fn healthy(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    ground.doctor(&[])?.is_clean()?;
    let guest = ground.guest()?;
    ground.doctor_on(&guest, &[])?.is_clean()
}

/// The same where we give the addresses; none is taken by asking.
fn healthy_server(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.serve("server", &format!("{}{LOADERS}", subnet("10.77.0.100-10.77.0.150")))?;
    ground.doctor(&[])?.is_clean()?;
    let leases = ground.ask(&["leases"])?;
    if leases.contains("10.77.0.1") {
        return fail(format!("doctor took a lease:\n{leases}"));
    }
    Ok("nothing found, and no lease taken".to_owned())
}

fn subnet(pool: &str) -> String {
    format!("[[dhcp.subnet]]\nnetwork = \"10.77.0.0/24\"\npool = [\"{pool}\"]\n\n")
}

/// The DHCP server names one file to everybody.
fn wrong_file(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let boot = format!("--dhcp-boot=undionly.kpxe,,{SERVER_ADDRESS}");
    ground.dhcp(&[&boot])?;
    ground.serve_well("off")?;
    let part = "10.77.0.1 names undionly.kpxe";
    ground.doctor(&[])?.names_first("wrong-architecture", part)?;
    ground.page_finds(&[], "wrong-architecture", part)
}

/// The DHCP server says that it is a boot server, and is none.
fn option_60(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&["--dhcp-option-force=60,PXEClient"])?;
    ground.serve_well("proxy")?;
    let part = "10.77.0.1 sends option 60";
    ground.doctor(&[])?.names_first("option-60-trap", part)?;
    ground.page_finds(&[], "option-60-trap", part)
}

/// It names our host, where nobody listens.
fn tftp_closed(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let boot = format!("--dhcp-boot=undionly.kpxe,,{SERVER_ADDRESS}");
    ground.dhcp(&[&boot])?;
    let guest = ground.guest()?;
    ground.serve_well("proxy")?;
    ground.stop();
    ground.doctor_on(&guest, &[])?.names_first("port-closed", "10.77.0.2:69")?;
    let told = ground.page_finds_on(&guest, &[], "port-closed", "10.77.0.2:69")?;
    // Nobody is there to hear a machine, and that is what can be said of it.
    ground.explains(SOMEBODY, "likely because this server does not run: it was started last at")?;
    ground.page_has_not_heard(&guest, SOMEBODY, "`dhcp.mode` is \"off\"")?;
    Ok(told)
}

/// A firewall on our host lets everything in but TFTP.
fn tftp_dropped(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    drop_port(&ground, "69")?;
    let guest = ground.guest()?;
    let part = "10.77.0.2 was asked for";
    ground.doctor_on(&guest, &[])?.names_first("file-silence", part)?;
    ground.page_finds_on(&guest, &[], "file-silence", part)
}

/// A firewall on our host keeps DHCP from our server.
fn dhcp_dropped(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    drop_port(&ground, "67")?;
    let part = "answers no DISCOVER on eth0";
    ground.doctor(&[])?.names_first("own-server-silent", part)?;
    ground.page_finds(&[], "own-server-silent", part)
}

pub(super) fn drop_port(ground: &Ground<'_>, port: &str) -> Result<()> {
    filter(&ground.boot, "ip", "input", &format!("udp dport {port} drop"))
}

/// The file for x64 is a program for ARM.
fn wrong_loader(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    // Exchanged while the server runs, which would not start with it.
    programs::write(&set.folder.join("boot/ipxe.efi"), &efi::program(ARM64, PROGRAM_BYTES))?;
    let said = ground.doctor(&[])?;
    let part = "an EFI program for arm64";
    said.names("wrong-architecture", part)?;
    said.names_first("loader-wrong-architecture", part)?;
    ground.explains_kind("x64-uefi", "program for arm64, and x64-uefi is x64")?;
    ground.page_finds(&[], "loader-wrong-architecture", part)
}

/// The configured file is not there.
fn missing_loader(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    // A name that no package has.
    let file = set.folder.join("boot/our-own.efi");
    programs::write(&file, &efi::program(X64, PROGRAM_BYTES))?;
    ground.serve("proxy", &LOADERS.replace("ipxe.efi", "our-own.efi"))?;
    fs::remove_file(&file).context(|| format!("removing {}", file.display()))?;
    let said = ground.doctor(&[])?;
    said.names("file-refused", "our-own.efi")?;
    said.names("loader-missing", "no boot program for x64-uefi")?;
    ground.explains_kind("x64-uefi", "our-own.efi")?;
    ground.page_finds(&[], "loader-missing", "no boot program for x64-uefi")
}

/// Two machines, and one address.
fn pool_exhausted(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.serve("server", &format!("{}{LOADERS}", subnet("10.77.0.100-10.77.0.100")))?;
    // It is offered the address, which is kept for it.
    ground.doctor(&["--mac", SOMEBODY])?;
    let said = ground.doctor(&["--mac", SOMEBODY_ELSE])?;
    let part = "all addresses of the network are in use";
    ground.explains(SOMEBODY_ELSE, part)?;
    ground.page_tells(SOMEBODY_ELSE, part)?;
    said.names("pool-exhausted", part)?;
    ground.page_finds(&[("mac", SOMEBODY_ELSE)], "pool-exhausted", part)
}

/// dnsmasq plays a second proxy.
fn two_proxies(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    let service = format!("--pxe-service=x86PC,another,undionly,{ANOTHER}");
    ground.other("another", ANOTHER, &["--dhcp-range=10.77.0.0,proxy", &service])?;
    ground.doctor(&[])?.names_first("two-proxies", "10.77.0.2 and 10.77.0.3")?;
    ground.page_finds(&[], "two-proxies", "10.77.0.2 and 10.77.0.3")
}

/// The router brings DISCOVERs to the DHCP server alone.
fn no_relay(set: &Set<'_>) -> Result<String> {
    let (mut ground, guest) = Ground::build_routed(set)?;
    ground.serve_well("proxy")?;
    let server = SERVER_ADDRESS.to_string();
    let part = "10.77.0.2 answers";
    ground.doctor_on(&guest, &["--server", &server])?.names_first("relay-missing", part)?;
    let told = ground.page_finds_on(&guest, &[("server", &server)], "relay-missing", part)?;
    for part in [
        "`ip helper-address 10.77.0.2` is missing on its router",
        "(no relay was heard so far)",
        "Run `pxe-server doctor --server 10.77.0.2` on another machine of its network",
    ] {
        ground.explains(SOMEBODY, part)?;
        ground.page_has_not_heard(&ground.boot, SOMEBODY, part)?;
    }
    Ok(told)
}

/// A machine that is not to boot.
fn host_denied(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    let host = format!("[[host]]\nmac = \"{SOMEBODY}\"\nboot = false\n\n{LOADERS}");
    ground.serve("proxy", &host)?;
    // To everybody else it is no more than worth knowing.
    ground.doctor(&[])?.is_clean()?;
    let said = ground.doctor(&["--mac", SOMEBODY])?;
    let part = "host entry 1 says boot = false";
    ground.explains(SOMEBODY, part)?;
    ground.page_tells(SOMEBODY, part)?;
    said.names("host-denied", part)?;
    ground.page_finds(&[("mac", SOMEBODY)], "host-denied", part)
}

/// An image that boots nowhere, and one that does not on the machine that is to boot it.
fn image(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    images::make(set)?;
    let host = format!("[[host]]\nmac = \"{SOMEBODY}\"\nimage = \"{OLD}\"\n\n{LOADERS}");
    ground.serve("proxy", &host)?;
    let said = ground.doctor(&[])?;
    said.names_first("image-cannot-boot", LETTERS)?;
    said.names("image-cannot-boot", OLD_CANNOT)?;
    ground.explains_described("x64-uefi", SOMEBODY, &format!("but     ! {MEANT}{OLD} "))?;
    ground.explains_described("x64-uefi", SOMEBODY, OLD_CANNOT)?;
    // The menu of any other machine has nothing for it either.
    ground.explains_described("x64-uefi", SOMEBODY_ELSE, OLD_CANNOT)?;
    // Its iPXE asks, and says who it is.
    let guest = ground.guest()?;
    let menu = format!(
        "http://{SERVER_ADDRESS}:8080/menu.ipxe?mac={SOMEBODY}&platform=efi&buildarch=x86_64"
    );
    let script = capture(&mut guest.command(&["curl", "--silent", "--fail", &menu]))?;
    if !script.contains("echo This machine cannot boot what it is meant to") {
        return fail(format!("its screen would not say it:\n{script}"));
    }
    ground.explains(SOMEBODY, &format!("{MEANT}{OLD} "))?;
    ground.explains(SOMEBODY, OLD_CANNOT)?;
    ground.page_tells(SOMEBODY, OLD_CANNOT)?;
    ground.page_finds(&[], "image-cannot-boot", OLD_CANNOT)
}

/// A switch that carries less than both ends say.
fn mtu(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.dhcp(&[])?;
    ground.serve_well("proxy")?;
    let guest = ground.guest()?;
    ground.wire.lan().ip("link set guest-eth0 mtu 1300")?;
    let part = "blocks of 1468 bytes";
    ground.doctor_on(&guest, &[])?.names_first("mtu-too-small", part)?;
    ground.page_finds_on(&guest, &[], "mtu-too-small", part)
}

/// The bait is named, and our server is away.
fn bait(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    let boot = format!("--dhcp-boot=pxe-loader,,{SERVER_ADDRESS}");
    ground.dhcp(&["--dhcp-no-override", &boot])?;
    let guest = ground.guest()?;
    let said = ground.doctor_on(&guest, &[])?.names_first("bait-nobody-listens", "pxe-loader")?;
    // With it all is well.
    ground.serve_well("observe")?;
    ground.doctor_on(&guest, &[])?.is_clean()?;
    Ok(said)
}

/// No DHCP server.
fn proxy_alone(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.serve_well("proxy")?;
    ground.doctor(&[])?.names_first("proxy-only", "no DHCP server")
}

/// Our pool has our own address in it.
fn own_address(set: &Set<'_>) -> Result<String> {
    let mut ground = Ground::build(set)?;
    ground.serve("server", &format!("{}{LOADERS}", subnet("10.77.0.2-10.77.0.20")))?;
    ground.doctor(&[])?.names("own-address-in-pool", "10.77.0.2 is this machine's own")
}
