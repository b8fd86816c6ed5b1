//! Bundling, installing into the user's plug-in folders, and the proof that it works there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::run::{command, run, target};
use crate::setup::{Purpose, setup};

/// The CLAP's name in `target/bundled` and in the plug-in folders.
pub const CLAP: &str = "Backline.clap";
/// The VST3's name there.
pub const VST3: &str = "Backline.vst3";

/// Builds the plug-in, the command line and the test host in one go, so that what they share is
/// compiled once. Gives the arguments that chose the profile.
///
/// # Errors
/// The build fails.
pub fn build(release: bool) -> Result<Vec<String>> {
    let packages = ["backline", "backline-cli", "backline-testhost"].map(str::to_owned);
    let profile: Vec<String> = release.then(|| "--release".to_owned()).into_iter().collect();
    nice_plug_xtask::chdir_workspace_root()?;
    nice_plug_xtask::build(&packages, &profile)?;
    Ok(profile)
}

/// Builds both bundles and gives the folder that holds them.
///
/// # Errors
/// The build fails.
pub fn bundle(release: bool) -> Result<PathBuf> {
    let profile = build(release)?;
    let target = target();
    nice_plug_xtask::bundle(&target, "backline", &profile, false)?;
    let folder = target.join("bundled");
    // The command line is called like the plug-in; the bundler takes it for a standalone version.
    remove(&folder.join(format!("Backline{}", std::env::consts::EXE_SUFFIX)))?;
    for name in [CLAP, VST3] {
        if !folder.join(name).exists() {
            bail!("{name} was not made in {}", folder.display());
        }
    }
    Ok(folder)
}

/// Everything from a bare machine to a plug-in that has played.
///
/// # Errors
/// A step fails; its message says which.
pub fn install(yes: bool) -> Result<()> {
    setup(Purpose::Build, yes)?;
    let bundled = bundle(true)?;
    let folders = PluginFolders::of_user()?;
    let clap = folders.clap.join(CLAP);
    let vst3 = folders.vst3.join(VST3);
    replace(&bundled.join(CLAP), &clap)?;
    replace(&bundled.join(VST3), &vst3)?;
    println!("installed {}", clap.display());
    println!("installed {}", vst3.display());
    let built = |name: &str| target().join("release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    run(command(&built("backline-prove").to_string_lossy()).arg(&clap).arg(target().join("proof")))?;
    println!("the command line is {}", built("backline").display());
    Ok(())
}

struct PluginFolders {
    clap: PathBuf,
    vst3: PathBuf,
}

impl PluginFolders {
    /// Where each system's hosts look for a user's own plug-ins.
    fn of_user() -> Result<Self> {
        let home = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).with_context(|| {
                format!("the variable {name} is not set, so your plug-in folders are unknown: set it and run this again")
            })
        };
        Ok(if cfg!(target_os = "macos") {
            let plugins = home("HOME")?.join("Library/Audio/Plug-Ins");
            Self { clap: plugins.join("CLAP"), vst3: plugins.join("VST3") }
        } else if cfg!(windows) {
            let common = home("LOCALAPPDATA")?.join("Programs/Common");
            Self { clap: common.join("CLAP"), vst3: common.join("VST3") }
        } else {
            let home = home("HOME")?;
            Self { clap: home.join(".clap"), vst3: home.join(".vst3") }
        })
    }
}

/// Puts `from` (a file or a folder) in the place of `to`. The new one is complete beside the old one
/// before the old one goes, so that a failure leaves a working plug-in.
fn replace(from: &Path, to: &Path) -> Result<()> {
    let folder = to.parent().context("a plug-in folder has a parent")?;
    let attempt = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        let mut name = to.file_name().unwrap_or_default().to_os_string();
        name.push(".new");
        let new = folder.join(name);
        remove(&new)?;
        copy(from, &new)?;
        remove(to)?;
        fs::rename(&new, to)
    };
    attempt().with_context(|| {
        format!("{} could not be installed: check that you may write to {}", to.display(), folder.display())
    })
}

/// Takes a file or a folder away, if it is there.
///
/// # Errors
/// The system refuses.
pub fn remove(path: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Copies a file, or a folder with all that is in it.
///
/// # Errors
/// The system refuses.
pub fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        return fs::copy(from, to).map(|_| ());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
