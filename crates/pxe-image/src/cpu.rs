//! Processor architectures of operating systems.

use core::fmt;

/// Which processors something runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Cpu {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X64,
    /// 32-bit ARM.
    Arm32,
    /// 64-bit ARM.
    Arm64,
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit LoongArch.
    Loong64,
    /// 64-bit POWER, little-endian.
    Ppc64,
    /// IBM Z.
    S390x,
}

impl Cpu {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::X86,
        Self::X64,
        Self::Arm32,
        Self::Arm64,
        Self::Riscv64,
        Self::Loong64,
        Self::Ppc64,
        Self::S390x,
    ];

    /// Its name in rules and menus: `x86`, `x64`, `arm32`, `arm64`, `riscv64`, `loong64`, `ppc64`, `s390x`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::X86 => "x86",
            Self::X64 => "x64",
            Self::Arm32 => "arm32",
            Self::Arm64 => "arm64",
            Self::Riscv64 => "riscv64",
            Self::Loong64 => "loong64",
            Self::Ppc64 => "ppc64",
            Self::S390x => "s390x",
        }
    }

    /// From that name, or from one that distributions use (`amd64`, `x86_64`, `i386`, `aarch64`, …).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "x86" | "i386" | "i486" | "i586" | "i686" | "ia32" => Self::X86,
            "x64" | "amd64" | "x86_64" | "x86-64" => Self::X64,
            "arm32" | "arm" | "armhf" | "armv7" | "armhfp" => Self::Arm32,
            "arm64" | "aarch64" | "aa64" => Self::Arm64,
            "riscv64" => Self::Riscv64,
            "loong64" | "loongarch64" => Self::Loong64,
            "ppc64" | "ppc64le" | "ppc64el" => Self::Ppc64,
            "s390x" => Self::S390x,
            _ => return None,
        })
    }
}

impl fmt::Display for Cpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Cpu;

    #[test]
    fn every_name_is_read_back() {
        for cpu in Cpu::ALL {
            assert_eq!(Cpu::from_name(cpu.name()), Some(cpu));
        }
        assert_eq!(Cpu::from_name("aarch64"), Some(Cpu::Arm64));
        assert_eq!(Cpu::from_name("vax"), None);
    }
}
