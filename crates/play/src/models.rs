//! The nets that the band plays with, as far as they are to be had.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use backline_nets::NetError;

use crate::drums::Drummer;

/// The nets that the band plays with. Where one is missing, the written grooves and the rules play alone.
#[derive(Debug, Clone, Default)]
pub struct Models {
    /// Drums.
    pub drums: Option<Arc<Drummer>>,
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
            let json = include_bytes!("../../../models/drums_net/net.json");
            let onnx = include_bytes!("../../../models/drums_net/net.onnx");
            Self::gather(Drummer::from_bytes(json, onnx))
        })
    }

    /// The nets in `folder`, which has a folder for each: `drums_net`. One that is missing or damaged is left
    /// out, and a notice says so.
    pub fn from_folder(folder: &Path) -> Self {
        Self::gather(Drummer::from_folder(&folder.join("drums_net")))
    }

    fn gather(drums: Result<Drummer, NetError>) -> Self {
        match drums {
            Ok(drummer) => Self { drums: Some(Arc::new(drummer)), notices: Vec::new() },
            Err(error) => Self {
                drums: None,
                notices: vec![format!("Backline drums by its written grooves alone: {error}")],
            },
        }
    }
}
