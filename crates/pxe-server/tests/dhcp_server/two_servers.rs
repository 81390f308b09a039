//! Two servers that share one PostgreSQL: no address is given twice, whatever fails.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::common::{Folder, Server, program};
use crate::crowd::Crowd;
use crate::database::Database;
use crate::stage::is_inside;

const CLIENTS: u32 = 5_000;
/// Those that come while the database is away, and those that renew then; all of them ask at once.
const LATE: core::ops::Range<u32> = CLIENTS..CLIENTS + 100;
const LAST: core::ops::Range<u32> = CLIENTS + 100..CLIENTS + 200;
/// Those that come one by one when it is back.
const NEWCOMERS: core::ops::Range<u32> = CLIENTS + 200..CLIENTS + 1_100;
const RENEWING: u32 = 100;
const IDENTIFIERS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 9, 0, 2), Ipv4Addr::new(10, 9, 0, 3)];
const PATIENCE: Duration = Duration::from_secs(180);
const AWAY: Duration = Duration::from_secs(10);
const BACK_AFTER_MAX: Duration = Duration::from_secs(5);
/// Older than this an ACK cannot be of the time before.
const ON_THE_WAY: Duration = Duration::from_millis(300);

fn serve(folder: &Folder, database: &Database, identifier: Ipv4Addr) -> Server {
    let text = format!(
        "[[dhcp.subnet]]\nnetwork = \"10.9.0.0/16\"\npool = [\"10.9.16.0-10.9.40.255\"]\n\
         lease = \"1h\"\nauthoritative = true\n[dhcp.store]\nkind = \"postgres\"\nurl = \"{}\"\n",
        database.url
    );
    let identifier = identifier.to_string();
    Server::start_with(folder, &text, &["--mode", "server", "--advertise", &identifier])
}

fn from(crowd: &Crowd, which: usize) -> Vec<u32> {
    crowd.held.iter().filter(|(_, held)| held.from == which).map(|(client, _)| *client).collect()
}

/// What the database says in the end: who has each address.
fn stored(folder: &Folder) -> BTreeMap<Ipv4Addr, String> {
    let mut command = program();
    command.arg("--config").arg(folder.0.join("pxe.toml"));
    let output = command.args(["--mode", "server", "leases", "export"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let record = |line: &str| {
        let address = line.split(',').next()?.trim_matches('"').parse().ok()?;
        Some((address, line.to_owned()))
    };
    text.lines().filter_map(record).collect()
}

#[test]
fn no_address_is_given_twice_by_two_servers() {
    if !is_inside() {
        return Database::run_with("two_servers::no_address_is_given_twice_by_two_servers");
    }
    let database = Database::inside();
    let folders = [Folder::new("one"), Folder::new("other")];
    let one = serve(&folders[0], &database, IDENTIFIERS[0]);
    let other = serve(&folders[1], &database, IDENTIFIERS[1]);
    let mut crowd = Crowd::new([&one, &other], IDENTIFIERS);

    all_at_once(&mut crowd);
    while_the_database_is_away(&mut crowd, &database);
    one_server_is_killed(&mut crowd, one);

    let stored = stored(&folders[1]);
    for (client, held) in &crowd.held {
        let [a, b, c, d] = client.to_be_bytes();
        let mac = format!("52:54:{a:02x}:{b:02x}:{c:02x}:{d:02x}");
        let line = stored.get(&held.address).map_or("nobody", String::as_str);
        assert!(line.contains(&mac), "{mac} has {}; stored is {line}", held.address);
    }
}

fn all_at_once(crowd: &mut Crowd) {
    let started = Instant::now();
    crowd.want(0..CLIENTS);
    crowd.play(started + PATIENCE);
    assert!(crowd.is_done(), "{} of {CLIENTS} have a lease", crowd.held.len());
    let [one, other] = crowd.granted;
    println!(
        "{one} + {other} leases in {:?}, {} times the other server was faster",
        started.elapsed(),
        crowd.refused
    );
    assert!(one > CLIENTS / 4 && other > CLIENTS / 4, "both were to give addresses");
    assert!(crowd.refused > 0, "the servers never met: this shows nothing");
}

fn while_the_database_is_away(crowd: &mut Crowd, database: &Database) {
    database.halt();
    let since = Instant::now();
    crowd.want(LATE);
    crowd.play(since + ON_THE_WAY);
    let before = crowd.granted;
    // What is durable for long enough may be said again.
    crowd.extended = 0;
    crowd.extend((0..RENEWING).map(|number| number * 7));
    crowd.play(since + AWAY);
    assert_eq!(crowd.granted, before, "a lease was acknowledged that is not stored");
    assert!(crowd.extended >= RENEWING, "{} of {RENEWING} were extended", crowd.extended);

    database.resume();
    let back = Instant::now();
    let mut first = [None; 2];
    let mut newcomers = NEWCOMERS;
    while first.contains(&None) && back.elapsed() < PATIENCE {
        // Whoever is back first may have served everybody: somebody must ask the other one too.
        if crowd.is_done() {
            crowd.want(newcomers.by_ref().take(2));
            std::thread::sleep(Duration::from_millis(20));
        }
        crowd.play(Instant::now() + Duration::from_millis(20));
        for which in 0..2 {
            if crowd.granted[which] > before[which] {
                first[which].get_or_insert_with(|| back.elapsed());
            }
        }
    }
    println!("the servers give addresses again after {first:?}");
    let in_time = |first: &Option<Duration>| first.is_some_and(|it| it < BACK_AFTER_MAX);
    assert!(first.iter().all(in_time), "back after {first:?}");
    crowd.play(Instant::now() + PATIENCE);
    assert!(crowd.is_done(), "{} have a lease", crowd.held.len());
}

fn one_server_is_killed(crowd: &mut Crowd, one: Server) {
    // The other server may not have heard of these yet.
    crowd.want(LAST);
    crowd.play(Instant::now() + PATIENCE);
    assert!(crowd.is_done(), "{} have a lease", crowd.held.len());
    let orphans = from(crowd, 0);
    assert!(orphans.len() > 1000, "{} leases are the first server's", orphans.len());
    // SIGKILL.
    drop(one);
    let started = Instant::now();
    crowd.extend(orphans.iter().rev().copied());
    crowd.play(started + PATIENCE);
    assert!(crowd.is_done(), "some leases of the killed server are lost");
    assert_eq!(from(crowd, 0), [0; 0]);
    println!("{} leases of the killed server extended in {:?}", orphans.len(), started.elapsed());
}
