//! Option codes: an open number, its names, and the lengths a value may have.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use core::fmt;

/// The code of a DHCPv4 option (IANA "BOOTP Vendor Extensions and DHCP Options").
///
/// Open: every octet is a code, whether or not the table knows a name for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptionCode(
    /// The number on the wire.
    pub u8,
);

/// The lengths a value of an option may have, in bytes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthRule {
    /// At least so many.
    AtLeast(u8),
    /// Exactly so many.
    Exactly(u8),
    /// A multiple of so many, and not zero.
    MultipleOf(u8),
}

impl LengthRule {
    /// Whether a value of so many bytes obeys the rule.
    #[must_use]
    pub const fn allows(self, bytes: usize) -> bool {
        match self {
            Self::AtLeast(least) => bytes >= least as usize,
            Self::Exactly(exact) => bytes == exact as usize,
            Self::MultipleOf(unit) => bytes != 0 && bytes.is_multiple_of(unit as usize),
        }
    }
}

impl OptionCode {
    /// The lengths the option's specification allows. Unknown options may have any length but zero.
    #[must_use]
    pub const fn length_rule(self) -> LengthRule {
        match self.0 {
            93 => LengthRule::MultipleOf(2),
            94 => LengthRule::Exactly(3),
            97 => LengthRule::Exactly(17),
            118 | 211 => LengthRule::Exactly(4),
            116 => LengthRule::Exactly(1),
            150 => LengthRule::MultipleOf(4),
            82 => LengthRule::AtLeast(2),
            80 => LengthRule::Exactly(0),
            _ => self.firmware_length_rule(),
        }
    }

    /// The lengths outside which EDK2 discards the whole message (`DhcpOptionFormats` in `Dhcp4Option.c`). A zero
    /// length is refused for every option: it upsets the same code's table of options.
    #[must_use]
    pub const fn firmware_length_rule(self) -> LengthRule {
        match self.0 {
            1 | 2 | 28 | 50 | 51 | 54 | 58 | 59 => LengthRule::Exactly(4),
            3..=11 | 41 | 42 | 44 | 45 | 48 | 49 | 65 | 69..=76 => LengthRule::MultipleOf(4),
            33 => LengthRule::MultipleOf(8),
            13 | 26 | 57 => LengthRule::Exactly(2),
            46 | 52 | 53 => LengthRule::Exactly(1),
            61 => LengthRule::AtLeast(2),
            121 => LengthRule::AtLeast(5),
            _ => LengthRule::AtLeast(1),
        }
    }

    /// Whether the encoder may spread a value over several instances (RFC 3396). Boot clients do not join, so it
    /// may not where they read.
    #[must_use]
    pub const fn may_split(self) -> bool {
        !matches!(
            self.0,
            0..=3 | 6 | 12 | 13 | 15 | 17 | 28 | 43 | 50..=61 | 66 | 67 | 77 | 93..=97 | 150 | 175
                | 208..=211 | 255
        )
    }
}

impl fmt::Debug for OptionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for OptionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

macro_rules! option_codes {
    ($($number:literal $code:ident $name:literal $source:literal;)*) => {
        impl OptionCode {
            $(
                #[doc = concat!($name, " (", $source, ").")]
                pub const $code: Self = Self($number);
            )*

            /// The option's name, if the table has it.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }

            /// Where the option is specified, if the table has it.
            pub const fn source(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($source),)*
                    _ => None,
                }
            }
        }
    };
}

// IANA registry "BOOTP Vendor Extensions and DHCP Options", assigned codes; 175 is tentatively assigned there to
// Etherboot and is used as iPXE's `src/include/ipxe/dhcp.h` says.
option_codes! {
    0 PAD "Pad" "RFC 2132 3.1";
    1 SUBNET_MASK "Subnet Mask" "RFC 2132 3.3";
    2 TIME_OFFSET "Time Offset" "RFC 2132 3.4";
    3 ROUTERS "Router" "RFC 2132 3.5";
    4 TIME_SERVERS "Time Server" "RFC 2132 3.6";
    5 NAME_SERVERS "Name Server" "RFC 2132 3.7";
    6 DOMAIN_NAME_SERVERS "Domain Name Server" "RFC 2132 3.8";
    7 LOG_SERVERS "Log Server" "RFC 2132 3.9";
    8 QUOTES_SERVERS "Quotes Server" "RFC 2132 3.10";
    9 LPR_SERVERS "LPR Server" "RFC 2132 3.11";
    10 IMPRESS_SERVERS "Impress Server" "RFC 2132 3.12";
    11 RLP_SERVERS "Resource Location Server" "RFC 2132 3.13";
    12 HOST_NAME "Host Name" "RFC 2132 3.14";
    13 BOOT_FILE_SIZE "Boot File Size" "RFC 2132 3.15";
    14 MERIT_DUMP_FILE "Merit Dump File" "RFC 2132 3.16";
    15 DOMAIN_NAME "Domain Name" "RFC 2132 3.17";
    16 SWAP_SERVER "Swap Server" "RFC 2132 3.18";
    17 ROOT_PATH "Root Path" "RFC 2132 3.19";
    18 EXTENSIONS_PATH "Extensions Path" "RFC 2132 3.20";
    19 IP_FORWARDING "IP Forwarding" "RFC 2132 4.1";
    20 SOURCE_ROUTING "Non-Local Source Routing" "RFC 2132 4.2";
    21 POLICY_FILTER "Policy Filter" "RFC 2132 4.3";
    22 DATAGRAM_REASSEMBLY_MAX "Maximum Datagram Reassembly Size" "RFC 2132 4.4";
    23 DEFAULT_IP_TTL "Default IP TTL" "RFC 2132 4.5";
    24 PATH_MTU_TIMEOUT "Path MTU Aging Timeout" "RFC 2132 4.6";
    25 PATH_MTU_PLATEAU "Path MTU Plateau Table" "RFC 2132 4.7";
    26 INTERFACE_MTU "Interface MTU" "RFC 2132 5.1";
    27 SUBNETS_LOCAL "All Subnets Local" "RFC 2132 5.2";
    28 BROADCAST_ADDRESS "Broadcast Address" "RFC 2132 5.3";
    29 MASK_DISCOVERY "Perform Mask Discovery" "RFC 2132 5.4";
    30 MASK_SUPPLIER "Mask Supplier" "RFC 2132 5.5";
    31 ROUTER_DISCOVERY "Perform Router Discovery" "RFC 2132 5.6";
    32 ROUTER_SOLICITATION "Router Solicitation Address" "RFC 2132 5.7";
    33 STATIC_ROUTES "Static Route" "RFC 2132 5.8";
    34 TRAILER_ENCAPSULATION "Trailer Encapsulation" "RFC 2132 6.1";
    35 ARP_TIMEOUT "ARP Cache Timeout" "RFC 2132 6.2";
    36 ETHERNET_ENCAPSULATION "Ethernet Encapsulation" "RFC 2132 6.3";
    37 TCP_TTL "TCP Default TTL" "RFC 2132 7.1";
    38 TCP_KEEPALIVE_INTERVAL "TCP Keepalive Interval" "RFC 2132 7.2";
    39 TCP_KEEPALIVE_GARBAGE "TCP Keepalive Garbage" "RFC 2132 7.3";
    40 NIS_DOMAIN "NIS Domain" "RFC 2132 8.1";
    41 NIS_SERVERS "NIS Servers" "RFC 2132 8.2";
    42 NTP_SERVERS "NTP Servers" "RFC 2132 8.3";
    43 VENDOR_SPECIFIC "Vendor-Specific Information" "RFC 2132 8.4";
    44 NETBIOS_NAME_SERVERS "NetBIOS Name Server" "RFC 2132 8.5";
    45 NETBIOS_DATAGRAM_SERVERS "NetBIOS Datagram Distribution Server" "RFC 2132 8.6";
    46 NETBIOS_NODE_TYPE "NetBIOS Node Type" "RFC 2132 8.7";
    47 NETBIOS_SCOPE "NetBIOS Scope" "RFC 2132 8.8";
    48 X_FONT_SERVERS "X Window Font Server" "RFC 2132 8.9";
    49 X_DISPLAY_MANAGERS "X Window Display Manager" "RFC 2132 8.10";
    50 REQUESTED_ADDRESS "Requested IP Address" "RFC 2132 9.1";
    51 LEASE_TIME "IP Address Lease Time" "RFC 2132 9.2";
    52 OVERLOAD "Option Overload" "RFC 2132 9.3";
    53 MESSAGE_TYPE "DHCP Message Type" "RFC 2132 9.6";
    54 SERVER_IDENTIFIER "Server Identifier" "RFC 2132 9.7";
    55 PARAMETER_REQUEST_LIST "Parameter Request List" "RFC 2132 9.8";
    56 MESSAGE "Message" "RFC 2132 9.9";
    57 MAX_MESSAGE_SIZE "Maximum DHCP Message Size" "RFC 2132 9.10";
    58 RENEWAL_TIME "Renewal (T1) Time" "RFC 2132 9.11";
    59 REBINDING_TIME "Rebinding (T2) Time" "RFC 2132 9.12";
    60 VENDOR_CLASS "Vendor Class Identifier" "RFC 2132 9.13";
    61 CLIENT_IDENTIFIER "Client Identifier" "RFC 2132 9.14";
    62 NETWARE_DOMAIN "NetWare/IP Domain" "RFC 2242";
    63 NETWARE_OPTION "NetWare/IP Option" "RFC 2242";
    64 NIS_PLUS_DOMAIN "NIS+ Domain" "RFC 2132 8.11";
    65 NIS_PLUS_SERVERS "NIS+ Servers" "RFC 2132 8.12";
    66 TFTP_SERVER_NAME "TFTP Server Name" "RFC 2132 9.4";
    67 BOOT_FILE_NAME "Bootfile Name" "RFC 2132 9.5";
    68 HOME_AGENTS "Mobile IP Home Agent" "RFC 2132 8.13";
    69 SMTP_SERVERS "SMTP Server" "RFC 2132 8.14";
    70 POP3_SERVERS "POP3 Server" "RFC 2132 8.15";
    71 NNTP_SERVERS "NNTP Server" "RFC 2132 8.16";
    72 WWW_SERVERS "WWW Server" "RFC 2132 8.17";
    73 FINGER_SERVERS "Finger Server" "RFC 2132 8.18";
    74 IRC_SERVERS "IRC Server" "RFC 2132 8.19";
    75 STREETTALK_SERVERS "StreetTalk Server" "RFC 2132 8.20";
    76 STDA_SERVERS "StreetTalk Directory Assistance Server" "RFC 2132 8.21";
    77 USER_CLASS "User Class" "RFC 3004";
    78 DIRECTORY_AGENT "SLP Directory Agent" "RFC 2610";
    79 SERVICE_SCOPE "SLP Service Scope" "RFC 2610";
    80 RAPID_COMMIT "Rapid Commit" "RFC 4039";
    81 CLIENT_FQDN "Client FQDN" "RFC 4702";
    82 RELAY_AGENT_INFORMATION "Relay Agent Information" "RFC 3046";
    83 ISNS "iSNS" "RFC 4174";
    85 NDS_SERVERS "NDS Servers" "RFC 2241";
    86 NDS_TREE "NDS Tree Name" "RFC 2241";
    87 NDS_CONTEXT "NDS Context" "RFC 2241";
    88 BCMCS_DOMAINS "BCMCS Controller Domain Names" "RFC 4280";
    89 BCMCS_ADDRESSES "BCMCS Controller Addresses" "RFC 4280";
    90 AUTHENTICATION "Authentication" "RFC 3118";
    91 LAST_TRANSACTION_TIME "Client Last Transaction Time" "RFC 4388";
    92 ASSOCIATED_ADDRESSES "Associated IP" "RFC 4388";
    93 CLIENT_ARCHITECTURE "Client System Architecture" "RFC 4578";
    94 NETWORK_INTERFACE "Client Network Interface" "RFC 4578";
    95 LDAP "LDAP" "RFC 3679";
    97 MACHINE_ID "Client Machine Identifier" "RFC 4578";
    98 USER_AUTHENTICATION "User Authentication" "RFC 2485";
    99 CIVIC_LOCATION "Civic Location" "RFC 4776";
    100 TIME_ZONE_POSIX "Time Zone (POSIX)" "RFC 4833";
    101 TIME_ZONE_NAME "Time Zone (database)" "RFC 4833";
    108 IPV6_ONLY "IPv6-Only Preferred" "RFC 8925";
    109 DHCP4O6_SOURCE_ADDRESS "DHCP 4o6 Softwire Source Address" "RFC 8539";
    112 NETINFO_ADDRESS "NetInfo Address" "RFC 3679";
    113 NETINFO_TAG "NetInfo Tag" "RFC 3679";
    114 CAPTIVE_PORTAL "Captive Portal" "RFC 8910";
    116 AUTO_CONFIGURE "Auto-Configure" "RFC 2563";
    117 NAME_SERVICE_SEARCH "Name Service Search" "RFC 2937";
    118 SUBNET_SELECTION "Subnet Selection" "RFC 3011";
    119 DOMAIN_SEARCH "Domain Search" "RFC 3397";
    120 SIP_SERVERS "SIP Servers" "RFC 3361";
    121 CLASSLESS_ROUTES "Classless Static Route" "RFC 3442";
    122 CABLELABS "CableLabs Client Configuration" "RFC 3495";
    123 COORDINATES "GeoConf" "RFC 6225";
    124 VENDOR_IDENTIFYING_CLASS "Vendor-Identifying Vendor Class" "RFC 3925";
    125 VENDOR_IDENTIFYING_OPTIONS "Vendor-Identifying Vendor Options" "RFC 3925";
    128 PXE_VENDOR_128 "PXE vendor specific 128" "RFC 4578";
    129 PXE_VENDOR_129 "PXE vendor specific 129" "RFC 4578";
    130 PXE_VENDOR_130 "PXE vendor specific 130" "RFC 4578";
    131 PXE_VENDOR_131 "PXE vendor specific 131" "RFC 4578";
    132 PXE_VENDOR_132 "PXE vendor specific 132" "RFC 4578";
    133 PXE_VENDOR_133 "PXE vendor specific 133" "RFC 4578";
    134 PXE_VENDOR_134 "PXE vendor specific 134" "RFC 4578";
    135 PXE_VENDOR_135 "PXE vendor specific 135" "RFC 4578";
    136 PANA_AGENT "PANA Authentication Agent" "RFC 5192";
    137 LOST_SERVER "LoST Server" "RFC 5223";
    138 CAPWAP_CONTROLLERS "CAPWAP Access Controller" "RFC 5417";
    139 MOS_ADDRESSES "Mobility Server Address" "RFC 5678";
    140 MOS_NAMES "Mobility Server FQDN" "RFC 5678";
    141 SIP_UA_DOMAINS "SIP UA Configuration Service Domains" "RFC 6011";
    142 ANDSF_ADDRESSES "ANDSF Address" "RFC 6153";
    143 SZTP_REDIRECT "SZTP Redirect" "RFC 8572";
    144 GEOLOCATION "GeoLoc" "RFC 6225";
    145 FORCE_RENEW_NONCE "Forcerenew Nonce Capable" "RFC 6704";
    146 RDNSS_SELECTION "RDNSS Selection" "RFC 6731";
    150 TFTP_SERVERS "TFTP Server Address" "RFC 5859";
    151 STATUS_CODE "Status Code" "RFC 6926";
    152 BASE_TIME "Base Time" "RFC 6926";
    153 STATE_START_TIME "Start Time of State" "RFC 6926";
    154 QUERY_START_TIME "Query Start Time" "RFC 6926";
    155 QUERY_END_TIME "Query End Time" "RFC 6926";
    156 DHCP_STATE "DHCP State" "RFC 6926";
    157 DATA_SOURCE "Data Source" "RFC 6926";
    158 PCP_SERVERS "PCP Server" "RFC 7291";
    159 PORT_PARAMETERS "Port Parameters" "RFC 7618";
    161 MUD_URL "MUD URL" "RFC 8520";
    162 ENCRYPTED_DNS "Encrypted DNS Server" "RFC 9463";
    175 IPXE "iPXE Encapsulated Options" "iPXE dhcp.h";
    208 PXELINUX_MAGIC "PXELINUX Magic" "RFC 5071";
    209 PXELINUX_CONFIG_FILE "PXELINUX Configuration File" "RFC 5071";
    210 PXELINUX_PATH_PREFIX "PXELINUX Path Prefix" "RFC 5071";
    211 PXELINUX_REBOOT_TIME "PXELINUX Reboot Time" "RFC 5071";
    212 SIX_RD "6RD" "RFC 5969";
    213 ACCESS_NETWORK_DOMAIN "Access Network Domain Name" "RFC 5986";
    220 SUBNET_ALLOCATION "Subnet Allocation" "RFC 6656";
    221 VIRTUAL_SUBNET_SELECTION "Virtual Subnet Selection" "RFC 6607";
    255 END "End" "RFC 2132 3.2";
}
