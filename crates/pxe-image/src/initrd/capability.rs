//! The files that give a capability away.

use core::fmt;
use std::collections::BTreeSet;

/// What an initrd can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// Ubuntu's casper.
    Casper,
    /// Debian's live-boot.
    LiveBoot,
    /// live-boot that fetches by HTTP.
    LiveBootHttp,
    /// dracut fetches a live image by URL.
    Livenet,
    /// dracut boots a live image from a disc, or one put into the initrd.
    DmsquashLive,
    /// Anaconda, the installer of Fedora and RHEL.
    Anaconda,
    /// CoreOS fetches its root file system by URL.
    CoreosLive,
    /// archiso.
    Archiso,
    /// archiso fetches by HTTP.
    ArchisoHttp,
    /// Manjaro's variant of it fetches by HTTP.
    MisoHttp,
    /// kiwi's live images.
    KiwiLive,
    /// Agama, SUSE's newer installer.
    Agama,
    /// SUSE's linuxrc.
    Linuxrc,
    /// Proxmox finds its ISO inside the initrd.
    ProxmoxIso,
    /// Debian's installer reads the rest from a disc.
    DebianCdrom,
    /// Debian's installer reads the rest from a mirror.
    DebianNet,
    /// Has a DHCP client of BusyBox.
    Udhcpc,
    /// Has drivers for network cards.
    NetDrivers,
    /// Has the driver for RAM disks of UEFI firmware.
    RamDisk,
}

impl Capability {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Casper,
        Self::LiveBoot,
        Self::LiveBootHttp,
        Self::Livenet,
        Self::DmsquashLive,
        Self::Anaconda,
        Self::CoreosLive,
        Self::Archiso,
        Self::ArchisoHttp,
        Self::MisoHttp,
        Self::KiwiLive,
        Self::Agama,
        Self::Linuxrc,
        Self::ProxmoxIso,
        Self::DebianCdrom,
        Self::DebianNet,
        Self::Udhcpc,
        Self::NetDrivers,
        Self::RamDisk,
    ];

    /// Its name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Casper => "casper",
            Self::LiveBoot => "live-boot",
            Self::LiveBootHttp => "live-boot-http",
            Self::Livenet => "livenet",
            Self::DmsquashLive => "dmsquash-live",
            Self::Anaconda => "anaconda",
            Self::CoreosLive => "coreos-live",
            Self::Archiso => "archiso",
            Self::ArchisoHttp => "archiso-http",
            Self::MisoHttp => "miso-http",
            Self::KiwiLive => "kiwi-live",
            Self::Agama => "agama",
            Self::Linuxrc => "linuxrc",
            Self::ProxmoxIso => "proxmox-iso",
            Self::DebianCdrom => "debian-cdrom",
            Self::DebianNet => "debian-net",
            Self::Udhcpc => "udhcpc",
            Self::NetDrivers => "net-drivers",
            Self::RamDisk => "ram-disk",
        }
    }

    /// From that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a path gives something away.
enum Mark {
    /// The path ends in these whole parts.
    End(&'static str),
    /// The last part begins so: modules may be compressed, `.ko.xz`.
    Name(&'static str),
    /// The last part has this in it: dracut puts a number before the names of hooks.
    Part(&'static str),
    /// These whole parts occur in it.
    Within(&'static str),
}

/// Sources: casper (`scripts/casper`); live-boot (`components/9990-mount-http.sh`); dracut and kiwi (`module-setup.sh`
/// of `livenet`, `dmsquash-live`, `kiwi-live`; the folder differs with merged `sbin`); anaconda (`dracut/`);
/// fedora-coreos-config (`35coreos-live`); mkinitcpio-archiso and miso (`hooks/`); agama (`live/`); linuxrc; Debian's `net-retriever`
/// and `cdrom-retriever`; mkinitfs; Linux (`drivers/net`, `drivers/nvdimm`).
const MARKS: [(Mark, Capability); 20] = [
    (Mark::End("scripts/casper"), Capability::Casper),
    (Mark::End("scripts/live"), Capability::LiveBoot),
    (Mark::Within("lib/live/boot"), Capability::LiveBoot),
    (Mark::End("lib/live/boot/9990-mount-http.sh"), Capability::LiveBootHttp),
    (Mark::End("livenetroot"), Capability::Livenet),
    (Mark::End("dmsquash-live-root"), Capability::DmsquashLive),
    (Mark::End("dmsquash-live-root.sh"), Capability::DmsquashLive),
    (Mark::End("anaconda-lib.sh"), Capability::Anaconda),
    (Mark::End("coreos-livepxe-rootfs"), Capability::CoreosLive),
    (Mark::End("hooks/archiso"), Capability::Archiso),
    (Mark::End("hooks/archiso_pxe_http"), Capability::ArchisoHttp),
    (Mark::End("hooks/miso_pxe_http"), Capability::MisoHttp),
    (Mark::End("kiwi-live-root"), Capability::KiwiLive),
    (Mark::Part("agama-dud"), Capability::Agama),
    (Mark::End("linuxrc.config"), Capability::Linuxrc),
    (Mark::End("debian-installer/retriever/cdrom-retriever"), Capability::DebianCdrom),
    (Mark::End("debian-installer/retriever/net-retriever"), Capability::DebianNet),
    (Mark::End("usr/share/udhcpc/default.script"), Capability::Udhcpc),
    (Mark::Within("kernel/drivers/net"), Capability::NetDrivers),
    (Mark::Name("nd_pmem.ko"), Capability::RamDisk),
];

/// Scripts that are read, with the text that gives something away.
const TEXTS: [(&str, &str, Capability); 1] = [("init", "/proxmox.iso", Capability::ProxmoxIso)];

/// Collects what the files of an initrd give away.
#[derive(Default)]
pub(super) struct Found(BTreeSet<Capability>);

impl Found {
    /// Whether the file's text matters.
    pub(super) fn wants(path: &str) -> bool {
        TEXTS.iter().any(|(script, ..)| *script == plain(path))
    }

    pub(super) fn see(&mut self, path: &str) {
        let path = plain(path);
        for (mark, capability) in &MARKS {
            if mark.is_on(path) {
                self.0.insert(*capability);
            }
        }
    }

    pub(super) fn read(&mut self, path: &str, text: &[u8]) {
        for (script, needle, capability) in &TEXTS {
            if *script == plain(path) && crate::bytes::contains(text, needle.as_bytes()) {
                self.0.insert(*capability);
            }
        }
    }

    pub(super) fn finish(self) -> BTreeSet<Capability> {
        self.0
    }
}

impl Mark {
    fn is_on(&self, path: &str) -> bool {
        match self {
            Self::End(end) => path
                .strip_suffix(end)
                .is_some_and(|before| before.is_empty() || before.ends_with('/')),
            Self::Name(start) => {
                path.rsplit('/').next().is_some_and(|name| name.starts_with(start))
            }
            Self::Part(part) => path.rsplit('/').next().is_some_and(|name| name.contains(part)),
            Self::Within(parts) => path.split_once(parts).is_some_and(|(before, after)| {
                (before.is_empty() || before.ends_with('/')) && after.starts_with('/')
            }),
        }
    }
}

/// Without `./` or `/` at its start.
fn plain(path: &str) -> &str {
    path.trim_start_matches("./").trim_start_matches('/')
}
