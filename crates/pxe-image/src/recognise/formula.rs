//! How much memory something needs: a sum of MiB and of sizes of files, as in `2*image + 1024`.

/// A sum.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Formula(Vec<Term>);

#[derive(Clone, Debug, PartialEq)]
struct Term {
    factor: f64,
    /// Whose size; `None` for one MiB.
    of: Option<String>,
}

const MIB: f64 = 1_048_576.0;

impl Formula {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let term = |text: &str| {
            let (factor, of) = match text.split_once('*') {
                Some((factor, of)) => (factor.trim(), Some(of.trim())),
                None if text.trim().starts_with(|c: char| c.is_ascii_digit()) => {
                    (text.trim(), None)
                }
                None => ("1", Some(text.trim())),
            };
            let wanted = "expected a sum as in `2*image + 1024` (MiB)";
            let factor = factor.parse::<f64>().ok().filter(|it| (0.0..=1e9).contains(it));
            let factor = factor.ok_or_else(|| format!("{wanted}, found {text:?}"))?;
            let is_name = |of: &str| of.starts_with(|c: char| c.is_ascii_alphabetic());
            if of.is_some_and(|of| !is_name(of)) {
                return Err(wanted.to_owned());
            }
            Ok(Term { factor, of: of.map(str::to_owned) })
        };
        text.split('+').map(term).collect::<Result<_, _>>().map(Self)
    }

    /// The names of files in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|term| term.of.as_deref())
    }

    /// In MiB, rounded up; `None` if a size is not known.
    pub(super) fn mib(&self, size: impl Fn(&str) -> Option<u64>) -> Option<u32> {
        let mut sum = 0.0;
        for term in &self.0 {
            sum += match &term.of {
                Some(name) => term.factor * size(name)? as f64 / MIB,
                None => term.factor,
            };
        }
        // Above what fits, the largest number.
        Some(sum.ceil() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up() {
        let formula = Formula::parse("2*image + 1024").expect("a formula");
        assert_eq!(formula.mib(|_| Some(3 << 20)), Some(1030));
        assert_eq!(formula.mib(|_| None), None);
        assert_eq!(Formula::parse("1.5*squashfs").expect("one").mib(|_| Some(1)), Some(1));
        assert_eq!(Formula::parse("512").expect("one").mib(|_| None), Some(512));
        for wrong in ["", "x*y", "1e99*image", "-5", "2*"] {
            assert!(Formula::parse(wrong).is_err(), "{wrong}");
        }
    }
}
