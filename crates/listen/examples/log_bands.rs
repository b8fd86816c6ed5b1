//! Writes what the rhythm net hears (f32, 50 frames a second) beside each file of raw mono 16-bit 44.1 kHz audio
//! that is named on a line of standard input: `NAME.raw` gives `NAME.bands`. Prints the values in a frame.

use std::io::BufRead;

fn main() -> std::io::Result<()> {
    println!("{}", backline_listen::logbands::bands());
    for line in std::io::stdin().lock().lines() {
        let path = std::path::PathBuf::from(line?);
        let bytes = std::fs::read(&path)?;
        let mono: Vec<f32> =
            bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
        let frames = backline_listen::logbands::features(&mono);
        let out: Vec<u8> = frames.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(path.with_extension("bands"), out)?;
    }
    Ok(())
}
