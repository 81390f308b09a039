//! Typed option values: total functions over an option's bytes, apart from the parser of messages.
//!
//! A value comes from [`MessageView::first`](crate::MessageView::first), from
//! [`MessageView::option`](crate::MessageView::option), or from anywhere else. Types made by `new` accept any
//! bytes and read them as far as they make sense; `decode` refuses what breaks the option's form. [`OptionValue`]
//! picks the type by the option's code.
//!
//! [`OptionSet`] goes the other way: it makes values from a configuration's text, by the option's name or number.

mod address;
mod client;
mod config;
mod ipxe;
mod pxe;
mod pxe_menu;
mod relay;
mod routes;
mod search;
mod space;
mod text;
mod user_class;
mod value;
mod vendor;

pub use address::{AddressList, address, duration_seconds, octet, short};
pub use client::{ArchList, ClientIdentifier, MachineId, NetworkInterface, ParameterRequestList};
pub use config::{ConfiguredOption, OptionFault, OptionFaultKind, OptionKind, OptionSet};
pub use ipxe::{IpxeBusId, IpxeFeatures, IpxeOption, IpxeOptions, IpxeOptionsBuilder};
pub use pxe::{
    BootItem, DiscoveryControl, MulticastAllocation, PxeOption, PxeOptions, PxeOptionsBuilder,
};
pub use pxe_menu::{BootMenu, BootServer, BootServerType, BootServers, MenuItem, MenuPrompt};
pub use relay::{RelayAgentInformation, RelayAgentInformationBuilder, RelayOption};
pub use routes::{ClasslessRoutes, Route};
pub use search::{DomainName, DomainSearch};
pub use space::{SubOption, SubOptions};
pub use text::text;
pub use user_class::{UserClass, UserClassFraming, UserClassItems};
pub(crate) use value::Hex;
pub use value::OptionValue;
pub use vendor::{BsdpOptions, VendorClass, VendorSpace, VendorSpecific};
