//! Keeps tract from running another program inside the host.

/// Lets tract learn the sizes of the processor's caches, once, before the first net runs.
///
/// On Windows tract 0.23.9 asks `wmic` for them, with [`std::process::Command`]: a console window that flashes up over the host, a
/// second or more of waiting, and under Wine on a busy machine now and then a hang (nothing more came through the pipe from `wmic`). It does
/// without where there is no such program, so for that moment the search path leads past it. Elsewhere it reads files.
pub fn learn_without_wmic() {
    #[cfg(windows)]
    {
        use std::sync::Once;
        static LEARNT: Once = Once::new();
        LEARNT.call_once(|| {
            let path = std::env::var_os("PATH");
            if let Some(shorter) = path.as_deref().and_then(without_wbem) {
                set_path(&shorter);
            }
            let _ = tract_onnx::tract_core::tract_linalg::cache::cache_info();
            if let Some(path) = &path {
                set_path(path);
            }
        });
    }
}

/// The folders of a search path but that of Windows' management tools, from which no program or library of a host comes.
#[cfg(any(windows, test))]
fn without_wbem(path: &std::ffi::OsStr) -> Option<std::ffi::OsString> {
    let wbem = |folder: &std::path::PathBuf| {
        folder.file_name().is_some_and(|name| name.eq_ignore_ascii_case("wbem"))
    };
    std::env::join_paths(std::env::split_paths(path).filter(|folder| !wbem(folder))).ok()
}

#[cfg(windows)]
fn set_path(path: &std::ffi::OsStr) {
    // SAFETY: on Windows the system guards its environment, and any thread may change it.
    #[allow(unsafe_code)]
    unsafe {
        std::env::set_var("PATH", path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_management_tools_are_left_out() {
        let of = |names: &[&str]| std::env::join_paths(names.iter().map(std::path::Path::new)).unwrap();
        let path = of(&["system32", "windows", "system32/Wbem", "system32/wbem/", "wbem tools"]);
        assert_eq!(without_wbem(&path), Some(of(&["system32", "windows", "wbem tools"])));
    }
}
