//! `pxe-server leases` with a server that runs and with one that does not.

use std::process::Output;

use crate::client::Client;
use crate::common::{Folder, program};
use crate::stage::{SUBNET, enter, serve};

fn leases(folder: &Folder, arguments: &[&str]) -> Output {
    let config = folder.0.join("pxe.toml");
    let mut command = program();
    command.arg("--config").arg(config).args(["--mode", "server", "leases"]).args(arguments);
    command.output().expect("it runs")
}

fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn leases_are_listed_exported_imported_and_released() {
    if !enter("command::leases_are_listed_exported_imported_and_released") {
        return;
    }
    let folder = Folder::new("command");
    let server = serve(&folder, SUBNET);
    let one = Client::new(&server, 1).lease().address.to_string();
    let two = Client::new(&server, 2).lease().address.to_string();

    let running = text(&leases(&folder, &["list"]));
    assert!(running.contains(&one) && running.contains("52:54:00:aa:00:02"), "{running}");
    assert!(running.contains("in 59 min") || running.contains("in 60 min"), "{running}");
    text(&leases(&folder, &["release", &one]));
    let again = leases(&folder, &["release", &one]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("nobody has"));
    folder.write(
        "dnsmasq.leases",
        b"4102444800 52:54:00:aa:00:09 10.9.1.99 nine 01:52:54:00:aa:00:09\n",
    );
    let file = folder.0.join("dnsmasq.leases");
    let file = file.to_str().expect("text");
    let refused = leases(&folder, &["import", "--format", "dnsmasq", file]);
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("stop it, import, and start it again")
    );
    assert_eq!(server.stop(), Some(0));

    let stopped = text(&leases(&folder, &["export"]));
    assert!(
        stopped.lines().any(|line| line.contains(&one) && line.contains("released")),
        "{stopped}"
    );
    let taken = text(&leases(&folder, &["import", "--format", "dnsmasq", file]));
    assert_eq!(taken, "1 lease taken over\n");
    text(&leases(&folder, &["release", &two]));
    let listed = text(&leases(&folder, &[]));
    assert!(listed.contains("10.9.1.99") && !listed.contains(&two), "{listed}");
    let json = text(&leases(&folder, &["export", "--format", "json"]));
    assert!(json.contains("\"10.9.1.99\""), "{json}");

    let server = serve(&folder, SUBNET);
    let mut nine = Client::new(&server, 9);
    assert_eq!(nine.discover().address.to_string(), "10.9.1.99", "an imported lease is known");
}

#[test]
fn leases_are_brought_along_before_the_first_start() {
    let folder = Folder::new("brought");
    folder.write("pxe.toml", format!("state = {:?}\n{SUBNET}", folder.0.join("state")).as_bytes());
    let none = leases(&folder, &["list"]);
    assert!(String::from_utf8_lossy(&none.stderr).contains("no lease was ever given"));
    let kea = "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state\n\
               10.9.1.7,52:54:00:aa:00:07,,3600,4102444800,1,0,0,,0\n\
               10.8.0.7,52:54:00:aa:00:08,,3600,4102444800,1,0,0,,0\n\
               10.8.0.9,52:54:00:aa:00:09,,3600,4102444800,1,0,0,,0\n";
    folder.write("kea.csv", kea.as_bytes());
    let file = folder.0.join("kea.csv");
    let taken =
        text(&leases(&folder, &["import", "--format", "kea", file.to_str().expect("text")]));
    let expected = "3 leases taken over\n2 addresses no [[dhcp.subnet]] has, 10.8.0.7 the first: kept, and of no \
                    use until one has them\n";
    assert_eq!(taken, expected);
    let listed = text(&leases(&folder, &[]));
    assert!(listed.contains("10.9.1.7 ") && listed.contains("10.8.0.9 "), "{listed}");
}
