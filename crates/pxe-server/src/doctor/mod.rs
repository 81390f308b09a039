//! `doctor`: asks the live network as each firmware would, and says what is wrong.
//!
//! Safe on a production network: it takes no address (there is no REQUEST but to port 4011, which concerns none), asks as
//! one made-up hardware address, so that a DHCP server sets one address aside for some seconds at most, and sends a
//! bounded number of packets. [`plan`] says what is sent and when, [`findings()`] what the answers mean; both are pure.
//! Sockets are in `wire`.

pub mod answer;
pub mod facts;
mod findings;
mod images;
mod local;
pub mod plan;
mod print;
pub mod question;
mod report;
mod targets;
mod wire;

use core::net::Ipv4Addr;
use std::hash::{BuildHasher, RandomState};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use pxe_select::Firmware;

use crate::config::{Config, Faults};
use crate::content::Loaders;
use crate::driver::interfaces::Interface;
use crate::engine::{ClientId, DOCTOR_PREFIX};
use crate::{policy, serve};
use facts::{Facts, Segment};
pub use findings::{Finding, findings};
pub use images::IMAGES_LOOKED_AT_MAX;
use plan::Plan;
use question::Question;
pub use report::{
    FileReport, FirmwareReport, ImageReport, LoaderReport, NamedReport, Report, SegmentReport,
    ServerReport,
};
pub use targets::FETCHED_FILES_MAX;
use wire::Ports;

/// Something has to be changed.
const EXIT_FINDINGS: u8 = 1;
const HELP: &str = "\
What it sends, on each interface: one DISCOVER for each firmware, and again where an answer may be
lost; a question on port 4011 to each boot server that firmware would ask; and a request for the
beginning of each file that was named. It takes no address. All questions come from one made-up
hardware address (02:70:78:…), for which a DHCP server may set one address aside for some seconds.

Examples:
  sudo pxe-server doctor                          on every interface that can broadcast
  sudo pxe-server doctor -i eth0 --json           for programs
  sudo pxe-server doctor --mac 52:54:00:aa:00:01  as this machine: rules and hosts count
  sudo pxe-server doctor --server 192.0.2.5       from a segment behind a router: does that server
                                                  hear us, and if not, is a relay all that is missing?

It works beside the running server and without one, here or on another machine of the segment. A
switch that compares hardware addresses (DHCP snooping with verify) may drop the questions.

Exit codes: 0 nothing to change, 1 something to change, 2 the configuration is wrong.";

/// What `pxe-server doctor` was asked for.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(after_help = HELP)]
pub struct DoctorOptions {
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Ask as this machine instead of a made-up one
    #[arg(long, value_name = "MAC", value_parser = mac)]
    mac: Option<[u8; 6]>,
    /// The boot server that should be heard [default: whoever answers]
    #[arg(long, value_name = "ADDRESS")]
    server: Option<Ipv4Addr>,
}

impl DoctorOptions {
    /// As this machine, instead of a made-up one.
    #[must_use]
    pub fn with_mac(mut self, mac: [u8; 6]) -> Self {
        self.mac = Some(mac);
        self
    }

    /// The boot server that should be heard.
    #[must_use]
    pub fn with_server(mut self, server: Ipv4Addr) -> Self {
        self.server = Some(server);
        self
    }
}

fn mac(text: &str) -> Result<[u8; 6], String> {
    match text.parse() {
        Ok(ClientId::Mac(mac)) => Ok(mac),
        _ => Err("a hardware address has six pairs of digits: 52:54:00:aa:00:01".to_owned()),
    }
}

/// Asks, and prints what was found; exit code 0 if nothing has to be changed.
pub fn run(options: &DoctorOptions, config: &Config) -> ExitCode {
    let served = match serve::served_interfaces(config) {
        Ok(served) => served,
        Err(list) => {
            eprintln!("{}", Faults { file: config.file.clone(), list });
            return ExitCode::from(serve::EXIT_CONFIG);
        }
    };
    let count = Question::all().len();
    eprintln!(
        "asking on {served}: {count} to {} DISCOVERs each, questions to port 4011, the beginnings of files; no \
         address is taken. It takes about ten seconds.",
        2 * count
    );
    let report = report(options, config);
    if options.json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("error: {error}"),
        }
    } else {
        print!("{}", print::text(&report));
    }
    if report.is_clean { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FINDINGS) }
}

/// Asks the network and looks at this machine: takes about ten seconds, so not on a thread that others wait for.
pub fn report(options: &DoctorOptions, config: &Config) -> Report {
    Report::of(&look(options, config))
}

fn look(options: &DoctorOptions, config: &Config) -> Facts {
    let loaders = Loaders::search(config);
    let policy = policy::build(config, &loaders).ok();
    let ports = Ports {
        server: config.dhcp.port,
        client: config.dhcp.client_port(),
        boot: config.dhcp.boot_port,
    };
    let served = serve::served_interfaces(config).unwrap_or_default();
    let served: Vec<&Interface> = served.iter().collect();
    let mut local = local::look(config, policy.as_ref(), &loaders, options.mac);
    local.expected = options.server;
    let segments = thread::scope(|scope| {
        let asked: Vec<_> = served
            .into_iter()
            .map(|interface| scope.spawn(move || ask(options, interface, ports)))
            .collect();
        asked.into_iter().filter_map(|thread| thread.join().ok()).collect::<Vec<_>>()
    });
    let mut files = targets::targets(&segments, policy.as_ref());
    wire::fetch_all(&mut files, Some(config.tftp.port));
    Facts { segments, files, local }
}

/// Everything on one interface.
fn ask(options: &DoctorOptions, interface: &Interface, ports: Ports) -> Segment {
    let random = RandomState::new().hash_one(&interface.name);
    let [a, b, c, d, e, f, g, _] = random.to_be_bytes();
    let [x, y, z] = DOCTOR_PREFIX;
    let mac = options.mac.unwrap_or([x, y, z, e, f, g]);
    let base = u32::from_be_bytes([a, b, c, d]);
    let mut plan = Plan::new(Instant::now(), mac, base, Question::all());
    let asked = wire::ask_dhcp(interface, ports, &mut plan);
    let sent = plan.sent();
    let (questions, answers) = plan.finish();
    let mut segment = Segment {
        interface: interface.name.clone(),
        address: interface.address,
        mtu: interface.mtu,
        mac,
        questions,
        answers,
        boot_answers: Vec::new(),
        by_relay: None,
        sent,
        error: asked.err().map(|error| error.to_string()),
    };
    let after = base.wrapping_add(0x1_0000);
    segment.boot_answers = wire::ask_boot_servers(&segment, ports.boot, after);
    if let Some(server) = options.server.filter(|server| !is_heard(&segment, *server)) {
        let question = segment.questions.iter().find(|it| it.firmware == Firmware::X64Uefi);
        let reached = question.map(|question| {
            wire::ask_as_relay(
                interface,
                ports,
                server,
                question,
                (mac, after.wrapping_add(0x1_0000)),
            )
        });
        segment.by_relay = reached.map(|reached| (server, reached));
    }
    segment
}

fn is_heard(segment: &Segment, server: Ipv4Addr) -> bool {
    segment.answers.iter().any(|answer| answer.server == Some(server))
}
