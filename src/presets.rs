//! Presets: a name and what the knobs say, as readable JSON; the factory's and the musician's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use backline_engine::folders;
use backline_files::whole::write_bytes;
use serde::{Deserialize, Serialize};

use crate::editor::dial::{ParamId, Values};
use crate::params::{BacklineParams, style_ids};

/// The version that this build writes; newer ones are read as far as they are understood.
const VERSION: u32 = 1;
/// What the factory ships.
const FACTORY: &str = include_str!("../presets/factory.json");
/// No preset is larger; what is, is none.
const MAX_BYTES: u64 = 1 << 16;

/// A preset. What it does not mention stays as it is, but for the parameters of a factory preset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// The version of the form.
    pub version: u32,
    /// What it is called.
    pub name: String,
    /// Values by parameter id, as the window shows them; a style by its id.
    pub params: BTreeMap<String, String>,
}

impl Preset {
    /// The musical parameters as they are, under a name.
    pub fn of(params: &BacklineParams, values: &Values, name: &str) -> Self {
        let text = |id: ParamId| {
            let value = values[id.index()];
            if id == ParamId::Style {
                let steps = style_ids().len().saturating_sub(1) as f32;
                style_ids().get((value * steps).round() as usize).copied().unwrap_or("auto").to_owned()
            } else {
                params.dial(id).shown(value)
            }
        };
        let kept = ParamId::ALL.into_iter().filter(|id| id.is_musical() && *id != ParamId::Seed);
        Self {
            version: VERSION,
            name: name.to_owned(),
            params: kept.map(|id| (id.id().to_owned(), text(id))).collect(),
        }
    }

    /// The normalised values that it sets; what is not understood is left out.
    pub fn values(&self, params: &BacklineParams) -> Vec<(ParamId, f32)> {
        let known = ParamId::ALL.into_iter().filter(|id| id.is_musical());
        known
            .filter_map(|id| {
                let text = self.params.get(id.id())?;
                let value = if id == ParamId::Style {
                    let place = style_ids().iter().position(|style| style == text)?;
                    place as f32 / style_ids().len().saturating_sub(1).max(1) as f32
                } else {
                    params.dial(id).typed(text)?
                };
                Some((id, value))
            })
            .collect()
    }

    /// Whether `values` are what it sets.
    pub fn matches(&self, params: &BacklineParams, values: &Values) -> bool {
        self.values(params).iter().all(|(id, value)| (values[id.index()] - value).abs() < 1.0e-3)
    }
}

/// All presets: the factory's, then the musician's by name. No two have one name: the musician's own stands for the factory's.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// The presets, and whether each is the factory's.
    pub presets: Vec<(Preset, bool)>,
    /// What went wrong, in sentences.
    pub notices: Vec<String>,
    folder: Option<PathBuf>,
}

impl Library {
    /// Of the musician's folder, which is not read yet.
    pub fn of_the_musician() -> Self {
        Self { folder: folders::presets(), ..Self::default() }
    }

    /// The factory's presets and those in `folder`. A broken file is left where it is, and a notice
    /// names it.
    pub fn in_folder(folder: Option<PathBuf>) -> Self {
        let factory: Vec<Preset> = serde_json::from_str(FACTORY).unwrap_or_default();
        let mut library =
            Self { presets: factory.into_iter().map(|p| (p, true)).collect(), notices: Vec::new(), folder };
        library.read_folder();
        library
    }

    /// Looks again: another window may have kept a preset since.
    pub fn read_again(&mut self) {
        *self = Self::in_folder(self.folder.take());
    }

    /// Takes up one of the musician's. Returns its place.
    fn take_up(&mut self, preset: Preset) -> usize {
        self.presets.retain(|(known, factory)| !factory || known.name != preset.name);
        let known = self.presets.iter().position(|(known, _)| known.name == preset.name);
        match known {
            Some(place) => self.presets[place].0 = preset,
            None => self.presets.push((preset, false)),
        }
        known.unwrap_or(self.presets.len() - 1)
    }

    fn read_folder(&mut self) {
        let Some(entries) = self.folder.as_ref().and_then(|folder| std::fs::read_dir(folder).ok()) else {
            return;
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        paths.sort();
        for path in paths {
            match read(&path) {
                Ok(preset) => {
                    self.take_up(preset);
                }
                Err(why) => self.notices.push(format!(
                    "The preset {} cannot be read ({why}), so it is left out. It stays where it is; mend or remove it.",
                    path.display()
                )),
            }
        }
    }

    /// Keeps a preset in the musician's folder; one of the same name is replaced. Returns its place in
    /// the list.
    ///
    /// # Errors
    /// A sentence on why it could not be kept; the list stays as it was.
    pub fn save(&mut self, preset: Preset) -> Result<usize, String> {
        let folder = self.folder.clone().ok_or_else(|| {
            format!("No folder for presets was found, so the preset is not kept. {}", folders::NO_HOME)
        })?;
        let not_kept = |why: String| format!("The preset is not kept: {why}");
        std::fs::create_dir_all(&folder).map_err(|e| {
            not_kept(format!("{} cannot be made ({e}). Check the folder's permissions.", folder.display()))
        })?;
        let path = place_for(&folder, &preset.name);
        let text = serde_json::to_string_pretty(&preset).map_err(|e| not_kept(e.to_string()))?;
        write_bytes(&path, text.as_bytes()).map_err(|e| not_kept(e.to_string()))?;
        Ok(self.take_up(preset))
    }

    /// Names, and whether each is the factory's.
    pub fn names(&self) -> Vec<(String, bool)> {
        self.presets.iter().map(|(preset, factory)| (preset.name.clone(), *factory)).collect()
    }
}

/// The file for a preset's name: that of the preset of this very name, or one that is not taken. Two names may come
/// to one file, by letters that files cannot have or where a system does not tell small letters from capitals.
fn place_for(folder: &Path, name: &str) -> PathBuf {
    let stem = folders::file_name(name);
    let first = folder.join(format!("{stem}.json"));
    let others = (2u32..1_000).map(|i| folder.join(format!("{stem} ({i}).json")));
    let is_free = |path: &PathBuf| !path.exists() || read(path).is_ok_and(|known| known.name == name);
    std::iter::once(first.clone()).chain(others).find(is_free).unwrap_or(first)
}

fn read(path: &Path) -> Result<Preset, String> {
    let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if size > MAX_BYTES {
        return Err("it is far too large".to_owned());
    }
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|_| "it is not a preset".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factory_is_worth_having() {
        let params = BacklineParams::default();
        let library = Library::in_folder(None);
        assert!(library.presets.len() >= 20);
        let mut seen = std::collections::BTreeSet::new();
        for (preset, _) in &library.presets {
            assert_eq!(
                preset.values(&params).len(),
                preset.params.len(),
                "{}: all is understood",
                preset.name
            );
            assert!(seen.insert(preset.name.clone()), "{} twice", preset.name);
            assert!(seen.insert(format!("{:?}", preset.params)), "{} sounds like another", preset.name);
        }
    }

    #[test]
    fn what_is_saved_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let params = BacklineParams::default();
        let mut values = params.values();
        values[ParamId::Energy.index()] = 0.9;
        values[ParamId::Style.index()] = 1.0;
        let preset = Preset::of(&params, &values, "Mine / loud");
        let mut library = Library::in_folder(Some(dir.path().join("presets")));
        let place = library.save(preset.clone()).unwrap();
        assert_eq!(library.save(preset.clone()).unwrap(), place, "saved again, it replaces itself");
        let again = Library::in_folder(Some(dir.path().join("presets")));
        assert_eq!(again.presets.last().unwrap().0, preset);
        assert!(again.presets.last().unwrap().0.matches(&params, &values));
        assert!(!preset.matches(&params, &params.values()));
    }

    #[test]
    fn no_name_stands_twice_in_the_list() {
        let dir = tempfile::tempdir().unwrap();
        let params = BacklineParams::default();
        let mut library = Library::in_folder(Some(dir.path().to_owned()));
        let count = library.presets.len();
        let name = library.presets[2].0.name.clone();
        let mut values = params.values();
        values[ParamId::Energy.index()] = 0.9;
        let mine = Preset::of(&params, &values, &name);
        let place = library.save(mine.clone()).unwrap();
        for _ in 0..2 {
            let named: Vec<_> = library.presets.iter().filter(|(known, _)| known.name == name).collect();
            assert_eq!(named, [&(mine.clone(), false)], "the musician's own is what is found");
            assert_eq!((library.presets.len(), place), (count, count - 1));
            library.read_again();
        }
    }

    #[test]
    fn names_that_come_to_one_file_are_both_kept() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("Jürgens Klänge – 日本 #1");
        let params = BacklineParams::default();
        let names = ["Größe / laut", "Größe - laut", "größe - laut", "CON", "🎹 96 %"];
        let mut library = Library::in_folder(Some(folder.clone()));
        for name in names {
            library.save(Preset::of(&params, &params.values(), name)).unwrap();
        }
        library.save(Preset::of(&params, &params.values(), "Größe - laut")).unwrap();
        // What is broken is not written over either.
        std::fs::write(folder.join("broken.json"), "{").unwrap();
        library.save(Preset::of(&params, &params.values(), "broken")).unwrap();
        let again = Library::in_folder(Some(folder));
        let mut own: Vec<&str> =
            again.presets.iter().filter(|(_, factory)| !factory).map(|(p, _)| p.name.as_str()).collect();
        own.sort_unstable();
        let mut expected = names.to_vec();
        expected.push("broken");
        expected.sort_unstable();
        assert_eq!(own, expected);
        assert_eq!(again.notices.len(), 1);
    }

    #[test]
    fn broken_files_and_folders_cost_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("a.json", "{"), ("b.json", "[]"), ("c.json", ""), ("d.json", r#"{"version":1}"#)]
        {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let good =
            r#"{"version":9,"name":"New","params":{"energy":"20 %","glow":"3","style":"zouk"},"more":1}"#;
        std::fs::write(dir.path().join("e.json"), good).unwrap();
        let library = Library::in_folder(Some(dir.path().to_owned()));
        assert_eq!(library.notices.len(), 4);
        let newer = &library.presets.last().unwrap().0;
        assert_eq!(newer.values(&BacklineParams::default()).len(), 1, "what is understood");
        // A file where the folder should be.
        let mut blocked = Library::in_folder(Some(dir.path().join("e.json")));
        let before = blocked.presets.len();
        let why = blocked.save(newer.clone()).unwrap_err();
        assert!(why.starts_with("The preset is not kept"), "{why}");
        assert_eq!(blocked.presets.len(), before);
    }
}
