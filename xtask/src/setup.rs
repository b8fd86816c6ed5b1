//! The system packages that building and testing need.

use std::io::{IsTerminal, Write};

use anyhow::{Context, Result, bail};

use crate::run::{answers, command, run};

/// Debian's names. Building needs the first group, the window tests the second.
const PACKAGES: &[&str] = &[
    "pkg-config",
    "cmake",
    "g++",
    "libasound2-dev",
    "libjack-jackd2-dev",
    "libx11-dev",
    "libxcb1-dev",
    "libx11-xcb-dev",
    "libxcb-icccm4-dev",
    "libxcursor-dev",
    "libxrandr-dev",
    "libxkbcommon-dev",
    "libxkbcommon-x11-dev",
    "libgl1-mesa-dev",
    "libgl1-mesa-dri",
    "xvfb",
    "xauth",
];
/// A program of GTK's, on which the window's tests drop a clip.
const GTK_PACKAGES: &[&str] = &["python3-gi", "gir1.2-gtk-3.0"];
/// What trying out the training chain needs beside them.
const TRAINING_PACKAGES: &[&str] = &[
    "python3-venv",
    "python3-torch",
    "python3-scipy",
    "python3-mido",
    "python3-soundfile",
    "fluidsynth",
    "timgm6mb-soundfont",
];

/// Debian's Rust with the source of its standard library, for building for other systems.
const CROSS_PACKAGES: &[&str] = &["rustc-web", "cargo-web", "rust-web-src"];

/// What the packages are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Building and installing the plug-in.
    Build,
    /// Testing all of the repository, the training of the nets included.
    Test,
    /// Building for Windows, and running that.
    Windows,
    /// Checking what is compiled for macOS.
    Macos,
    /// Packing what is built.
    Package,
    /// Playing in Ardour.
    Ardour,
}

impl Purpose {
    /// Groups of Debian's names.
    fn packages(self) -> [&'static [&'static str]; 3] {
        match self {
            Self::Build => [PACKAGES, &[], &[]],
            Self::Test => [PACKAGES, TRAINING_PACKAGES, GTK_PACKAGES],
            Self::Windows => [PACKAGES, CROSS_PACKAGES, &["gcc-mingw-w64-x86-64", "wine64"]],
            // Assembly for macOS is read by clang alone.
            Self::Macos => [CROSS_PACKAGES, &["clang"], &[]],
            Self::Package => [PACKAGES, &["zstd", "zip", "unzip"], &[]],
            Self::Ardour => [PACKAGES, &["ardour", "jackd2", "jack-tools"], &[]],
        }
    }
}

/// Installs the packages that are missing for `purpose`. Asks before it uses root's rights, unless it has them
/// already or `yes` was said.
///
/// # Errors
/// The package manager fails, or the answer is no.
pub fn setup(purpose: Purpose, yes: bool) -> Result<()> {
    let packages = purpose.packages().concat();
    if !cfg!(target_os = "linux") {
        println!("setup: nothing to install on this system");
        return Ok(());
    }
    if !answers("dpkg-query", &["--version"]) || !answers("apt-get", &["--version"]) {
        println!(
            "setup: this is not a Debian-like system, so nothing was installed.\n\
             Building needs these packages under your system's names: {}",
            packages.join(" ")
        );
        return Ok(());
    }
    let installed = |package: &str| {
        let query = command("dpkg-query").args(["-W", "-f=${Status}", package]).output();
        query.is_ok_and(|o| o.stdout.ends_with(b"install ok installed"))
    };
    let missing: Vec<&str> = packages.into_iter().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        println!("setup: all system packages are there");
        return Ok(());
    }
    println!("setup: missing system packages: {}", missing.join(" "));
    let is_root = command("id").arg("-u").output().is_ok_and(|o| o.stdout.trim_ascii() == b"0");
    if !is_root && !yes && !agreed()? {
        bail!("the packages were not installed; install them yourself, then run this again");
    }
    let apt = |args: &[&str]| {
        let mut apt = if is_root {
            command("apt-get")
        } else {
            let mut sudo = command("sudo");
            sudo.arg("apt-get");
            sudo
        };
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(args);
        run(&mut apt)
    };
    apt(&["update", "-qq"])?;
    let mut args = vec!["install", "-y", "-qq", "--no-install-recommends"];
    args.extend(missing);
    apt(&args)
}

fn agreed() -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Ok(false);
    }
    print!("setup: install them with sudo apt-get? [y/N] ");
    std::io::stdout().flush().context("the question could not be shown")?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("the answer could not be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
