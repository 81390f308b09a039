//! `tftp://host[:port]/file` (RFC 3617), as people write it.

use core::fmt;
use core::str::FromStr;

/// The port of TFTP.
const PORT: u16 = 69;

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// A name or an address, an IPv6 address without its brackets, perhaps with a zone
    /// (`fe80::1%eth0`).
    pub host: String,
    /// UDP port; 69 if none was written.
    pub port: u16,
    /// What the server is asked for: the bytes behind the first slash, escapes resolved.
    pub file: Vec<u8>,
}

/// Why a text is no URL of a file, with what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UrlFault(String);

impl Url {
    /// What a local copy is called by default: the part behind the last slash or backslash.
    #[must_use]
    pub fn local_name(&self) -> Option<String> {
        let last = self.file.rsplit(|byte| b"/\\".contains(byte)).next()?;
        let name = String::from_utf8(last.to_vec()).ok()?;
        let plain = !name.is_empty() && name != "." && name != "..";
        (plain && !name.contains('\0')).then_some(name)
    }
}

/// As it would be written, for messages: nothing that a terminal obeys.
impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.escape_ascii();
        match (self.host.contains(':'), self.port) {
            (true, PORT) => write!(f, "tftp://[{}]/{file}", self.host),
            (true, port) => write!(f, "tftp://[{}]:{port}/{file}", self.host),
            (false, PORT) => write!(f, "tftp://{}/{file}", self.host),
            (false, port) => write!(f, "tftp://{}:{port}/{file}", self.host),
        }
    }
}

impl FromStr for Url {
    type Err = UrlFault;

    fn from_str(text: &str) -> Result<Self, UrlFault> {
        let rest = after_scheme(text)?;
        let Some((authority, path)) = rest.split_once('/') else {
            return fault(format!("no file is named: tftp://{rest}/FILE"));
        };
        if authority.contains('@') {
            return fault("TFTP knows no users and no passwords: leave out what is before the @");
        }
        let (host, port) = host_and_port(authority)?;
        let file = unescape(without_mode(path)?)?;
        if file.is_empty() {
            return fault(format!("no file is named: tftp://{authority}/FILE"));
        }
        if file.contains(&0) {
            return fault("a file name cannot hold a NUL byte (%00)");
        }
        Ok(Self { host, port, file })
    }
}

fn fault<T>(text: impl Into<String>) -> Result<T, UrlFault> {
    Err(UrlFault(text.into()))
}

fn after_scheme(text: &str) -> Result<&str, UrlFault> {
    match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tftp") => Ok(rest),
        Some((scheme, _)) => fault(format!("{scheme} is not TFTP: a URL here begins with tftp://")),
        None => fault(format!("a URL here begins with tftp://, as in tftp://{text}")),
    }
}

fn host_and_port(authority: &str) -> Result<(String, u16), UrlFault> {
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let Some((host, after)) = rest.split_once(']') else {
            return fault("the bracket of the IPv6 address is not closed: [2001:db8::1]");
        };
        // RFC 6874 escapes the percent sign in front of the zone; people do not.
        let host = host.replacen("%25", "%", 1);
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return fault(format!("{after:?} after the address is no port")),
        }
    } else {
        match authority.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return fault(format!(
                    "an IPv6 address stands in brackets: tftp://[{authority}]/…"
                ));
            }
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (authority.to_owned(), None),
        }
    };
    if host.is_empty() {
        return fault("no host is named: tftp://HOST/FILE");
    }
    let port = match port {
        None | Some("") => PORT,
        Some(digits) => match digits.parse() {
            Ok(port) if port > 0 => port,
            _ => return fault(format!("{digits:?} is no port: 1 to 65535")),
        },
    };
    Ok((host, port))
}

/// RFC 3617 lets a URL end in the transfer's mode.
fn without_mode(path: &str) -> Result<&str, UrlFault> {
    match path.rsplit_once(";mode=") {
        Some((file, mode)) if mode.eq_ignore_ascii_case("octet") => Ok(file),
        Some((_, mode)) if mode.eq_ignore_ascii_case("netascii") => {
            fault("files are fetched as they are, not as netascii: leave out ;mode=netascii")
        }
        _ => Ok(path),
    }
}

fn unescape(text: &str) -> Result<Vec<u8>, UrlFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = match after {
            [high, low, behind @ ..] => hex(*high).zip(hex(*low)).map(|pair| (pair, behind)),
            _ => None,
        };
        let Some(((high, low), behind)) = digits else {
            return fault("a % stands before two hexadecimal digits; the sign itself is %25");
        };
        bytes.push(high << 4 | low);
        rest = behind;
    }
    Ok(bytes)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> (String, u16, String) {
        let url: Url = text.parse().unwrap_or_else(|why| panic!("{text}: {why}"));
        (url.host, url.port, String::from_utf8(url.file).expect("text"))
    }

    #[test]
    fn names_addresses_and_ports() {
        for (text, host, port, file) in [
            ("tftp://boot/ipxe.efi", "boot", 69, "ipxe.efi"),
            ("TFTP://192.0.2.5:10069/a/b.efi", "192.0.2.5", 10_069, "a/b.efi"),
            ("tftp://192.0.2.5//a", "192.0.2.5", 69, "/a"),
            ("tftp://[2001:db8::1]/a", "2001:db8::1", 69, "a"),
            ("tftp://[::1]:1069/a", "::1", 1069, "a"),
            ("tftp://[fe80::1%eth0]/a", "fe80::1%eth0", 69, "a"),
            ("tftp://[fe80::1%25eth0]/a", "fe80::1%eth0", 69, "a"),
            ("tftp://h:/a%20b%25c;mode=OCTET", "h", 69, "a b%c"),
            ("tftp://h/Boot\\x64\\wdsnbp.com?x#y", "h", 69, "Boot\\x64\\wdsnbp.com?x#y"),
        ] {
            assert_eq!(url(text), (host.to_owned(), port, file.to_owned()), "{text}");
        }
    }

    #[test]
    fn faults_say_what_to_write() {
        for (text, says) in [
            ("http://boot/x", "http is not TFTP"),
            ("boot/ipxe.efi", "tftp://boot/ipxe.efi"),
            ("tftp://boot", "tftp://boot/FILE"),
            ("tftp://boot/", "tftp://boot/FILE"),
            ("tftp:///x", "tftp://HOST/FILE"),
            ("tftp://2001:db8::1/x", "tftp://[2001:db8::1]/"),
            ("tftp://[::1/x", "not closed"),
            ("tftp://[::1]69/x", "no port"),
            ("tftp://boot:0/x", "1 to 65535"),
            ("tftp://boot:65536/x", "1 to 65535"),
            ("tftp://me@boot/x", "no users"),
            ("tftp://boot/%4", "%25"),
            ("tftp://boot/%zz", "%25"),
            ("tftp://boot/a%00b", "NUL"),
            ("tftp://boot/x;mode=netascii", "netascii"),
        ] {
            let said = text.parse::<Url>().expect_err(text).to_string();
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    fn a_local_name_never_leads_elsewhere() {
        let local = |text: &str| text.parse::<Url>().expect("url").local_name();
        assert_eq!(local("tftp://h/a/b.efi").as_deref(), Some("b.efi"));
        assert_eq!(local("tftp://h/Boot\\bcd").as_deref(), Some("bcd"));
        assert_eq!(local("tftp://h/a%2Fb").as_deref(), Some("b"));
        for none in ["tftp://h/a/", "tftp://h/..", "tftp://h/a/.", "tftp://h/%ff"] {
            assert_eq!(local(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for text in ["tftp://h/a", "tftp://[::1]:1069/a/b", "tftp://[::1]/a", "tftp://h:1/a"] {
            assert_eq!(text.parse::<Url>().expect("url").to_string(), text);
        }
        let nasty: Url = "tftp://h/a%1b[2J".parse().expect("url");
        assert_eq!(nasty.to_string(), "tftp://h/a\\x1b[2J");
    }
}
