//! The plug-in as hosts find it: the library that cargo has just built, in the folders of each format.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use backline_testhost::{Clap, Host, Vst3, plugin_library};

/// One folder for all runs: each test is a process of its own, and what the processes left behind would fill disks.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bundles");
    let library = plugin_library();
    let arch = folder.join("Backline.vst3/Contents").join(vst3_arch());
    std::fs::create_dir_all(&arch).unwrap();
    let name = if cfg!(target_os = "windows") { "Backline.vst3" } else { "Backline.so" };
    place(&library, &folder.join("backline.clap"), |from, to| {
        std::fs::hard_link(from, to).or_else(|_| std::fs::copy(from, to).map(drop))
    });
    // A file of its own, as it is installed: two names of one file are one library to a process.
    place(&library, &arch.join(name), |from, to| {
        std::fs::copy(from, to)?;
        let time = std::fs::metadata(from)?.modified()?;
        std::fs::File::options().append(true).open(to)?.set_modified(time)
    });
    folder
});

/// Puts `library` at `path`, in one step, since tests that run at the same time load what is there.
fn place(library: &Path, path: &Path, put: impl Fn(&Path, &Path) -> std::io::Result<()>) {
    let seen = |path: &Path| std::fs::metadata(path).and_then(|m| Ok((m.len(), m.modified()?))).ok();
    if seen(path) == seen(library) {
        return;
    }
    let own = path.with_extension(std::process::id().to_string());
    put(library, &own).unwrap();
    std::fs::rename(&own, path).unwrap();
}

fn vst3_arch() -> String {
    let os = if cfg!(target_os = "windows") { "win" } else { std::env::consts::OS };
    format!("{}-{os}", std::env::consts::ARCH)
}

/// The CLAP, loaded.
pub fn load_clap() -> Clap {
    Clap::new(&FOLDER.join("backline.clap"))
}

/// The VST3, loaded.
pub fn load_vst3() -> Vst3 {
    Vst3::new(&FOLDER.join("Backline.vst3"))
}

/// One of each format, with its name.
pub fn hosts() -> Vec<(&'static str, Box<dyn Host>)> {
    vec![("clap", load(Format::Clap)), ("vst3", load(Format::Vst3))]
}

/// The formats.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    Clap,
    Vst3,
}

/// The plug-in in a format, loaded.
pub fn load(format: Format) -> Box<dyn Host> {
    match format {
        Format::Clap => Box::new(load_clap()),
        Format::Vst3 => Box::new(load_vst3()),
    }
}
