//! Writes the chroma frames (f32, 24 and the energy, one every 2,048 samples) for raw mono 16-bit 44.1 kHz
//! audio on standard input: `models/rhythm_hmm/train_changes.py` learns where chords change from these.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mono: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let mut extractor = backline_listen::chroma::ChromaExtractor::new();
    extractor.push(&mono);
    let numbers = extractor.frames().iter().flat_map(backline_listen::chroma::ChromaFrame::numbers);
    let out: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
    std::io::stdout().write_all(&out)
}
