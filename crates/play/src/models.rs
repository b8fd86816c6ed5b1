//! The nets that the band plays with, as far as they are to be had.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use backline_nets::{Model, NetError};

use crate::anticipate::continuation;
use crate::comping::Comper;
use crate::drums::Drummer;

/// The nets that the band plays with. Where one is missing, the written grooves and the rules play alone.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Drums.
    pub drums: Option<Arc<Drummer>>,
    /// When the chords are struck, and how long they sound.
    pub comping: Option<Arc<Comper>>,
    /// How songs go on: the chord that the next bar begins with.
    pub progression: Option<Arc<Model>>,
    /// A sentence for each net that should be there and cannot be used.
    pub notices: Vec<String>,
}

impl Models {
    /// No nets: what is written in the styles, and the rules.
    pub fn none() -> Self {
        Self::default()
    }

    /// The nets that are part of the program, loaded once.
    pub fn built_in() -> &'static Self {
        static BUILT_IN: OnceLock<Models> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            macro_rules! net {
                ($folder:literal, $file:literal) => {
                    include_bytes!(concat!("../../../models/", $folder, "/", $file))
                };
            }
            Self::gather(
                Drummer::from_bytes(net!("drums_net", "net.json"), net!("drums_net", "net.onnx")),
                Comper::from_bytes(net!("comping_net", "net.json"), net!("comping_net", "net.onnx")),
                Model::from_bytes(
                    "progression",
                    net!("progression_net", "net.json"),
                    net!("progression_net", "net.onnx"),
                ),
            )
        })
    }

    /// The nets in `folder`, which has a folder for each: `drums_net`, `comping_net`, `progression_net`. One that is
    /// missing or damaged is left out, and a notice says so.
    pub fn from_folder(folder: &Path) -> Self {
        let drums = Drummer::from_folder(&folder.join("drums_net"));
        let comping = Comper::from_folder(&folder.join("comping_net"));
        Self::gather(drums, comping, Model::from_folder(&folder.join("progression_net")))
    }

    fn gather(
        drums: Result<Drummer, NetError>,
        comping: Result<Comper, NetError>,
        progression: Result<Model, NetError>,
    ) -> Self {
        let mut notices = Vec::new();
        let drums = drums.map_err(|error| {
            notices.push(format!("Backline drums by its written grooves alone: {error}"));
        });
        let comping = comping.map_err(|error| {
            notices.push(format!("Backline comps by its written rhythms alone: {error}"));
        });
        let progression = progression.and_then(continuation::fitting).map_err(|error| {
            notices.push(format!("Backline expects harmony by what it heard before alone: {error}"));
        });
        Self {
            drums: drums.ok().map(Arc::new),
            comping: comping.ok().map(Arc::new),
            progression: progression.ok().map(Arc::new),
            notices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_nets_are_whole() {
        let built_in = Models::built_in();
        assert_eq!(built_in.notices, Vec::<String>::new());
        assert!(built_in.drums.is_some() && built_in.comping.is_some() && built_in.progression.is_some());
    }

    #[test]
    fn nets_that_are_missing_or_another_are_named() {
        let models = Models::from_folder(Path::new("nowhere"));
        assert!(models.drums.is_none() && models.comping.is_none() && models.progression.is_none());
        assert!(models.notices[0].contains("drums by its written grooves"), "{}", models.notices[0]);
        assert!(models.notices[1].contains("comps by its written"), "{}", models.notices[1]);
        assert!(models.notices[2].contains("expects harmony"), "{}", models.notices[2]);
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
        assert!(Drummer::from_folder(&shipped.join("progression_net")).is_err());
        assert!(Comper::from_folder(&shipped.join("drums_net")).is_err());
        let drums = Model::from_folder(&shipped.join("drums_net")).unwrap();
        assert!(continuation::fitting(drums).is_err());
    }
}
