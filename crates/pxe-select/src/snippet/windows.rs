//! Windows Server 2012 and later. Reviewed against its documentation only.
//!
//! Source: learn.microsoft.com, module DhcpServer: `Set-DhcpServerv4OptionValue` (`-ScopeId`, `-PolicyName`,
//! `-OptionId`), `Add-DhcpServerv4Class` (`-Type Vendor`, `-Data`), `Add-DhcpServerv4Policy` (`-Condition`,
//! `-VendorClass EQ,"name*"`: the star follows the class's name and takes what follows its data). A policy sees
//! option 60, whose text begins with the architecture in five digits; it cannot see option 93. Windows puts option 66
//! into `siaddr` (2Pint, "Using DHCP scope options"). Option 60 is never set: Microsoft's KB 259670 shows PXE-E55.

use super::{
    Entry,
    baits::KINDS,
    page::{Opening, Page},
    site::Site,
};

pub(super) const ENTRY: Entry = Entry {
    name: "windows",
    summary: "PowerShell for the DHCP service of Windows Server",
    chooses: true,
    write,
};

fn write(site: &Site<'_>, per_arch: bool) -> Page {
    let opening = Opening {
        product: "Windows Server DHCP",
        place: &["PowerShell as administrator on the DHCP server; takes effect at once"],
        check: &["Get-DhcpServerv4OptionValue -ScopeId $Scope"],
        cannot: &[],
    };
    let mut page = Page::begin("#", &opening, site, per_arch);
    page.without_option_60();
    page.note(
        "note",
        &["IP phones read option 66 too: give them another scope, or a policy of their own"],
    );
    if per_arch {
        page.note(
            "note",
            &["Windows cannot see option 93; option 60 begins with the same number, so it is used"],
        );
    }
    page.blank();
    page.line(format_args!("$Server = '{}'", site.server()));
    match site.network() {
        Some((network, _)) => page.line(format_args!(
            "$Scope  = '{network}'   # Get-DhcpServerv4Scope lists the scopes; run this for each"
        )),
        None => page.line(format_args!(
            "$Scope  = 'SCOPE'   # put a scope there: Get-DhcpServerv4Scope lists them"
        )),
    }
    let set = "Set-DhcpServerv4OptionValue -ScopeId $Scope";
    page.line(format_args!("{set} -OptionId 66 -Value $Server"));
    page.line(format_args!("{set} -OptionId 67 -Value '{}'", site.bait()));
    if per_arch {
        policies(&mut page, site);
    }
    page
}

fn policies(page: &mut Page, site: &Site<'_>) {
    page.blank();
    page.line(format_args!("$Kinds = @("));
    for kind in &KINDS {
        for arch in kind.archs {
            page.line(format_args!(
                "  @{{ Class = 'PXEClient:Arch:{arch:05}'; File = '{}' }}   # {}",
                kind.bait(site),
                kind.what
            ));
        }
    }
    page.line(format_args!(")"));
    for line in [
        "foreach ($Kind in $Kinds) {",
        "  $Name = 'pxe-server ' + $Kind.Class.Substring(15)",
        "  Add-DhcpServerv4Class -Name $Name -Type Vendor -Data $Kind.Class -Description $Kind.Class \
         -ErrorAction SilentlyContinue   # one for all scopes",
        "  Add-DhcpServerv4Policy -ScopeId $Scope -Name $Name -Condition OR -VendorClass EQ,\"$Name*\"",
        "  Set-DhcpServerv4OptionValue -ScopeId $Scope -PolicyName $Name -OptionId 66 -Value $Server",
        "  Set-DhcpServerv4OptionValue -ScopeId $Scope -PolicyName $Name -OptionId 67 -Value $Kind.File",
        "}",
        "Get-DhcpServerv4Policy -ScopeId $Scope",
    ] {
        page.line(format_args!("{line}"));
    }
    page.note(
        "undo",
        &[
            "Get-DhcpServerv4Policy -ScopeId $Scope | Where-Object Name -like 'pxe-server *' |",
            "Remove-DhcpServerv4Policy",
        ],
    );
}
