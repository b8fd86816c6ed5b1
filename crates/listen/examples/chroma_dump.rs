//! Reads raw mono 16-bit audio at 44,100 Hz on standard input and writes its chroma frames as 32-bit floats: 24 values a
//! frame, bass and treble, each from C. `models/harmony_hmm/prepare_rendered.py` learns from what it writes.

use std::io::{Read, Write};

use backline_listen::chroma::ChromaExtractor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mono: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let mut extractor = ChromaExtractor::new();
    extractor.push(&mono);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for frame in extractor.frames() {
        for i in 0..24 {
            out.write_all(&frame.chroma[i / 12 * 12 + (i % 12 + 3) % 12].to_le_bytes())?;
        }
    }
    Ok(())
}
