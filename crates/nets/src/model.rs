//! A net that was loaded and checked, ready to be run any number of times.

use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tract_onnx::prelude::*;

use crate::stream::Stream;
use crate::{Card, NetError, caches, sane};

/// The largest file that is read as a net: ours are below 5 MB.
const MOST_BYTES: u64 = 64 << 20;

/// A net, checked and optimised. Cheap to share: streams hold their own state.
pub struct Model {
    card: Card,
    pub(crate) plan: Arc<TypedRunnableModel>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("card", &self.card).finish_non_exhaustive()
    }
}

impl Model {
    /// Loads the net of the bytes `onnx` that the card `json` describes.
    ///
    /// # Errors
    /// The card is damaged, the net is not the one it speaks of, or it cannot be run.
    pub fn from_bytes(name: &str, json: &[u8], onnx: &[u8]) -> Result<Self, NetError> {
        let card = Card::parse(name, json)?;
        let digest: String = Sha256::digest(onnx).iter().map(|byte| format!("{byte:02x}")).collect();
        if !digest.eq_ignore_ascii_case(&card.sha256) {
            return Err(NetError::Checksum { net: name.to_owned() });
        }
        caches::learn_without_wmic();
        let unusable = |why: String| NetError::Unusable { net: name.to_owned(), why };
        // What was made to fit its checksum can still be no net, and the library panics at some of those.
        let tried = std::panic::catch_unwind(|| {
            let plan = optimised(&card, onnx).map_err(|e| format!("{e:#}"))?;
            let model = Self { card, plan };
            // The first run makes what later runs use; it also shows that the shapes are as the card says.
            let mut trial = Stream::new(&model);
            let silence = vec![0.0; model.card.chunk * model.card.features];
            trial.step(&silence).map_err(|e| e.to_string())?;
            Ok(model)
        });
        tried.unwrap_or_else(|_| Err("it is no net".to_owned())).map_err(unusable)
    }

    /// Loads the net in `folder`: its `net.onnx` and `net.json`.
    ///
    /// # Errors
    /// As [`Model::from_bytes`], or a file cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Self, NetError> {
        let name = folder.file_name().map_or_else(|| "?".into(), |n| n.to_string_lossy().into_owned());
        let (json, onnx) = read_folder(folder)?;
        Self::from_bytes(&name, &json, &onnx)
    }

    /// The net's description.
    pub fn card(&self) -> &Card {
        &self.card
    }
}

/// The bytes of the net in `folder`: its `net.json` and its `net.onnx`.
///
/// # Errors
/// A file cannot be read, or is far too large.
pub fn read_folder(folder: &Path) -> Result<(Vec<u8>, Vec<u8>), NetError> {
    Ok((read(&folder.join("net.json"))?, read(&folder.join("net.onnx"))?))
}

fn read(file: &Path) -> Result<Vec<u8>, NetError> {
    let unreadable = |why: String| NetError::Unreadable { file: file.display().to_string(), why };
    let about = std::fs::metadata(file).map_err(|e| unreadable(e.to_string()))?;
    if !about.is_file() || about.len() > MOST_BYTES {
        return Err(unreadable("it is no file of a sensible size".to_owned()));
    }
    std::fs::read(file).map_err(|e| unreadable(e.to_string()))
}

fn optimised(card: &Card, onnx: &[u8]) -> TractResult<Arc<TypedRunnableModel>> {
    let library = tract_onnx::onnx();
    let proto = library.proto_model_for_read(&mut std::io::Cursor::new(onnx))?;
    sane::check(&proto)?;
    let mut model = library.model_for_proto_model(&proto)?;
    let shapes = std::iter::once(vec![1, card.chunk, card.features]).chain(card.states.iter().cloned());
    let inputs = model.input_outlets()?.len();
    if inputs != 1 + card.states.len() {
        return Err(TractError::msg(format!(
            "it takes {inputs} inputs, where its description has {}",
            1 + card.states.len()
        )));
    }
    for (i, shape) in shapes.enumerate() {
        model = model.with_input_fact(i, f32::fact(shape.as_slice()).into())?;
    }
    model.into_optimized()?.into_runnable()
}
