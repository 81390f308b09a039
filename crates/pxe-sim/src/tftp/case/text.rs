//! A case as a line: `edk2 window 4 block 512 bytes 10000 loss 10 …`.

use core::fmt;
use core::str::FromStr;

use super::{Case, Fetcher};
use crate::tftp::receivers::Style;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.fetcher {
            Fetcher::Firmware(style) => {
                let named = Style::ALL.iter().find(|(known, _)| *known == style);
                named.map_or("", |(_, name)| name)
            }
            Fetcher::Ours => Fetcher::OURS,
        };
        let Self { window, block_size, bytes, loss, doubled, overtaken, delay_us, seed, .. } = self;
        write!(
            f,
            "{name} window {window} block {block_size} bytes {bytes} loss {loss} \
             doubled {doubled} overtaken {overtaken} delay {delay_us} seed {seed}"
        )?;
        for (word, value) in [
            ("mtu", self.mtu),
            ("single-port", self.single_port.then_some(1)),
            ("client-hears", self.client_hears),
            ("server-hears", self.server_hears),
        ] {
            if let Some(value) = value {
                write!(f, " {word} {value}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Case {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let mut words = line.split_whitespace();
        let name = words.next().unwrap_or_default();
        let style = Style::ALL.iter().find(|(_, known)| *known == name);
        let fetcher = match style {
            Some((style, _)) => Fetcher::Firmware(*style),
            None if name == Fetcher::OURS => Fetcher::Ours,
            None => return Err(format!("no fetcher is called {name:?}")),
        };
        let mut case = Self { fetcher, ..Self::plain() };
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            case.set(word, value).map_err(|error| format!("{word} {value:?}: {error}"))?;
        }
        Ok(case)
    }
}

impl Case {
    fn set(&mut self, word: &str, value: &str) -> Result<(), String> {
        fn number<T: FromStr<Err: fmt::Display>>(value: &str) -> Result<T, String> {
            value.parse().map_err(|error: T::Err| error.to_string())
        }
        match word {
            "window" => self.window = number(value)?,
            "block" => self.block_size = number(value)?,
            "bytes" => self.bytes = number(value)?,
            "loss" => self.loss = number(value)?,
            "doubled" => self.doubled = number(value)?,
            "overtaken" => self.overtaken = number(value)?,
            "delay" => self.delay_us = number(value)?,
            "seed" => self.seed = number(value)?,
            "mtu" => self.mtu = Some(number(value)?),
            "single-port" => self.single_port = number::<u8>(value)? != 0,
            "client-hears" => self.client_hears = Some(number(value)?),
            "server-hears" => self.server_hears = Some(number(value)?),
            _ => return Err("no such word in a case".to_owned()),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_its_line() {
        for line in [
            "u-boot window 16 block 512 bytes 76803 loss 50 doubled 20 overtaken 10 delay 1000 seed 7",
            "ours window 1 block 8 bytes 0 loss 0 doubled 0 overtaken 0 delay 40000 seed 1 \
             mtu 1300 single-port 1 client-hears 0 server-hears 9",
        ] {
            assert_eq!(line.parse::<Case>().unwrap().to_string(), line);
        }
        assert!("edk3 window 1".parse::<Case>().unwrap_err().contains("edk3"));
        assert!("edk2 windows 1".parse::<Case>().unwrap_err().contains("windows"));
        assert!("edk2 window".parse::<Case>().unwrap_err().contains("window"));
    }
}
