//! Prints the beats of features made before: measures the bar pointer without the rest of the listener.
//!
//! `beats_of online|offline FILE…`: a JSON line for each `NAME.f32` (onset strengths, as `rhythm_features` writes
//! them), with `NAME.chroma` (`chroma_features`) and `NAME.said` (what the net said: logits of beat, downbeat, five
//! strokes and onset, probabilities of the metres) beside it where they are; and `NAME.rows` (`rhythm_rows`),
//! of what the stream's net said, by which the bars are counted and the octave is judged, and where there is no `NAME.said` the beats found.

use backline_listen::Models;
use backline_listen::chroma::ChromaFrame;
use backline_listen::rhythm::hindsight::said_of;
use backline_listen::rhythm::net::frames_said;

fn floats(path: &str) -> std::io::Result<Vec<f32>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let offline = args.first().is_some_and(|a| a == "offline");
    for name in args.get(1..).unwrap_or_default() {
        let beside = |ending: &str| floats(&name.replace(".f32", ending)).unwrap_or_default();
        let strengths: Vec<[f32; 4]> =
            floats(name)?.chunks_exact(4).map(|f| [f[0], f[1], f[2], f[3]]).collect();
        let rows = beside(".rows");
        let mut said = frames_said(&beside(".said"));
        if said.is_empty() {
            said = said_of(&rows);
        }
        let chroma = ChromaFrame::of_numbers(&beside(".chroma"));
        let said = Some(&said[..]).filter(|said| !said.is_empty());
        let frames = backline_listen::rhythm::frames_of(&strengths, &chroma, said);
        let heard = backline_listen::rhythm::beats_of(&frames, &rows, &chroma, Models::built_in(), offline);
        println!("{}", serde_json::to_string(&heard)?);
    }
    Ok(())
}
