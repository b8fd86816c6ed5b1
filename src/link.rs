//! Linked instances: those of one group that live in one process play as one band.
//!
//! One of a group *leads*: it hears and plans with its own knobs. The others play its plan, each the parts
//! that it sends. Who leads: the instance whose input sounded first, as long as it is there; while
//! nobody's has, the oldest. What is written into the lanes or corrected in any of them counts for all.
//!
//! Only workers come here, so the lock is never seen by an audio thread; nobody holds it longer than it
//! takes to copy a few pointers. A seat is given up when it is dropped.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use backline_engine::Edits;
use backline_music::{Corrections, Plan};

use crate::bridge::Meters;
use crate::params::Link;
use crate::snapshot::Snapshot;

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

struct Member {
    age: u64,
    group: Link,
    heard: bool,
    told: Option<Told>,
    by_hand: Arc<ByHand>,
    meters: Arc<Meters>,
}

/// Everybody who is linked, oldest first, and who leads the groups.
struct Band {
    members: Vec<Member>,
    /// Ages of the leaders, one for each group that has members.
    leaders: Vec<(Link, u64)>,
    /// Counts up with every change of what is set by hand, and with who is there.
    revision: u64,
}

static BAND: Mutex<Band> = Mutex::new(Band { members: Vec::new(), leaders: Vec::new(), revision: 0 });
static BORN: AtomicU64 = AtomicU64::new(1);

/// The age of an instance: smaller is older, and no two are the same.
pub fn born() -> u64 {
    BORN.fetch_add(1, Ordering::Relaxed)
}

fn band() -> MutexGuard<'static, Band> {
    BAND.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Band {
    fn of(&self, age: u64) -> Option<&Member> {
        self.members.iter().find(|m| m.age == age)
    }

    fn of_mut(&mut self, age: u64) -> Option<&mut Member> {
        self.members.iter_mut().find(|m| m.age == age)
    }

    /// Who leads `group` now.
    fn elect(&mut self, group: Link) {
        let now = self.leaders.iter().find(|(g, _)| *g == group).map(|(_, age)| *age);
        let there = || self.members.iter().filter(|m| m.group == group);
        let stays = now.filter(|age| {
            there().any(|m| m.age == *age && m.heard)
                || (there().all(|m| !m.heard) && there().any(|m| m.age == *age))
        });
        let next = stays.or_else(|| there().find(|m| m.heard).or_else(|| there().next()).map(|m| m.age));
        self.leaders.retain(|(g, _)| *g != group);
        self.leaders.extend(next.map(|age| (group, age)));
    }
}

/// What a member sees of its group.
pub struct View {
    /// Whether it leads.
    pub leads: bool,
    /// How many belong to the group.
    pub members: usize,
    /// Changes with what is set by hand and with who is there.
    pub revision: u64,
    /// What the leader tells, and the leader's age and meters; `None` for the leader itself.
    pub leader: Option<(u64, Option<Told>, Arc<Meters>)>,
}

/// A place in a group, given up when it is dropped.
#[derive(Debug)]
pub struct Seat {
    age: u64,
    group: Link,
    heard: bool,
}

impl Seat {
    /// Joins `group`; `None` for [`Link::Off`].
    pub fn take(group: Link, age: u64, meters: &Arc<Meters>) -> Option<Self> {
        if group == Link::Off {
            return None;
        }
        let mut band = band();
        let meters = Arc::clone(meters);
        let by_hand = Arc::default();
        band.members.push(Member { age, group, heard: false, told: None, by_hand, meters });
        band.members.sort_by_key(|m| m.age);
        band.revision += 1;
        band.elect(group);
        Some(Self { age, group, heard: false })
    }

    /// The group.
    pub fn group(&self) -> Link {
        self.group
    }

    /// This instance's input has sounded.
    pub fn hears(&mut self) {
        if !std::mem::replace(&mut self.heard, true) {
            let mut band = band();
            if let Some(member) = band.of_mut(self.age) {
                member.heard = true;
            }
            band.elect(self.group);
        }
    }

    /// Tells the others; for who leads.
    pub fn tell(&self, told: Told) {
        if let Some(member) = band().of_mut(self.age) {
            member.told = Some(told);
        }
    }

    /// What is set by hand in this instance.
    pub fn set_by_hand(&self, by_hand: ByHand) {
        let mut band = band();
        if let Some(member) = band.of_mut(self.age)
            && *member.by_hand != by_hand
        {
            member.by_hand = Arc::new(by_hand);
            band.revision += 1;
        }
    }

    /// How things stand.
    pub fn look(&self) -> View {
        let band = band();
        let leader = band.leaders.iter().find(|(g, _)| *g == self.group).map_or(self.age, |(_, age)| *age);
        View {
            leads: leader == self.age,
            members: band.members.iter().filter(|m| m.group == self.group).count(),
            revision: band.revision,
            leader: band
                .of(leader)
                .filter(|_| leader != self.age)
                .map(|m| (m.age, m.told.clone(), Arc::clone(&m.meters))),
        }
    }

    /// What is set by hand in the whole group; where two have set the same, the older instance counts.
    pub fn all_by_hand(&self) -> ByHand {
        let members: Vec<Arc<ByHand>> = {
            let band = band();
            band.members.iter().filter(|m| m.group == self.group).map(|m| Arc::clone(&m.by_hand)).collect()
        };
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
        let mut band = band();
        band.members.retain(|m| m.age != self.age);
        band.revision += 1;
        band.elect(self.group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn join(group: Link) -> Seat {
        Seat::take(group, born(), &Arc::default()).unwrap()
    }

    #[test]
    fn who_hears_first_leads_as_long_as_it_is_there() {
        assert!(Seat::take(Link::Off, born(), &Arc::default()).is_none());
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
        assert!(second.look().leader.unwrap().1.is_some());
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
}
