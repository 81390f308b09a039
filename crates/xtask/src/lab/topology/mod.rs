//! Shapes of networks, as data: who stands where, who names the boot file, and when our server is there.

pub(crate) mod late;
pub(crate) mod silence;
pub(crate) mod site;

use core::net::Ipv4Addr;

use crate::lab::firmware::Machine;
use crate::lab::proof::Naming;
use crate::lab::wire::{FOREIGN_ADDRESS, SERVER_ADDRESS};

use site::RELAY_ADDRESS;

/// A shape of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Topology {
    /// Our `dhcp.mode`.
    pub(crate) mode: Mode,
    /// What the foreign DHCP server names.
    pub(crate) names: Names,
    pub(crate) site: Site,
    pub(crate) presence: Presence,
}

/// How our server stands towards DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Proxy,
    Observe,
    Off,
    /// There is no other DHCP server.
    Server,
}

/// What the foreign DHCP server is told to name: the lines that `pxe-server snippet dnsmasq` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// It knows nothing of booting.
    Nothing,
    /// One name for every machine.
    OneBait,
    /// A name for each architecture, by option 93.
    BaitByArchitecture,
}

/// Who is on which segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// Everybody on one.
    OneLan,
    /// The machines on one, both servers on another, and a router between them that relays to both.
    TwoLans,
    /// The DHCP server runs on our own host, and has port 67.
    OneHost,
}

/// When our server runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Before any machine is switched on.
    Always,
    /// It is started, with nothing remembered, when a machine has asked for its file for the first time.
    FromFirstRequest {
        /// Machines of which a request alone says too little: they must be held, and boot when they are switched
        /// on again. All others must boot at once.
        held: &'static [Machine],
    },
    /// For a machine's first boot; for its second it is away again until the machine asks for its file, and comes back
    /// with what it has kept.
    BackForSecondRequest,
}

impl Topology {
    pub(crate) const PROXY: Self = Self {
        mode: Mode::Proxy,
        names: Names::Nothing,
        site: Site::OneLan,
        presence: Presence::Always,
    };
    pub(crate) const OBSERVE: Self =
        Self { mode: Mode::Observe, names: Names::OneBait, ..Self::PROXY };
    pub(crate) const RELAYED: Self = Self { site: Site::TwoLans, ..Self::OBSERVE };
    pub(crate) const SUFFIXES: Self =
        Self { mode: Mode::Off, names: Names::BaitByArchitecture, ..Self::PROXY };
    pub(crate) const LATE: Self = Self {
        presence: Presence::FromFirstRequest { held: &[Machine::X64Uefi, Machine::Arm64Uefi] },
        ..Self::OBSERVE
    };
    pub(crate) const RESTARTED: Self =
        Self { presence: Presence::BackForSecondRequest, ..Self::OBSERVE };
    pub(crate) const SERVER: Self = Self { mode: Mode::Server, ..Self::PROXY };
    pub(crate) const SERVER_RELAYED: Self = Self { site: Site::TwoLans, ..Self::SERVER };
    pub(crate) const SAME_HOST: Self = Self { site: Site::OneHost, ..Self::OBSERVE };

    /// Who tells this machine what to fetch, and by which name.
    pub(crate) fn naming(&self, machine: Machine) -> Naming {
        let bait = match (self.names, machine) {
            (Names::Nothing, _) => None,
            (Names::OneBait, _) => Some("pxe-loader"),
            (Names::BaitByArchitecture, Machine::Bios) => Some("pxe-loader_bios"),
            (
                Names::BaitByArchitecture,
                Machine::X64Uefi | Machine::X64UefiHttp | Machine::X64UefiSecure,
            ) => Some("pxe-loader_uefi"),
            (Names::BaitByArchitecture, Machine::X86Uefi) => Some("pxe-loader_ia32"),
            (Names::BaitByArchitecture, Machine::Arm64Uefi | Machine::Arm64UefiHttp) => {
                Some("pxe-loader_aa64")
            }
        };
        let by = match self.names {
            Names::Nothing => SERVER_ADDRESS,
            Names::OneBait | Names::BaitByArchitecture => self.foreign_address(),
        };
        let through = if self.site == Site::TwoLans { RELAY_ADDRESS } else { by };
        let gives = (self.mode == Mode::Server).then(|| self.site.pool());
        Naming { by, through, bait, gives }
    }

    /// Where the foreign DHCP server is.
    pub(crate) fn foreign_address(&self) -> Ipv4Addr {
        if self.site == Site::OneHost { SERVER_ADDRESS } else { FOREIGN_ADDRESS }
    }

    /// Whom a router relays to.
    pub(crate) fn helpers(&self) -> &'static [Ipv4Addr] {
        match self.mode {
            Mode::Server => &[SERVER_ADDRESS],
            Mode::Proxy | Mode::Observe | Mode::Off => &[FOREIGN_ADDRESS, SERVER_ADDRESS],
        }
    }

    /// What our server is told of the addresses that it is to give.
    pub(crate) fn subnets(&self) -> String {
        match self.mode {
            Mode::Server => self.site.subnet(),
            Mode::Proxy | Mode::Observe | Mode::Off => String::new(),
        }
    }

    /// Whether no DHCP message may leave our server.
    pub(crate) fn is_silent(&self) -> bool {
        matches!(self.mode, Mode::Observe | Mode::Off)
    }

    /// Whether this machine must be held at first.
    pub(crate) fn holds(&self, machine: Machine) -> bool {
        match self.presence {
            Presence::Always | Presence::BackForSecondRequest => false,
            Presence::FromFirstRequest { held } => held.contains(&machine),
        }
    }
}

impl Mode {
    /// As the configuration spells it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Observe => "observe",
            Self::Off => "off",
            Self::Server => "server",
        }
    }
}
