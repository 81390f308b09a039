//! What makes a network: namespaces, and the servers, relays and clients of others on it.

use super::{Need, Present};

pub(crate) const WIRE: Need = Need {
    what: "network namespaces and a packet filter",
    present: Present::Programs(&["ip", "nft"]),
    packages: [
        &["iproute2", "nftables"],
        &["iproute", "nftables"],
        &["iproute2", "nftables"],
        &["iproute2", "nftables"],
    ],
};

pub(crate) const DNSMASQ: Need = Need {
    what: "dnsmasq, the DHCP server that nobody touches",
    present: Present::Programs(&["dnsmasq"]),
    packages: [&["dnsmasq-base"], &["dnsmasq"], &["dnsmasq"], &["dnsmasq"]],
};

pub(crate) const DHCRELAY: Need = Need {
    what: "ISC dhcrelay, a relay that adds option 82",
    present: Present::Programs(&["dhcrelay"]),
    packages: [&["isc-dhcp-relay"], &["dhcp-relay"], &["dhcp"], &["dhcp-relay"]],
};

pub(crate) const ISC_DHCPD: Need = Need {
    what: "ISC dhcpd, to try snippets on",
    present: Present::Programs(&["dhcpd"]),
    packages: [&["isc-dhcp-server"], &["dhcp-server"], &["dhcp"], &["dhcp-server"]],
};

pub(crate) const KEA: Need = Need {
    what: "Kea, to try snippets on and to measure beside",
    present: Present::Programs(&["kea-dhcp4"]),
    packages: [&["kea-dhcp4-server"], &["kea"], &["kea"], &["kea"]],
};

pub(crate) const TCPDUMP: Need = Need {
    what: "tcpdump",
    present: Present::Programs(&["tcpdump"]),
    packages: [&["tcpdump"], &["tcpdump"], &["tcpdump"], &["tcpdump"]],
};

pub(crate) const NAMESPACES: Need = Need {
    what: "network namespaces for tests of the program as a DHCP server",
    present: Present::Programs(&["ip", "unshare", "prlimit"]),
    packages: [
        &["iproute2", "util-linux"],
        &["iproute", "util-linux"],
        &["iproute2", "util-linux"],
        &["iproute2", "util-linux"],
    ],
};

pub(crate) const CURL: Need = Need {
    what: "curl",
    present: Present::Programs(&["curl"]),
    packages: [&["curl"], &["curl"], &["curl"], &["curl"]],
};

pub(crate) const TFTP_HPA: Need = Need {
    what: "tftp-hpa's client",
    present: Present::Programs(&["tftp"]),
    packages: [&["tftp-hpa"], &["tftp"], &["tftp-hpa"], &["tftp"]],
};

pub(crate) const ATFTP: Need = Need {
    what: "atftp",
    present: Present::Programs(&["atftp"]),
    packages: [&["atftp"], &[], &[], &["atftp"]],
};

pub(crate) const BUSYBOX: Need = Need {
    what: "busybox",
    present: Present::Programs(&["busybox"]),
    packages: [&["busybox"], &["busybox"], &["busybox"], &["busybox"]],
};

pub(crate) const DHCLIENT: Need = Need {
    what: "ISC dhclient",
    present: Present::Programs(&["dhclient"]),
    packages: [&["isc-dhcp-client"], &["dhcp-client"], &["dhclient"], &["dhcp-client"]],
};

pub(crate) const DHCPCD: Need = Need {
    what: "dhcpcd",
    present: Present::Programs(&["dhcpcd"]),
    // Without the service.
    packages: [&["dhcpcd-base"], &["dhcpcd"], &["dhcpcd"], &["dhcpcd"]],
};

pub(crate) const NGINX: Need = Need {
    what: "nginx, to compare and to measure beside",
    present: Present::File(&["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]),
    packages: [&["nginx-light"], &["nginx"], &["nginx"], &["nginx"]],
};
