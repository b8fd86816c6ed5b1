//! Linked instances: those of one group that live in one process play as one band.
//!
//! One of a group *leads*: it hears and plans with its own knobs. The others play its plan, each the parts
//! that it sends. Who leads: the instance whose input sounded first, as long as it is there; while
//! nobody's has, the oldest. What is written into the lanes or corrected in any of them counts for all.
//!
//! Instances of one library share memory; those of another (a CLAP and a VST3 are two) are guests, whose messages come
//! through a folder, see `exchange`. Only workers come here, so the locks are never seen by an audio thread. Nobody
//! holds the band's longer than it takes to copy a few pointers, and in real time nobody waits for the other, behind
//! which files are read and written. A seat is given up when it is dropped.

mod band;
mod exchange;
mod folder;
mod message;
mod page;
mod streams;

use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use backline_engine::Edits;
use backline_music::{Corrections, Plan};
use serde::{Deserialize, Serialize};

use crate::bridge::{Judgement, Meters};
use crate::params::Link;
use crate::snapshot::Snapshot;
use band::{Band, Member};
use exchange::Exchange;
pub use folder::folder;
pub use message::Pulse;
pub use streams::{Look, Streams};

/// What a leader lets the others know.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its plan. On the heard beat it counts in seconds of the leader's stream.
    pub plan: Arc<Plan>,
    /// Its picture.
    pub picture: Arc<Snapshot>,
}

/// What the musician has set by hand in one instance.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ByHand {
    /// Corrections.
    pub corrections: Corrections,
    /// What is written into the lanes.
    pub edits: Edits,
}

/// When something happened, for all libraries of a process: earlier is less, and no two are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// Nanoseconds since 1970; in one library they never go back.
    ns: u64,
    /// The library that tells.
    library: u64,
    /// Counts that library's moments.
    count: u64,
}

impl Moment {
    /// The present.
    pub fn now() -> Self {
        static LATEST: AtomicU64 = AtomicU64::new(0);
        static COUNT: AtomicU64 = AtomicU64::new(1);
        let clock = streams::now_ns();
        let ns = LATEST.fetch_max(clock, Ordering::Relaxed).max(clock);
        Self { ns, library: library(), count: COUNT.fetch_add(1, Ordering::Relaxed) }
    }
}

/// This loaded library's own number.
fn library() -> u64 {
    static LIBRARY: OnceLock<u64> = OnceLock::new();
    *LIBRARY.get_or_init(|| RandomState::new().hash_one(streams::now_ns()))
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the instances of one library share.
#[derive(Debug)]
struct Library {
    band: Mutex<Band>,
    /// Taken before the band's where both are.
    exchange: Mutex<Exchange>,
    /// Where others are met; `None` for the usual place.
    folder: Option<PathBuf>,
}

static HERE: Library = Library::new(None);

impl Library {
    const fn new(folder: Option<PathBuf>) -> Self {
        Self { band: Mutex::new(Band::new()), exchange: Mutex::new(Exchange::new()), folder }
    }

    /// Tells other libraries and hears from them. In real time (not `patient`) whoever finds another at it leaves it
    /// to that one.
    fn exchange(&self, patient: bool) {
        let exchange = if patient {
            Some(locked(&self.exchange))
        } else {
            match self.exchange.try_lock() {
                Ok(exchange) => Some(exchange),
                Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(std::sync::TryLockError::WouldBlock) => None,
            }
        };
        if let Some(mut exchange) = exchange {
            exchange.step(&self.band, self.folder.as_deref(), patient);
        }
    }
}

/// Who leads, as a follower sees it.
pub struct Leader {
    /// When it was made.
    pub born: Moment,
    /// What it told last.
    pub told: Option<Told>,
    /// Its meters; where it is in another library, only the places of its stream, as last told.
    pub meters: Arc<Meters>,
    /// Of one in another library, how far its stream had come.
    pub pulse: Option<Arc<Pulse>>,
    /// Whether it is in another library.
    pub abroad: bool,
}

/// Why the one that should lead does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// The host does not run it.
    Standing,
    /// A fault has ended its listening.
    Failed,
}

/// What a member sees of its group.
pub struct View {
    /// Whether it leads.
    pub leads: bool,
    /// How many belong to the group.
    pub members: usize,
    /// Changes with what is set by hand and with who is there.
    pub revision: u64,
    /// Whether some are in another library.
    pub abroad: bool,
    /// Why nothing is known of other libraries, if that is so: a sentence for the musician.
    pub apart: Option<Arc<str>>,
    /// Why another one leads than should.
    pub away: Option<Away>,
    /// Who leads; `None` for the leader itself.
    pub leader: Option<Leader>,
}

/// A place in a group, given up when it is dropped.
#[derive(Debug)]
pub struct Seat {
    library: &'static Library,
    born: Moment,
    group: Link,
    heard: bool,
}

impl Seat {
    /// Joins `group`; `None` for [`Link::Off`].
    pub fn take(group: Link, born: Moment, meters: &Arc<Meters>) -> Option<Self> {
        Self::take_in(&HERE, group, born, meters)
    }

    fn take_in(library: &'static Library, group: Link, born: Moment, meters: &Arc<Meters>) -> Option<Self> {
        if group == Link::Off {
            return None;
        }
        locked(&library.band).join(Member {
            born,
            group,
            heard: None,
            told: None,
            pulse: None,
            by_hand: Arc::default(),
            meters: Arc::clone(meters),
            guest: false,
            failed: false,
            stood_at: None,
            judgements: Vec::new(),
        });
        library.exchange(true);
        Some(Self { library, born, group, heard: false })
    }

    /// The group.
    pub fn group(&self) -> Link {
        self.group
    }

    fn change(&self, change: impl FnOnce(&mut Member) -> bool) {
        locked(&self.library.band).change(self.born, change);
    }

    /// This instance's input has sounded.
    pub fn hears(&mut self) {
        if !std::mem::replace(&mut self.heard, true) {
            let now = Moment::now();
            self.change(|member| {
                member.heard = Some(now);
                true
            });
        }
    }

    /// Tells the others; for who leads.
    pub fn tell(&self, told: Told) {
        self.change(|member| {
            member.told = Some(told);
            false
        });
    }

    /// Tells other libraries how far this instance's stream has come; for who leads.
    pub fn tell_pulse(&self, pulse: Pulse) {
        self.change(|member| {
            member.pulse = Some(Arc::new(pulse));
            false
        });
    }

    /// A fault has ended this instance's listening: another one leads.
    pub fn fails(&self) {
        self.change(|member| !std::mem::replace(&mut member.failed, true));
    }

    /// The stream of `leader` has stood at `pos` while this one ran.
    pub fn stands(&self, leader: Moment, pos: u64) {
        locked(&self.library.band).stands(leader, pos);
    }

    /// Passes on to who leads what was said of its bars; whether it can hear of it, which no other library can.
    pub fn pass_on(&self, judgement: &Judgement) -> bool {
        let mut band = locked(&self.library.band);
        let Some(leader) = band.leader(self.group).filter(|leader| !leader.guest).map(|m| m.born) else {
            return false;
        };
        band.change(leader, |member| {
            member.judgements.push(judgement.clone());
            false
        });
        true
    }

    /// What was passed on to this instance.
    pub fn judgements(&self) -> Vec<Judgement> {
        let mut judgements = Vec::new();
        self.change(|member| {
            judgements = std::mem::take(&mut member.judgements);
            false
        });
        judgements
    }

    /// What is set by hand in this instance.
    pub fn set_by_hand(&self, by_hand: ByHand) {
        self.change(|member| {
            let new = *member.by_hand != by_hand;
            if new {
                member.by_hand = Arc::new(by_hand);
            }
            new
        });
    }

    /// Tells other libraries what was told here, and hears from them; `patient` in an offline render, where it is
    /// waited for what is on its way.
    pub fn exchange(&self, patient: bool) {
        self.library.exchange(patient);
    }

    /// How things stand.
    pub fn look(&self) -> View {
        let band = locked(&self.library.band);
        let leader = band.leader(self.group);
        let rightful = band.rightful_leader(self.group);
        let away =
            rightful.filter(|m| leader.is_some_and(|leader| leader.born != m.born) && m.born != self.born);
        let leader = leader.filter(|leader| leader.born != self.born);
        View {
            away: away.map(|m| if m.failed { Away::Failed } else { Away::Standing }),
            leads: leader.is_none(),
            members: band.group(self.group).count(),
            revision: band.revision(),
            abroad: band.group(self.group).any(|m| m.guest),
            apart: band.apart(),
            leader: leader.map(|m| Leader {
                born: m.born,
                told: m.told.clone(),
                meters: Arc::clone(&m.meters),
                pulse: m.pulse.clone(),
                abroad: m.guest,
            }),
        }
    }

    /// What is set by hand in the whole group; where two have set the same, the older instance counts.
    pub fn all_by_hand(&self) -> ByHand {
        let members: Vec<Arc<ByHand>> =
            locked(&self.library.band).group(self.group).map(|m| Arc::clone(&m.by_hand)).collect();
        let mut all = ByHand::default();
        for one in members.iter().rev() {
            all.corrections.lay_under(&one.corrections);
            all.edits.lay_under(&one.edits);
        }
        all
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        locked(&self.library.band).leave(self.born);
        self.library.exchange(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(group: Link) -> Seat {
        Seat::take(group, Moment::now(), &Arc::default()).unwrap()
    }

    #[test]
    fn who_hears_first_leads_as_long_as_it_is_there() {
        assert!(Seat::take(Link::Off, Moment::now(), &Arc::default()).is_none());
        let (mut first, mut second) = (join(Link::D), join(Link::D));
        let mut third = join(Link::D);
        let leads = |seats: [&Seat; 3]| seats.map(|s| s.look().leads);
        assert_eq!(leads([&first, &second, &third]), [true, false, false], "the oldest, while nobody hears");
        third.hears();
        assert_eq!(leads([&first, &second, &third]), [false, false, true]);
        first.hears();
        second.hears();
        assert_eq!(leads([&first, &second, &third]), [false, false, true], "it does not change hands");
        drop(third);
        assert!(first.look().leads && first.look().members == 2 && !second.look().leads);
        let told = Told { plan: Arc::new(Plan::empty()), picture: Arc::default() };
        first.tell(told);
        assert!(second.look().leader.unwrap().told.is_some());
        drop(first);
        let alone = second.look();
        assert!(alone.leads && alone.members == 1 && alone.leader.is_none());
    }

    #[test]
    fn groups_are_apart_and_hands_are_joined() {
        use backline_engine::{KeptBar, KeptNote};
        use backline_music::{Key, Mode, Part, PitchClass};
        let (a, b, other) = (join(Link::B), join(Link::B), join(Link::C));
        let kept = |velocity, part| KeptBar {
            start_beat: 8.0,
            length_beats: 4.0,
            part,
            on_heard_beat: false,
            notes: vec![KeptNote { key: 40, velocity, at_beats: 0.0, length_beats: 1.0 }],
        };
        let before = a.look().revision;
        let mut mine = ByHand::default();
        mine.edits.keep(kept(1, Part::Bass));
        a.set_by_hand(mine.clone());
        let mut theirs = ByHand::default();
        theirs.edits.keep(kept(2, Part::Bass));
        theirs.edits.keep(kept(3, Part::Drums));
        theirs.corrections.key = Some(Key::new(PitchClass::D, Mode::Minor));
        b.set_by_hand(theirs.clone());
        assert!(a.look().revision > before);
        let all = b.all_by_hand();
        assert_eq!(all, a.all_by_hand());
        assert_eq!(all.corrections.key, theirs.corrections.key);
        let velocity = |part| all.edits.kept_at(8.0, part, false).unwrap().notes[0].velocity;
        assert_eq!((velocity(Part::Bass), velocity(Part::Drums)), (1, 3), "the older one's bar counts");
        assert_eq!(other.all_by_hand(), ByHand::default());
    }

    /// Two libraries that meet in `folder`.
    fn libraries(folder: &std::path::Path) -> [&'static Library; 2] {
        [(); 2].map(|()| &*Box::leak(Box::new(Library::new(Some(folder.to_owned())))))
    }

    fn join_in(library: &'static Library, group: Link) -> (Seat, Arc<Meters>) {
        let meters = Arc::new(Meters::default());
        (Seat::take_in(library, group, Moment::now(), &meters).unwrap(), meters)
    }

    /// Both have told and heard what there is.
    fn meet(a: &Seat, b: &Seat) {
        for seat in [a, b, a, b] {
            seat.exchange(true);
        }
    }

    fn files(folder: &std::path::Path) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(folder) else { return Vec::new() };
        let mut kinds: Vec<String> = files
            .map(|file| {
                file.unwrap().file_name().into_string().unwrap().split_once('.').unwrap().1.to_owned()
            })
            .collect();
        kinds.sort();
        kinds
    }

    fn told(revision: u64) -> Told {
        let note = backline_music::PlannedNote {
            part: backline_music::Part::Bass,
            key: 40,
            velocity: 99,
            onset_beat: 0.1 + 0.2,
            length_beats: 1.0 / 3.0,
        };
        let bars = vec![crate::test_bars::bar(0, vec![note]), crate::test_bars::bar(1, Vec::new())];
        let plan = Arc::new(Plan { revision, bars, ..Plan::empty() });
        let picture = Snapshot {
            heard_s: 1.0 / 7.0,
            plan: Some(Arc::clone(&plan)),
            captured: vec![Arc::new(crate::test_bars::bar(0, vec![note]))],
            ..Snapshot::default()
        };
        Told { plan, picture: Arc::new(picture) }
    }

    #[test]
    fn two_libraries_are_one_band() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        let [clap, vst] = libraries(&folder);
        let (first, meters) = join_in(clap, Link::A);
        assert_eq!(files(&folder), ["here"], "alone it leaves a mark, and nothing else");
        first.tell(told(1));
        first.exchange(true);
        assert_eq!(files(&folder), ["here"]);

        let (mut second, _) = join_in(vst, Link::A);
        meet(&first, &second);
        assert_eq!((first.look().members, second.look().members), (2, 2));
        assert!(first.look().leads && first.look().abroad && !second.look().leads);
        let leader = second.look().leader.unwrap();
        assert!(leader.abroad && leader.born == first.born);
        let (sent, came) = (told(1), leader.told.unwrap());
        assert_eq!((came.plan, came.picture), (sent.plan, sent.picture), "to the bit");

        // How far the leader's stream has come.
        let looks = vec![Look { from: 1, pos: 2, to: 3 }];
        first.tell_pulse(Pulse { stream_pos: 512, handed_over: 512, worker_pos: 256, looks: looks.clone() });
        meet(&first, &second);
        let leader = second.look().leader.unwrap();
        assert_eq!(leader.meters.worker_pos.load(Ordering::Relaxed), 256);
        assert_eq!(leader.meters.handed_over.load(Ordering::Relaxed), 512);
        assert_eq!(leader.pulse.unwrap().looks, looks);
        assert_eq!(meters.worker_pos.load(Ordering::Relaxed), 0, "its own meters are its own");

        // Nothing new: nothing is written.
        let when = || {
            let all = std::fs::read_dir(&folder)
                .unwrap()
                .map(|f| f.unwrap().metadata().unwrap().modified().unwrap());
            all.collect::<std::collections::BTreeSet<_>>()
        };
        let before = when();
        std::thread::sleep(std::time::Duration::from_millis(20));
        meet(&first, &second);
        assert_eq!(when(), before);

        // Who hears first leads, wherever it is, and as long as it is there.
        second.hears();
        meet(&first, &second);
        assert!(second.look().leads && !first.look().leads);
        second.tell(told(7));
        meet(&second, &first);
        assert_eq!(first.look().leader.unwrap().told.unwrap().plan.revision, 7);
        drop(second);
        first.exchange(true);
        let alone = first.look();
        assert!(alone.leads && alone.members == 1 && !alone.abroad, "it is seen at once");
        // It comes back, as a library that was loaded again.
        let (third, _) = join_in(vst, Link::A);
        std::thread::sleep(std::time::Duration::from_millis(150));
        meet(&first, &third);
        assert_eq!(third.look().leader.unwrap().told.unwrap().plan.revision, 1);
        drop(first);
        third.exchange(true);
        assert!(third.look().leads);
        drop(third);
        assert!(!folder.exists(), "nothing is left");
    }

    #[test]
    fn hands_are_joined_over_libraries_and_groups_are_apart() {
        use backline_music::{Key, Mode, PitchClass};
        let base = tempfile::tempdir().unwrap();
        let [clap, vst] = libraries(&base.path().join("backline-link-1-77"));
        let ((a, _), (b, _), (other, _)) =
            (join_in(clap, Link::B), join_in(vst, Link::B), join_in(vst, Link::C));
        meet(&a, &b);
        let key = |class| Some(Key::new(class, Mode::Minor));
        let set = |seat: &Seat, key, bpm| {
            let corrections = Corrections { key, tempo_near_bpm: bpm, ..Corrections::default() };
            seat.set_by_hand(ByHand { corrections, ..ByHand::default() });
        };
        let before = a.look().revision;
        set(&b, key(PitchClass::D), Some(100.0 / 3.0));
        meet(&a, &b);
        assert!(a.look().revision > before);
        assert_eq!(a.all_by_hand(), b.all_by_hand());
        assert_eq!(a.all_by_hand().corrections.tempo_near_bpm, Some(100.0 / 3.0));
        set(&a, key(PitchClass::A), None);
        meet(&a, &b);
        assert_eq!(b.all_by_hand().corrections.key, key(PitchClass::A), "the older instance counts");
        assert_eq!(a.all_by_hand(), b.all_by_hand());
        assert_eq!((other.all_by_hand(), other.look().members), (ByHand::default(), 1));
        // A group of one is told nothing of a plan, nor does it tell one.
        b.tell(told(1));
        other.tell(told(2));
        meet(&a, &other);
        assert!(a.look().leads && other.look().leads);
    }

    #[test]
    fn what_cannot_be_understood_links_nothing() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        let [clap, _] = libraries(&folder);
        let (seat, _) = join_in(clap, Link::A);
        // A library that holds its mark and talks nonsense.
        let mark = folder::Mark::set(&folder, 9).unwrap();
        let mut band = page::Page::new(&mark.path("band")).unwrap();
        let born = Moment { ns: 1, library: 9, count: 1 };
        let who = message::Who {
            born,
            group: Link::A,
            heard: Some(born),
            failed: false,
            corrections: Corrections::default(),
            edits: Edits::default(),
        };
        band.write(&message::written(&[&who])).unwrap();
        seat.exchange(true);
        assert!(!seat.look().leads && seat.look().members == 2, "so far it is understood");
        let mut plan = page::Page::new(&mark.path("a.plan")).unwrap();
        plan.write(br#"{"born":{"ns":1,"library":9,"count":1},"told":{"revision":1,"song":"la la"}}"#)
            .unwrap();
        seat.exchange(true);
        assert!(seat.look().leads && seat.look().members == 1, "who is not understood does not lead");
        // Another one, whose file is cut.
        drop((band, plan, mark));
        let mark = folder::Mark::set(&folder, 10).unwrap();
        page::Page::new(&mark.path("band")).unwrap().write(b"[]").unwrap();
        std::fs::OpenOptions::new().write(true).open(mark.path("band")).unwrap().set_len(20).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(150));
        seat.exchange(true);
        assert_eq!((seat.look().leads, seat.look().members), (true, 1));
    }

    #[test]
    fn without_a_folder_a_library_plays_for_itself() {
        let base = tempfile::tempdir().unwrap();
        let [clap, vst] = libraries(&base.path().join("no").join("folder"));
        let ((a, _), (b, _), (c, _)) =
            (join_in(clap, Link::A), join_in(clap, Link::A), join_in(vst, Link::A));
        a.tell(told(3));
        meet(&a, &c);
        assert_eq!(b.look().leader.unwrap().told.unwrap().plan.revision, 3);
        assert!(c.look().leads && c.look().members == 1);
        assert!(c.look().apart.unwrap().contains("cannot be used"));
    }

    #[test]
    fn a_disk_that_fills_up_ends_the_exchange_alone() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("backline-link-1-77");
        let [clap, vst] = libraries(&folder);
        let ((a, _), (b, _)) = (join_in(clap, Link::A), join_in(vst, Link::A));
        meet(&a, &b);
        assert!(!b.look().leads);
        // More than a page takes, which is as if the disk had no room.
        let long = "x".repeat(1 << 25);
        let picture = Snapshot { notices: vec![long], ..Snapshot::default() };
        a.tell(Told { plan: Arc::new(Plan::empty()), picture: Arc::new(picture) });
        a.exchange(true);
        std::thread::sleep(std::time::Duration::from_millis(150));
        b.exchange(true);
        assert!(a.look().leads && b.look().leads);
        assert!(a.look().apart.is_some() && b.look().apart.is_none());
    }

    #[test]
    fn what_is_told_is_known_at_the_workers_pace() {
        use std::time::{Duration, Instant};
        let base = tempfile::tempdir().unwrap();
        let [clap, vst] = libraries(&base.path().join("backline-link-1-77"));
        let ((a, _), (b, _)) = (join_in(clap, Link::A), join_in(vst, Link::A));
        meet(&a, &b);
        let note = told(0).plan.bars[0].notes[0];
        let bars: Vec<_> = (0..10).map(|i| crate::test_bars::bar(i, vec![note; 60])).collect();
        let mut took: Vec<Duration> = Vec::new();
        for revision in 1..=60 {
            let plan = Arc::new(Plan { revision, bars: bars.clone(), ..Plan::empty() });
            let begun = Instant::now();
            a.tell(Told { plan, picture: Arc::default() });
            a.exchange(false);
            let known = || b.look().leader.and_then(|leader| leader.told).map(|told| told.plan.revision);
            while known() != Some(revision) {
                assert!(begun.elapsed() < Duration::from_secs(10));
                std::thread::sleep(Duration::from_millis(2));
                b.exchange(false);
            }
            took.push(begun.elapsed());
        }
        took.sort_unstable();
        println!("a plan of 600 notes: {:?} in the middle, {:?} at most", took[30], took[59]);
    }
}
