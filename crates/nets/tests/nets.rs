//! Nets give in Rust what they gave in training, and damage to them is told, not suffered.

use std::fs;
use std::path::{Path, PathBuf};

use backline_nets::{Model, NetError, Stream};
use proptest::prelude::*;
use serde::Deserialize;

/// What training saw: frames of input, and the logits for them.
#[derive(Deserialize)]
struct Golden {
    x: Vec<Vec<f32>>,
    y: Vec<Vec<f32>>,
}

fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tiny")
}

/// The folders of all nets that ship, and the tests' own.
fn folders() -> Vec<PathBuf> {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
    let mut found: Vec<PathBuf> = fs::read_dir(models)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("net.onnx").exists())
        .collect();
    found.push(tiny());
    found
}

fn hear(model: &Model, frames: &[Vec<f32>]) -> Vec<f32> {
    let mut stream = Stream::new(model);
    let chunk = stream.chunk();
    frames.chunks_exact(chunk).flat_map(|c| stream.step(&c.concat()).unwrap().to_vec()).collect()
}

#[test]
fn logits_are_those_of_training() {
    for folder in folders() {
        let model = Model::from_folder(&folder).unwrap();
        let golden: Golden = serde_json::from_slice(&fs::read(folder.join("golden.json")).unwrap()).unwrap();
        let chunks = if model.card().states.is_empty() { 1 } else { 2 };
        assert!(golden.x.len() >= chunks * model.card().chunk, "the state between chunks is part of it");
        let (heard, wanted) = (hear(&model, &golden.x), golden.y.concat());
        assert_eq!(heard.len(), wanted.len());
        let worst = heard.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-4, "{}: {worst}", folder.display());
        // Logits that hardly move would pass any bound.
        let spread = wanted.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v))
            - wanted.iter().fold(f32::INFINITY, |m, v| m.min(*v));
        assert!(spread > 1e-2, "{}: {spread}", folder.display());
    }
}

#[test]
fn a_stream_can_begin_again_and_does_not_hear_its_neighbour() {
    let model = Model::from_folder(&tiny()).unwrap();
    let chunk: Vec<f32> = (0..48u8).map(|i| f32::from(i % 7) - 3.0).collect();
    let mut stream = Stream::new(&model);
    let first = stream.step(&chunk).unwrap().to_vec();
    let second = stream.step(&chunk).unwrap().to_vec();
    assert_ne!(first, second, "the state counts");
    assert_eq!(Stream::new(&model).step(&chunk).unwrap(), first);
    stream.reset();
    assert_eq!(stream.step(&chunk).unwrap(), first);
    assert!(stream.step(&chunk[1..]).is_err());
    assert_eq!(stream.step(&chunk).unwrap(), second, "what was refused left no trace");
}

#[test]
fn heads_have_their_columns() {
    let model = Model::from_folder(&tiny()).unwrap();
    assert_eq!(model.card().columns("one"), Some(0..1));
    assert_eq!(model.card().columns("two"), Some(1..3));
    assert_eq!(model.card().columns("three"), None);
}

#[test]
fn missing_exchanged_and_damaged_nets_are_told_apart() {
    let (json, onnx) =
        (fs::read(tiny().join("net.json")).unwrap(), fs::read(tiny().join("net.onnx")).unwrap());
    let missing = Model::from_folder(Path::new("nowhere")).unwrap_err();
    assert!(matches!(missing, NetError::Unreadable { .. }), "{missing}");
    let mut bent = onnx.clone();
    bent[200] ^= 1;
    assert!(matches!(Model::from_bytes("t", &json, &bent).unwrap_err(), NetError::Checksum { .. }));
    assert!(matches!(Model::from_bytes("t", b"{}", &onnx).unwrap_err(), NetError::Card { .. }));
    // A card that promises other shapes than the net has.
    let text = String::from_utf8(json).unwrap();
    for (was, is) in [("\"width\": 2", "\"width\": 3"), ("\"features\": 6", "\"features\": 7")] {
        let card = text.replace(was, is);
        assert_ne!(card, text);
        let error = Model::from_bytes("t", card.as_bytes(), &onnx).unwrap_err();
        assert!(matches!(error, NetError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains("Put the models"), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// Whatever happened to the file, and even if its checksum was made to fit, loading it ends in a
    /// net or a sentence.
    #[test]
    fn damaged_bytes_do_no_harm(at in 0usize..4_000, value in any::<u8>(), cut in 0usize..4_000) {
        use sha2::{Digest, Sha256};
        let mut onnx = fs::read(tiny().join("net.onnx")).unwrap();
        let (at, cut) = (at % onnx.len(), cut % onnx.len());
        onnx[at] = value;
        onnx.truncate(onnx.len() - cut / 8);
        let mut card: serde_json::Value =
            serde_json::from_slice(&fs::read(tiny().join("net.json")).unwrap()).unwrap();
        let digest: String = Sha256::digest(&onnx).iter().map(|b| format!("{b:02x}")).collect();
        card["sha256"] = digest.into();
        let _ = Model::from_bytes("t", card.to_string().as_bytes(), &onnx);
    }
}
