//! What the program says when it cannot start: which port, who holds it, what to do.

mod common;

#[cfg(feature = "http")]
use std::net::TcpListener;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Output;

use common::{Folder, Server, free_ports, program};

fn run(folder: &Folder, text: &str, command: &str) -> (Option<i32>, String) {
    folder.write("pxe.toml", text.as_bytes());
    let config = folder.0.join("pxe.toml");
    let Output { status, stdout, stderr } = program()
        .args(["--config", &config.to_string_lossy(), command])
        .output()
        .expect("the program runs");
    let text = [stdout, stderr].concat();
    (status.code(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn a_taken_port_names_its_holder_and_the_remedy() {
    let folder = Folder::new("taken");
    let (dhcp, boot_server, tftp) = free_ports();
    let holder = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, dhcp)).expect("bind");
    let text = format!(
        "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n[tftp]\nport = {tftp}\n\
         [http]\nenabled = false\n"
    );
    let (code, said) = run(&folder, &text, "serve");
    drop(holder);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("UDP port {dhcp} (DHCP) is taken by")), "{said}");
    assert!(said.contains(&format!("pid {}", std::process::id())), "{said}");
    assert!(said.contains("stop it"), "{said}");
}

#[cfg(feature = "http")]
#[test]
fn a_taken_http_port_and_an_address_of_others_are_told_with_the_remedy() {
    let folder = Folder::new("taken-http");
    let (dhcp, boot_server, tftp) = free_ports();
    let port = tftp + 1;
    let _holder = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("bind");
    let text = |listen: &str| {
        format!(
            "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
             [tftp]\nport = {tftp}\n[http]\nlisten = \"{listen}\"\n"
        )
    };
    for command in ["serve", "check"] {
        let (_, said) = run(&folder, &text(&format!("0.0.0.0:{port}")), command);
        for part in [
            &*format!("TCP port {port} (HTTP) is taken by"),
            &*format!("pid {}", std::process::id()),
            "stop it",
            "or name another port",
        ] {
            assert!(said.contains(part), "{part:?} is missing in:\n{said}");
        }
    }
    let (code, said) = run(&folder, &text("192.0.2.1:80"), "serve");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("this machine has no address 192.0.2.1"), "{said}");
}

#[test]
fn a_missing_interface_lists_those_present() {
    let folder = Folder::new("interface");
    let (code, said) = run(&folder, "interfaces = [\"eth77\"]\n", "serve");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("\"eth77\" is not there") && said.contains("lo (127.0.0.1)"), "{said}");
}

#[test]
fn every_fault_of_a_configuration_is_reported_at_once() {
    let folder = Folder::new("config");
    let text = "rot = \"boot\"\n[dhcp]\nmode = \"proxi\"\n[tftp]\nport = 0\n";
    let (code, said) = run(&folder, text, "serve");
    assert_eq!(code, Some(2), "{said}");
    for part in [
        "pxe.toml:1: rot:",
        "did you mean `root`?",
        "pxe.toml:3: dhcp.mode:",
        "pxe.toml:5: tftp.port:",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
}

#[test]
fn check_finds_faults_of_rules_root_interfaces_and_ports_in_one_run() {
    let folder = Folder::new("check");
    let (dhcp, boot_server, tftp) = free_ports();
    let _holder = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, tftp)).expect("bind");
    let text = format!(
        "interfaces = [\"eth77\"]\nroot = \"nowhere\"\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
         [tftp]\nport = {tftp}\n[http]\nenabled = false\n[loaders]\nbios = \"missing.kpxe\"\n[[rule]]\nwhen = {{ mac = \"zz\" }}\ndeny = true\n"
    );
    let (code, said) = run(&folder, &text, "check");
    assert_eq!(code, Some(2), "{said}");
    for part in
        ["eth77", "nowhere", "missing.kpxe", "rule[1].when.mac", &format!("UDP port {tftp} (TFTP)")]
    {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
}

#[test]
fn check_tells_which_images_are_broken_or_not_there() {
    let folder = Folder::new("check-images");
    folder.write("boot/x", b"x");
    folder.write("images/no.iso", b"no ISO 9660");
    folder.write("images/tool.efi", b"MZ");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let aged = std::fs::File::options().write(true).open(folder.0.join("images/no.iso"));
    aged.and_then(|file| file.set_modified(old)).expect("an old file");
    let (dhcp, boot_server, tftp) = free_ports();
    let text = format!(
        "interfaces = [\"lo\"]\nroot = \"boot\"\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
         [tftp]\nport = {tftp}\n[http]\nenabled = false\n[menu]\ndefault = \"gone.iso#live\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:01\"\nimage = \"tool.efi\"\n\
         [[host]]\nmac = \"52:54:00:aa:00:02\"\nimage = \"lost.iso#auto\"\n"
    );
    let (_, said) = run(&folder, &text, "check");
    for part in [
        "images (2)",
        "warning        image no.iso: is neither ISO 9660 nor UDF",
        "warning        host[2].image: there is no image ",
        "lost.iso; put it there",
        "warning        menu.default: there is no image ",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    assert!(!said.contains("host[1].image"), "{said}");
}

#[test]
fn check_looks_at_uploads_and_rewriting_rules() {
    let folder = Folder::new("check-tftp");
    folder.write("boot/in/x", b"x");
    let (dhcp, boot_server, tftp) = free_ports();
    let text = format!(
        "interfaces = [\"lo\"]\nroot = \"boot\"\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n\
         [tftp]\nport = {tftp}\nuploads = \"nowhere\"\n[[tftp.rewrite]]\nregex = \"a(b\"\nreplace = \"\"\n\
         [[tftp.rewrite]]\nregex = \"a(b)\"\nreplace = \"$2\"\n\
         [http]\nenabled = false\n[[host]]\nmac = \"52:54:00:aa:00:01\"\nfolder = \"node1\"\n"
    );
    let (code, said) = run(&folder, &text, "check");
    assert_eq!(code, Some(2), "{said}");
    for part in [
        "pxe.toml:8: tftp.uploads:",
        "-> mkdir -p ",
        "pxe.toml:10: tftp.rewrite[1].regex:",
        "pxe.toml:14: tftp.rewrite[2].replace:",
        "warning        host[1].folder: the root has no folder node1",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
    // What others can boot because somebody sent it is a thing to be sure of, and no fault.
    for (uploads, part) in [("boot/in", "is in the root"), (".", "contains the root")] {
        let text = text.replace("\"nowhere\"", &format!("\"{uploads}\""));
        let (_, said) = run(&folder, &text, "check");
        assert!(said.contains("warning        tftp.uploads: ") && said.contains(part), "{said}");
        assert!(!said.contains("pxe.toml:8"), "{said}");
    }
}

#[test]
fn without_rights_the_one_command_that_grants_them_is_named() {
    // Root has the rights; setpriv (util-linux) takes them away.
    let folder = Folder::new("rights");
    folder.write("pxe.toml", b"interfaces = [\"lo\"]\n");
    let copy = std::path::PathBuf::from(env!("CARGO_BIN_EXE_pxe-server"));
    let mut command = if nix::unistd::geteuid().is_root() {
        let mut command = std::process::Command::new("setpriv");
        command.args(["--bounding-set=-all", "--inh-caps=-all"]).arg(copy);
        command
    } else {
        std::process::Command::new(copy)
    };
    let output = command
        .args(["--config", &folder.0.join("pxe.toml").to_string_lossy(), "serve"])
        .output()
        .expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no right to bind UDP port 67"), "{said}");
    assert_eq!(
        said.matches("sudo setcap cap_net_bind_service,cap_net_raw=+ep ").count(),
        1,
        "{said}"
    );
}

#[test]
fn what_hosts_rules_and_subnets_say_is_looked_at_beside_keys_that_do_not_exist() {
    let folder = Folder::new("both-kinds");
    let text = "rot = \"boot\"\n[[host]]\nmac = \"5\"\n[[rule]]\nfile = \"a\"\nwhen = { arch = [\"x64\"] }\n\
                [[dhcp.subnet]]\nnetwork = \"10.0.0.0/24\"\npool = [\"10.1.0.1-10.1.0.9\"]\n";
    for command in ["check", "serve"] {
        let (code, said) = run(&folder, text, command);
        assert_eq!(code, Some(2), "{said}");
        for part in
            [":1: rot", ":3: host[1].mac", ":6: rule[1].when.arch", ":9: dhcp.subnet[1].pool"]
        {
            assert!(said.contains(part), "{part:?} is missing in:\n{said}");
        }
    }
    // A host that is left out would make a wrong number of the next one's.
    let text = "[[host]]\nboot = 5\n[[host]]\nmac = \"5\"\n";
    let (_, said) = run(&folder, text, "check");
    assert!(said.contains(":2: host[1].boot") && !said.contains("host[1].mac: `5`"), "{said}");
}

#[test]
fn the_running_server_is_no_fault_to_check_and_one_to_another_server() {
    let folder = Folder::new("running");
    folder.write("boot/x", b"x");
    let server = Server::start(&folder, "");
    let pid = server.pid();
    let text = std::fs::read_to_string(folder.0.join("pxe.toml")).expect("its configuration");
    let (code, said) = run(&folder, &text, "check");
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(&format!("pxe-server (pid {pid}) runs with this state folder")),
        "{said}"
    );
    assert!(said.contains(&format!("sudo kill -HUP {pid}")), "{said}");
    // With other ports the folder is all that is in the way.
    let (dhcp, boot_server, tftp) = free_ports();
    let other = format!(
        "interfaces = [\"lo\"]\n[dhcp]\nport = {dhcp}\nboot_port = {boot_server}\n[tftp]\nport = {tftp}\n\
         [http]\nenabled = false\n[admin]\nenabled = false\n"
    );
    let (code, said) = run(&folder, &other, "serve");
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("another pxe-server (pid {pid}) works with the folder ")),
        "{said}"
    );
    assert!(said.contains("give each server a folder of its own"), "{said}");
    drop(server);
}

#[test]
fn folders_that_are_files_are_told_by_check_with_what_to_name_instead() {
    let folder = Folder::new("folders");
    folder.write("file", b"x");
    let (dhcp, boot_server, tftp) = free_ports();
    let text = format!(
        "interfaces = [\"lo\"]\nroot = \"file\"\nimages = \"file\"\nstate = \"file\"\n[dhcp]\nport = {dhcp}\n\
         boot_port = {boot_server}\n[tftp]\nport = {tftp}\n[http]\nenabled = false\n"
    );
    let (code, said) = run(&folder, &text, "check");
    assert_eq!(code, Some(2), "{said}");
    for part in [
        "-> name a folder: root",
        "-> name a folder: images",
        "file is no folder; name a folder: state",
    ] {
        assert!(said.contains(part), "{part:?} is missing in:\n{said}");
    }
}
