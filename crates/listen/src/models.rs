//! The nets that the listener hears with, as far as they are to be had.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use backline_nets::{Model, NetError};

/// Names the folder that the nets are taken from, in place of the built-in ones.
const FOLDER_VARIABLE: &str = "BACKLINE_MODELS";

/// A built-in net: its card and its ONNX file.
type Bytes = (&'static [u8], &'static [u8]);
const RHYTHM: Option<Bytes> = Some((
    include_bytes!("../../../models/rhythm_net/net.json"),
    include_bytes!("../../../models/rhythm_net/net.onnx"),
));
const RHYTHM_OFFLINE: Option<Bytes> = Some((
    include_bytes!("../../../models/rhythm_offline_net/net.json"),
    include_bytes!("../../../models/rhythm_offline_net/net.onnx"),
));
const BARS: Option<Bytes> = Some((
    include_bytes!("../../../models/bars_net/net.json"),
    include_bytes!("../../../models/bars_net/net.onnx"),
));
const HARMONY: Option<Bytes> = Some((
    include_bytes!("../../../models/harmony_net/net.json"),
    include_bytes!("../../../models/harmony_net/net.onnx"),
));
const HARMONY_OFFLINE: Option<Bytes> = Some((
    include_bytes!("../../../models/harmony_offline_net/net.json"),
    include_bytes!("../../../models/harmony_offline_net/net.onnx"),
));

/// The nets that the listener hears with. Where one is missing, the rules hear in its place.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Beats, bars and drums.
    pub rhythm: Option<Arc<Model>>,
    /// Beats, bars and drums of a recording: a second look at what `rhythm` said.
    pub rhythm_offline: Option<Arc<Model>>,
    /// Which beat is the first of its bar.
    pub bars: Option<Arc<Model>>,
    /// Chords and keys of a stream.
    pub harmony: Option<Arc<Model>>,
    /// Chords and keys of a recording, heard in both directions.
    pub harmony_offline: Option<Arc<Model>>,
    /// A sentence for each net that should be there and cannot be used.
    pub notices: Vec<String>,
}

impl Models {
    /// No nets: the rules hear alone.
    pub fn none() -> Self {
        Self::default()
    }

    /// The nets that are part of the program, loaded once.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Models> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let load = |name: &str, bytes: Option<Bytes>| {
                bytes.map(|(json, onnx)| Model::from_bytes(name, json, onnx))
            };
            Self::gather(
                load("rhythm", RHYTHM),
                load("rhythm_offline", RHYTHM_OFFLINE),
                load("bars", BARS),
                load("harmony", HARMONY),
                load("harmony_offline", HARMONY_OFFLINE),
            )
        })
    }

    /// The nets in `folder`, which has a folder for each: `rhythm_net`, `rhythm_offline_net`, `bars_net`, `harmony_net`,
    /// `harmony_offline_net`. One that is missing or damaged is left out, and a notice says so.
    pub fn from_folder(folder: &Path) -> Self {
        let load = |name: &str| Some(Model::from_folder(&folder.join(name)));
        Self::gather(
            load("rhythm_net"),
            load("rhythm_offline_net"),
            load("bars_net"),
            load("harmony_net"),
            load("harmony_offline_net"),
        )
    }

    /// The nets in the folder that the environment's `BACKLINE_MODELS` names, or else the built-in ones.
    pub fn installed() -> Self {
        match std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
            Some(folder) => Self::from_folder(Path::new(&folder)),
            None => Self::built_in().clone(),
        }
    }

    fn gather(
        rhythm: Option<Result<Model, NetError>>,
        rhythm_offline: Option<Result<Model, NetError>>,
        bars: Option<Result<Model, NetError>>,
        harmony: Option<Result<Model, NetError>>,
        harmony_offline: Option<Result<Model, NetError>>,
    ) -> Self {
        let mut notices = Vec::new();
        let mut usable = |loaded: Option<Result<Model, NetError>>, name: &str, hears: &str| {
            // A whole net under another's name is as good as none.
            let loaded = loaded?.and_then(|model| match model.card().name.as_str() {
                own if own == name => Ok(model),
                _ => Err(NetError::Checksum { net: name.to_owned() }),
            });
            loaded
                .map_err(|error| {
                    notices.push(format!("Backline hears {hears} by its simpler rules: {error}"))
                })
                .ok()
                .map(Arc::new)
        };
        let rhythm = usable(rhythm, "rhythm", "beats and drums");
        let rhythm_offline = usable(rhythm_offline, "rhythm_offline", "the beats and drums of recordings");
        let bars = usable(bars, "bars", "the beats of bars");
        let harmony = usable(harmony, "harmony", "chords and keys");
        let harmony_offline = usable(harmony_offline, "harmony_offline", "the chords and keys of recordings");
        Self { rhythm, rhythm_offline, bars, harmony, harmony_offline, notices }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_nets_are_whole() {
        let built_in = Models::built_in();
        assert_eq!(built_in.notices, Vec::<String>::new());
        assert_eq!(built_in.rhythm.is_some(), RHYTHM.is_some());
        assert_eq!(built_in.rhythm_offline.is_some(), RHYTHM_OFFLINE.is_some());
        assert_eq!(built_in.bars.is_some(), BARS.is_some());
        assert_eq!(built_in.harmony.is_some(), HARMONY.is_some());
        assert_eq!(built_in.harmony_offline.is_some(), HARMONY_OFFLINE.is_some());
    }

    #[test]
    fn nets_that_are_missing_are_named() {
        let models = Models::from_folder(Path::new("nowhere"));
        assert!(models.rhythm.is_none() && models.rhythm_offline.is_none());
        assert!(models.harmony.is_none() && models.harmony_offline.is_none());
        assert_eq!(models.notices.len(), 5);
        for (notice, names) in models.notices.iter().zip([
            "beats and drums by",
            "beats and drums of recordings",
            "the beats of bars",
            "chords and keys by",
            "chords and keys of recordings",
        ]) {
            assert!(notice.contains(names), "{notice}");
        }
    }
}
