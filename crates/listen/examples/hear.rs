//! Hears raw mono 16-bit audio on standard input and prints what was heard as JSON:
//! `hear RATE online|offline < audio.raw`. Used to measure the listener against truth.

use std::io::Read;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let rate: f64 = args.next().unwrap_or_default().parse().unwrap_or(44_100.0);
    let offline = args.next().is_some_and(|a| a == "offline");
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let mono: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32_768.0).collect();
    let begun = std::time::Instant::now();
    let heard = if offline {
        backline_listen::listen_offline(&mono, rate, &backline_listen::Models::installed(), &mut |_| ())?
    } else {
        let mut listener =
            backline_listen::Listener::with_models(rate, &backline_listen::Models::installed())?;
        listener.feed(&mono, None);
        listener.finish();
        while listener.step() {}
        listener.heard().clone()
    };
    let speed = mono.len() as f64 / rate / begun.elapsed().as_secs_f64();
    eprintln!("{speed:.0}x real time");
    println!("{}", serde_json::to_string(&heard)?);
    Ok(())
}
