//! Programs that judge and measure what we make, or make what we are judged on.

use super::{Need, Present};

/// Programs of PostgreSQL: Debian keeps those of each version in a folder of their own.
pub(crate) const POSTGRESQL_FILES: &[&str] = &[
    "/usr/lib/postgresql/18/bin/initdb",
    "/usr/lib/postgresql/17/bin/initdb",
    "/usr/lib/postgresql/16/bin/initdb",
    "/usr/lib/postgresql/15/bin/initdb",
    "/usr/lib/postgresql/14/bin/initdb",
    "/usr/lib/postgresql/13/bin/initdb",
    "/usr/bin/initdb",
    "/usr/local/bin/initdb",
];
pub(crate) const POSTGRESQL: Need = Need {
    what: "PostgreSQL, for tests that start a server of their own",
    present: Present::File(POSTGRESQL_FILES),
    packages: [&["postgresql"], &["postgresql-server"], &["postgresql"], &["postgresql-server"]],
};

/// It looks at the menus that are made for GRUB.
pub(crate) const GRUB_SCRIPT_CHECK: Need = Need {
    what: "GRUB's checker of its configuration",
    present: Present::Programs(&["grub-script-check"]),
    packages: [&["grub-common"], &["grub2-tools-minimal"], &["grub"], &["grub2"]],
};

pub(crate) const PROMTOOL: Need = Need {
    what: "promtool, which reads metrics and alert rules as Prometheus does",
    present: Present::Programs(&["promtool"]),
    packages: [&["prometheus"], &["golang-github-prometheus"], &["prometheus"], &[]],
};

pub(crate) const CHROMIUM: Need = Need {
    what: "Chromium and its driver",
    present: Present::Programs(&["chromium", "chromedriver"]),
    packages: [
        &["chromium", "chromium-driver"],
        &["chromium", "chromedriver"],
        &["chromium"],
        &["chromium", "chromedriver"],
    ],
};

/// What makes a virtual environment able to install: Debian keeps it apart from Python.
const PYTHON_VENV_FILES: &[&str] = &[
    "/usr/lib/python3.11/ensurepip/__init__.py",
    "/usr/lib/python3.12/ensurepip/__init__.py",
    "/usr/lib/python3.13/ensurepip/__init__.py",
    "/usr/lib/python3.14/ensurepip/__init__.py",
];
pub(crate) const PYTHON_VENV: Need = Need {
    what: "Python with venv, for checkers of the page and its API",
    present: Present::File(PYTHON_VENV_FILES),
    packages: [&["python3-venv"], &["python3"], &["python"], &["python3"]],
};

pub(crate) const IMAGES: Need = Need {
    what: "programs that make and read images, to try the readers on",
    present: Present::Programs(&["xorriso", "genisoimage", "mkudffs", "udfclient", "7z"]),
    packages: [
        &["xorriso", "genisoimage", "udftools", "udfclient", "p7zip-full"],
        &["xorriso", "genisoimage", "udftools", "p7zip-plugins"],
        &["libisoburn", "cdrtools", "udftools", "7zip"],
        &["xorriso", "mkisofs", "udftools", "7zip"],
    ],
};

pub(crate) const PACKERS: Need = Need {
    what: "programs that pack initrds",
    present: Present::Programs(&["gzip", "xz", "zstd", "lz4"]),
    packages: [
        &["gzip", "xz-utils", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
        &["gzip", "xz", "zstd", "lz4"],
    ],
};

pub(crate) const DEBOOTSTRAP: Need = Need {
    what: "debootstrap, and what makes Debian packages",
    present: Present::Programs(&["debootstrap", "dpkg-shlibdeps", "nsenter"]),
    packages: [
        &["debootstrap", "dpkg-dev", "util-linux"],
        &["debootstrap"],
        &["debootstrap"],
        &["debootstrap"],
    ],
};

pub(crate) const CXX: Need = Need {
    what: "a C++ compiler, for libFuzzer",
    present: Present::Programs(&["c++"]),
    packages: [&["g++"], &["gcc-c++"], &["gcc"], &["gcc-c++"]],
};
pub(crate) const PODMAN: Need = Need {
    what: "podman, which builds and runs containers",
    present: Present::Programs(&["podman"]),
    packages: [&["podman"], &["podman"], &["podman"], &["podman"]],
};
pub(crate) const LINTIAN: Need = Need {
    what: "lintian, Debian's checker of packages",
    present: Present::Programs(&["lintian"]),
    packages: [&["lintian"], &[], &[], &["lintian"]],
};
