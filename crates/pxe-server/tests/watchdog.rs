//! The program as a service that systemd watches: what it tells, and that it goes on telling.

mod common;

use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use common::{Folder, PATIENCE, free_ports, program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn readiness_life_and_the_end_are_told() {
    let folder = Folder::new("watched");
    let manager = UnixDatagram::bind(folder.0.join("notify")).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (dhcp, boot_server, tftp) = free_ports();
    let config = format!(
        "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n[tftp]\nport = {tftp}\n\
         [http]\nenabled = false\n[admin]\nenabled = false\n"
    );
    folder.write("pxe.toml", config.as_bytes());
    let mut program = program();
    program.arg("--config").arg(folder.0.join("pxe.toml")).stderr(Stdio::null());
    program.env("NOTIFY_SOCKET", folder.0.join("notify")).env("WATCHDOG_USEC", "300000");
    let mut child = program.spawn().expect("it starts");
    let told = || {
        let mut bytes = [0; 1_024];
        let length = manager.recv(&mut bytes).expect("something is told");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut heard = Vec::new();
    // A long life, for a watchdog that barks after a third of a second.
    while heard.iter().filter(|text: &&String| text.contains("WATCHDOG=1")).count() < 6 {
        heard.push(told());
    }
    assert!(heard.iter().any(|text| text.contains("READY=1")), "{heard:?}");
    let pid = Pid::from_raw(child.id().cast_signed());
    kill(pid, Signal::SIGTERM).expect("it is there");
    while !heard.iter().any(|text| text.contains("STOPPING=1")) {
        heard.push(told());
    }
    assert!(child.wait().expect("it ends").success());
}
