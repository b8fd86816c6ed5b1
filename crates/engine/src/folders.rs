//! Where presets, clips and the taste lie: folders that last, in the musician's home.

use std::path::{Path, PathBuf};

/// Names another folder for clips.
pub const CLIPS_VARIABLE: &str = "BACKLINE_CLIPS";
/// Names another folder for presets.
pub const PRESETS_VARIABLE: &str = "BACKLINE_PRESETS";
/// Names another file for the taste.
pub const TASTE_VARIABLE: &str = "BACKLINE_TASTE";
/// What to do where no folder is found.
pub const NO_HOME: &str = if cfg!(windows) {
    "Set the variable USERPROFILE and try again."
} else {
    "Set the variable HOME and try again."
};
/// No file name is longer, in bytes: file systems take 255, and while a file is being written its name is longer.
const MAX_NAME_BYTES: usize = 160;

/// The systems whose homes are furnished differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    Unix,
    Windows,
    Macos,
}

const HERE: System = if cfg!(windows) {
    System::Windows
} else if cfg!(target_os = "macos") {
    System::Macos
} else {
    System::Unix
};

/// A home: its system, the environment's variables, and what its files say.
struct Home<V, R> {
    system: System,
    variable: V,
    /// The text of a file, if there is one.
    read: R,
}

fn here() -> Home<impl Fn(&str) -> Option<PathBuf>, impl Fn(&Path) -> Option<String>> {
    Home {
        system: HERE,
        variable: |name: &str| std::env::var_os(name).map(PathBuf::from),
        read: |path: &Path| std::fs::read_to_string(path).ok(),
    }
}

impl<V: Fn(&str) -> Option<PathBuf>, R: Fn(&Path) -> Option<String>> Home<V, R> {
    fn variable(&self, name: &str) -> Option<PathBuf> {
        (self.variable)(name).filter(|value| !value.as_os_str().is_empty())
    }

    fn home(&self) -> Option<PathBuf> {
        self.variable(if self.system == System::Windows { "USERPROFILE" } else { "HOME" })
    }

    /// Where programs keep what the musician has set.
    fn settings(&self) -> Option<PathBuf> {
        self.kept("XDG_CONFIG_HOME", ".config")
    }

    /// Where programs keep something for themselves; `named` and `usual` tell Unix where.
    fn kept(&self, named: &str, usual: &str) -> Option<PathBuf> {
        match self.system {
            System::Windows => {
                self.variable("APPDATA").or_else(|| Some(self.home()?.join("AppData").join("Roaming")))
            }
            System::Macos => Some(self.home()?.join("Library").join("Application Support")),
            System::Unix => {
                // "All paths set in these environment variables must be absolute", says the base directory
                // specification of freedesktop.org; others are to be ignored.
                let named = self.variable(named).filter(|path| path.has_root());
                named.or_else(|| Some(self.home()?.join(usual)))
            }
        }
    }

    /// The musician's folder for music, which on Linux is called what the desktop's language calls it.
    fn music(&self) -> Option<PathBuf> {
        let home = self.home()?;
        if self.system == System::Unix
            && let Some(text) = (self.read)(&self.settings()?.join("user-dirs.dirs"))
            && let Some(named) = text.lines().find_map(|line| line.trim().strip_prefix("XDG_MUSIC_DIR="))
        {
            let named = named.trim_matches('"');
            let path =
                named.strip_prefix("$HOME/").map_or_else(|| PathBuf::from(named), |inner| home.join(inner));
            // A desktop without such a folder names the home itself.
            if path.has_root() && path != home {
                return Some(path);
            }
        }
        Some(home.join("Music"))
    }

    fn clips(&self, is_folder: impl Fn(&Path) -> bool) -> Option<PathBuf> {
        self.variable(CLIPS_VARIABLE).or_else(|| {
            let music = self.music()?;
            Some(if is_folder(&music) { music.join("Backline") } else { self.home()?.join("Backline") })
        })
    }

    fn presets(&self) -> Option<PathBuf> {
        self.variable(PRESETS_VARIABLE).or_else(|| Some(self.settings()?.join("Backline").join("presets")))
    }

    fn taste(&self) -> Option<PathBuf> {
        self.variable(TASTE_VARIABLE)
            .or_else(|| Some(self.kept("XDG_DATA_HOME", ".local/share")?.join("Backline").join("taste.json")))
    }
}

/// The folder that clips are written to. It is not made here.
pub fn clips() -> Option<PathBuf> {
    here().clips(Path::is_dir)
}

/// The folder of the musician's presets. It is not made here.
pub fn presets() -> Option<PathBuf> {
    here().presets()
}

/// The file of the musician's taste. It is not made here.
pub fn taste() -> Option<PathBuf> {
    here().taste()
}

/// `name` as every system takes it for a file: no separators, no controls, no dots at its ends, not too long, and
/// not one of the names that Windows keeps for devices.
pub fn file_name(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars().take(80) {
        let c = if c.is_control() || "/\\:*?\"<>|".contains(c) { '-' } else { c };
        if safe.len() + c.len_utf8() > MAX_NAME_BYTES {
            break;
        }
        safe.push(c);
    }
    let safe = safe.trim().trim_matches('.').trim();
    let stem = safe.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device).is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    if safe.is_empty() {
        "unnamed".to_owned()
    } else if ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT") {
        format!("- {safe}")
    } else {
        safe.to_owned()
    }
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
        assert_eq!(file_name("Größe – 日本"), "Größe – 日本");
        assert!(file_name(&"🎹".repeat(80)).len() <= MAX_NAME_BYTES, "whole letters, few enough bytes");
        for device in ["con", "NUL.old", "Com1", "lpt9 .x"] {
            assert_eq!(file_name(device), format!("- {device}"));
        }
        assert_eq!(file_name("Concert, com12"), "Concert, com12");
    }

    /// A home in `system`, with these variables and one file.
    fn home<'a>(
        system: System,
        variables: &'a [(&'a str, &'a str)],
        file: (&'a str, &'a str),
    ) -> Home<impl Fn(&str) -> Option<PathBuf> + 'a, impl Fn(&Path) -> Option<String> + 'a> {
        Home {
            system,
            variable: move |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| PathBuf::from(value))
            },
            read: move |path: &Path| (path == Path::new(file.0)).then(|| file.1.to_owned()),
        }
    }

    #[test]
    fn every_system_has_its_own_places() {
        let none = ("", "");
        let path = |parts: &[&str]| Some(parts.iter().collect::<PathBuf>());
        let windows = [("USERPROFILE", "/Users/Jürgen"), ("APPDATA", "/Roaming"), ("HOME", "/msys")];
        let windows = home(System::Windows, &windows, none);
        assert_eq!(windows.presets(), path(&["/Roaming", "Backline", "presets"]));
        assert_eq!(windows.clips(|_| true), path(&["/Users/Jürgen", "Music", "Backline"]));
        assert_eq!(windows.taste(), path(&["/Roaming", "Backline", "taste.json"]));
        let bare = home(System::Windows, &[("USERPROFILE", "/U")], none);
        assert_eq!(bare.presets(), path(&["/U", "AppData", "Roaming", "Backline", "presets"]));

        let mac = home(System::Macos, &[("HOME", "/Users/日本"), ("XDG_CONFIG_HOME", "/x")], none);
        assert_eq!(
            mac.presets(),
            path(&["/Users/日本", "Library", "Application Support", "Backline", "presets"])
        );
        assert_eq!(mac.clips(|_| false), path(&["/Users/日本", "Backline"]));

        let named =
            "# made by xdg-user-dirs-update\nXDG_DESKTOP_DIR=\"$HOME/x\"\nXDG_MUSIC_DIR=\"$HOME/Musik\"\n";
        let unix = home(System::Unix, &[("HOME", "/home/j")], ("/home/j/.config/user-dirs.dirs", named));
        assert_eq!(unix.presets(), path(&["/home/j/.config/Backline/presets"]));
        assert_eq!(unix.taste(), path(&["/home/j/.local/share/Backline/taste.json"]));
        assert_eq!(unix.clips(|_| true), path(&["/home/j/Musik/Backline"]));
        assert_eq!(unix.clips(|_| false), path(&["/home/j/Backline"]), "where that folder is gone");
        let variables = [("HOME", "/h"), ("XDG_CONFIG_HOME", "relative")];
        let unnamed =
            home(System::Unix, &variables, ("/h/.config/user-dirs.dirs", "XDG_MUSIC_DIR=\"$HOME/\"\n"));
        assert_eq!(unnamed.presets(), path(&["/h/.config/Backline/presets"]), "a relative path is ignored");
        assert_eq!(unnamed.clips(|_| true), path(&["/h/Music/Backline"]));

        for system in [System::Unix, System::Windows, System::Macos] {
            let nowhere = home(system, &[("APPDATA", ""), ("HOME", "")], none);
            assert_eq!((nowhere.presets(), nowhere.clips(|_| true), nowhere.taste()), (None, None, None));
            let told =
                [(CLIPS_VARIABLE, "/c"), (PRESETS_VARIABLE, "/p"), ("HOME", "/h"), ("USERPROFILE", "/h")];
            let told = home(system, &told, none);
            assert_eq!((told.presets(), told.clips(|_| true)), (path(&["/p"]), path(&["/c"])));
        }
    }
}
