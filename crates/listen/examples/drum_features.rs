//! Writes what the drum classifier sees (f32, 29 a frame, 100 frames a second) for raw mono 16-bit
//! 44.1 kHz audio on standard input: `models/drums_mlp/train.py` learns from exactly these.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mono: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let frames = backline_listen::drums::training_features(&mono);
    let out: Vec<u8> = frames.iter().flatten().flat_map(|v| v.to_le_bytes()).collect();
    std::io::stdout().write_all(&out)
}
