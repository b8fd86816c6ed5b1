//! Where presets and clips lie: folders that last, in the musician's home.

use std::path::PathBuf;

/// Names another folder for clips.
pub const CLIPS_VARIABLE: &str = "BACKLINE_CLIPS";
/// Names another folder for presets.
pub const PRESETS_VARIABLE: &str = "BACKLINE_PRESETS";

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    variable("HOME").or_else(|| variable("USERPROFILE"))
}

/// The folder that clips are written to. It is not made here.
pub fn clips() -> Option<PathBuf> {
    variable(CLIPS_VARIABLE).or_else(|| {
        let home = home()?;
        let music = home.join("Music");
        Some(if music.is_dir() { music.join("Backline") } else { home.join("Backline") })
    })
}

/// The folder of the musician's presets. It is not made here.
pub fn presets() -> Option<PathBuf> {
    variable(PRESETS_VARIABLE).or_else(|| {
        let config = if cfg!(windows) {
            variable("APPDATA")?
        } else if cfg!(target_os = "macos") {
            home()?.join("Library/Application Support")
        } else {
            variable("XDG_CONFIG_HOME").or_else(|| Some(home()?.join(".config")))?
        };
        Some(config.join("Backline").join("presets"))
    })
}

/// `name` as every system takes it for a file: no separators, no controls, no dots at its ends.
pub fn file_name(name: &str) -> String {
    let safe: String = name
        .chars()
        .map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c })
        .take(80)
        .collect();
    let safe = safe.trim().trim_matches('.').trim();
    if safe.is_empty() { "unnamed".to_owned() } else { safe.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_every_system() {
        assert_eq!(file_name("F#m / A: \"late\"?"), "F#m - A- -late--");
        assert_eq!(file_name("../.."), "-");
        assert_eq!(file_name(" . "), "unnamed");
        assert_eq!(file_name(&"x".repeat(300)).len(), 80);
    }
}
