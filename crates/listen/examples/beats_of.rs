//! Prints the beats of features made before, one JSON line for each `NAME.f32 NAME.chroma` pair of
//! arguments after `online` or `offline`: measures the bar pointer without the rest of the listener.

use backline_listen::chroma::{ChromaFrame, HOP_S};

fn floats(path: &str) -> std::io::Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let offline = args.first().is_some_and(|a| a == "offline");
    for pair in args.get(1..).unwrap_or_default().chunks_exact(2) {
        let strengths: Vec<[f32; 4]> =
            floats(&pair[0])?.chunks_exact(4).map(|f| [f[0], f[1], f[2], f[3]]).collect();
        let chroma: Vec<ChromaFrame> = floats(&pair[1])?
            .chunks_exact(25)
            .enumerate()
            .map(|(i, f)| ChromaFrame {
                time_s: i as f64 * HOP_S,
                chroma: std::array::from_fn(|k| f[k]),
                energy: f[24],
            })
            .collect();
        let heard = backline_listen::rhythm::beats_of(&strengths, &chroma, offline);
        println!("{}", serde_json::to_string(&heard)?);
    }
    Ok(())
}
