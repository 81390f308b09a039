//! The DHCP server that is already there: dnsmasq, handing out addresses, and naming what it is told to.

use core::time::Duration;
use std::path::Path;

use crate::error::Result;
use crate::lab::topology::Names;
use crate::lab::wire::{Namespace, SERVER_ADDRESS};
use crate::process::{Background, capture, command};

/// A running foreign DHCP server.
#[derive(Debug)]
pub(crate) struct ForeignServer {
    process: Background,
}

impl ForeignServer {
    /// Starts it with these words beside the usual ones, and waits until it answers.
    pub(crate) fn start(host: &Namespace, own: &[String], folder: &Path) -> Result<Self> {
        let mut words = dnsmasq(&folder.join("foreign.leases"));
        words.extend_from_slice(own);
        let process = start(host, &words, "the foreign DHCP server", &folder.join("foreign.log"))?;
        Ok(Self { process })
    }

    /// Its log until now.
    pub(crate) fn log(&self) -> String {
        self.process.printed()
    }
}

/// dnsmasq in the foreground with nothing of the host's configuration, and without DNS.
pub(crate) fn dnsmasq_alone() -> Vec<String> {
    let words = "dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root \
                 --log-facility=- --port=0";
    words.split_whitespace().map(str::to_owned).collect()
}

/// dnsmasq as a DHCP server, without the ping before an offer, which costs three seconds per
/// machine.
pub(crate) fn dnsmasq(leases: &Path) -> Vec<String> {
    let leases = format!("--dhcp-leasefile={}", leases.display());
    let fixed = ["--bind-interfaces", "--interface=eth0", "--no-ping", "--log-dhcp"];
    let fixed = fixed.map(str::to_owned).into_iter();
    dnsmasq_alone().into_iter().chain(fixed).chain([leases]).collect()
}

pub(crate) fn start(
    host: &Namespace,
    words: &[String],
    what: &str,
    log: &Path,
) -> Result<Background> {
    let mut process = Background::start(host.command(words), what, log)?;
    // dnsmasq prints this once its sockets are bound.
    process.wait_for_line(Duration::from_secs(30), |line| line.contains("sockets bound"))?;
    Ok(process)
}

/// What our program prints for a DHCP server's configuration, as a person would get it.
pub(crate) fn snippet(binary: &Path, dialect: &str, per_arch: bool) -> Result<String> {
    let (binary, address) = (binary.to_string_lossy(), SERVER_ADDRESS.to_string());
    let mut words = vec![&*binary, "snippet", dialect, "--address", &address];
    words.extend(per_arch.then_some("--per-arch"));
    capture(&mut command(&words))
}

/// The words of dnsmasq that make it name what our program says it should.
pub(crate) fn naming(names: Names, binary: &Path) -> Result<Vec<String>> {
    let per_arch = match names {
        Names::Nothing => return Ok(Vec::new()),
        Names::OneBait => false,
        Names::BaitByArchitecture => true,
    };
    Ok(as_words(&snippet(binary, "dnsmasq", per_arch)?))
}

/// dnsmasq takes each line of its configuration as a word, too.
fn as_words(snippet: &str) -> Vec<String> {
    let lines = snippet.lines().map(str::trim);
    let settings = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    settings.map(|line| format!("--{line}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_become_words_and_comments_do_not() {
        let snippet = "# for dnsmasq\n\ndhcp-no-override\ndhcp-boot=pxe-loader,,10.77.0.2\n";
        assert_eq!(as_words(snippet), ["--dhcp-no-override", "--dhcp-boot=pxe-loader,,10.77.0.2"]);
    }
}
