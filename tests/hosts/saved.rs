//! State: saved and loaded in both formats, between them, and when it is broken.

use backline_testhost::{At, Host, Run};

use crate::bundle;

/// A CLAP's saved state with another field of ours in it: a length in eight bytes, then JSON with our own text in a
/// field.
pub fn with_field(state: &[u8], field: &str) -> Vec<u8> {
    let text = std::str::from_utf8(&state[8..]).unwrap();
    let marked = format!("\\\"version\\\":1,{}", field.replace('"', "\\\""));
    let changed = text.replacen("\\\"version\\\":1", &marked, 1);
    assert_ne!(changed, text, "the state has our field");
    let mut state = (changed.len() as u64).to_le_bytes().to_vec();
    state.extend(changed.bytes());
    state
}

fn tick(host: &mut dyn Host) {
    Run::new(host).block(&vec![vec![0.0; 64]; 2], &At::STOPPED);
}

#[test]
fn knobs_come_back() {
    let styles = backline_play::styles();
    let place = 1 + styles.iter().position(|style| style.id == "bossa").unwrap();
    let bossa = place as f64 / styles.len() as f64; // "auto" is at 0
    for (format, mut host) in bundle::hosts() {
        host.activate(48_000.0, 512, false);
        for (name, value) in
            [("Energy", 0.75), ("Swing", 0.25), ("Seed", 1.0), ("Bass", 0.0), ("Style", bossa)]
        {
            host.set(name, value);
        }
        tick(&mut *host);
        let saved = host.save();
        for name in ["Energy", "Swing", "Seed", "Style"] {
            host.set(name, 0.1);
        }
        host.set("Bass", 1.0);
        tick(&mut *host);
        assert!((host.get("Energy") - 0.1).abs() < 0.01);
        assert!(host.load(&saved), "{format}");
        tick(&mut *host);
        for (name, value) in
            [("Energy", 0.75), ("Swing", 0.25), ("Seed", 1.0), ("Bass", 0.0), ("Style", bossa)]
        {
            let got = host.get(name);
            assert!((got - value).abs() < 1.0e-3, "{format} {name}: {got} for {value}");
        }
        let text = String::from_utf8_lossy(&saved).into_owned();
        assert!(text.contains("\"bossa\""), "the style is saved by its id: {text}");
    }
}

#[test]
fn broken_state_does_no_harm() {
    for (format, mut host) in bundle::hosts() {
        host.activate(48_000.0, 512, false);
        tick(&mut *host);
        let good = host.save();
        let mut broken: Vec<Vec<u8>> = vec![Vec::new(), vec![0; 7], vec![0xFF; 64], b"not a state".to_vec()];
        for cut in [1, 8, 9, good.len() / 2, good.len() - 1] {
            broken.push(good[..cut.min(good.len())].to_vec());
        }
        for i in (0..good.len()).step_by(23) {
            let mut one = good.clone();
            one[i] ^= 0x15;
            broken.push(one);
        }
        for state in &broken {
            // It may be refused or repaired; the host must live, and the sound must pass.
            let _ = host.load(state);
            tick(&mut *host);
        }
        assert!(host.load(&good), "{format}");
        tick(&mut *host);
    }
}
