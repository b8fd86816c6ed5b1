//! The plug-in as hosts find it: the library that cargo has just built, in the folders of each format.

use std::path::PathBuf;
use std::sync::LazyLock;

use backline_testhost::{Clap, Vst3};

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let library = library();
    std::fs::copy(&library, folder.path().join("backline.clap")).unwrap();
    let arch = folder.path().join("Backline.vst3/Contents").join(vst3_arch());
    std::fs::create_dir_all(&arch).unwrap();
    let name = if cfg!(target_os = "windows") { "Backline.vst3" } else { "Backline.so" };
    std::fs::copy(&library, arch.join(name)).unwrap();
    folder
});

/// The library beside the test itself. Cargo builds it, in the same profile, before the test; the one
/// a folder up is only renewed by `cargo build`, and may be old.
fn library() -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    let name = format!("{}backline{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = exe.parent().unwrap().join(name);
    assert!(library.exists(), "{} is missing: run the tests through cargo", library.display());
    library
}

fn vst3_arch() -> String {
    let os = if cfg!(target_os = "windows") { "win" } else { std::env::consts::OS };
    format!("{}-{os}", std::env::consts::ARCH)
}

/// The CLAP, loaded.
pub fn load_clap() -> Clap {
    Clap::new(&FOLDER.path().join("backline.clap"))
}

/// The VST3, loaded.
pub fn load_vst3() -> Vst3 {
    Vst3::new(&FOLDER.path().join("Backline.vst3"))
}
