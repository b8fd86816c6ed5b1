//! Chance that is the same each time, how long to go on, and what it costs in memory.

/// Asks for a share of the full length of the tests that can go on for long: 1 is all of it.
const SHARE_VARIABLE: &str = "BACKLINE_SOAK";
/// The share among all other tests.
const USUAL_SHARE: f64 = 0.003;

/// So much of `full` as is asked for.
pub fn amount(full: usize) -> usize {
    let share = std::env::var(SHARE_VARIABLE).ok().and_then(|s| s.parse().ok()).unwrap_or(USUAL_SHARE);
    (full as f64 * share) as usize
}

/// Numbers that look random: SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// 0..`n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Memory that this process holds now, where the system tells.
pub fn resident_mib() -> Option<f64> {
    status("VmRSS:")
}

/// The most that it ever held.
pub fn peak_memory_mib() -> Option<f64> {
    status("VmHWM:")
}

fn status(field: &str) -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kib| kib / 1_024.0)
}
