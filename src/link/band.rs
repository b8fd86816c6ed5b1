//! Everybody who is linked: the members in this library, and those in others as far as they have told.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::message::Pulse;
use super::{ByHand, Moment, Told};
use crate::bridge::{Judgement, Meters};
use crate::params::Link;

/// One instance in a group.
#[derive(Debug, Clone)]
pub struct Member {
    /// When it was made.
    pub born: Moment,
    /// Its group.
    pub group: Link,
    /// When its input sounded first.
    pub heard: Option<Moment>,
    /// What it told, if it led.
    pub told: Option<Told>,
    /// How far its stream had come when it last said so, which only other libraries need to be told.
    pub pulse: Option<Arc<Pulse>>,
    /// What is set by hand in it.
    pub by_hand: Arc<ByHand>,
    /// Its meters; of a guest only where its stream stood.
    pub meters: Arc<Meters>,
    /// Whether it is in another library.
    pub guest: bool,
    /// Whether a fault has ended its listening.
    pub failed: bool,
    /// Where its stream stood still while another one ran.
    pub stood_at: Option<u64>,
    /// What was said elsewhere of the bars that it planned.
    pub judgements: Vec<Judgement>,
}

impl Member {
    /// Whether its host does not run it, as far as is known, or it cannot hear. Once its stream moves it is there again.
    fn is_away(&self) -> bool {
        self.failed || self.stood_at == Some(self.meters.stream_pos.load(Ordering::Acquire))
    }
}

/// All members, oldest first.
#[derive(Debug)]
pub struct Band {
    members: Vec<Member>,
    revision: u64,
    revision_of_ours: u64,
    apart: Option<Arc<str>>,
}

impl Band {
    /// Nobody.
    pub const fn new() -> Self {
        Self { members: Vec::new(), revision: 0, revision_of_ours: 0, apart: None }
    }

    /// Changes the member of this library that was born then; a `change` that others must know returns true.
    pub fn change(&mut self, born: Moment, change: impl FnOnce(&mut Member) -> bool) {
        if let Some(member) = self.members.iter_mut().find(|m| m.born == born && !m.guest)
            && change(member)
        {
            self.count();
        }
    }

    fn count(&mut self) {
        self.revision += 1;
        self.revision_of_ours += 1;
    }

    /// Lets `member`, of this library, in.
    pub fn join(&mut self, member: Member) {
        self.members.push(member);
        self.members.sort_by_key(|m| m.born);
        self.count();
    }

    /// Lets the member of this library go that was born then.
    pub fn leave(&mut self, born: Moment) {
        self.members.retain(|m| m.born != born || m.guest);
        self.count();
    }

    /// The members of a group, oldest first.
    pub fn group(&self, group: Link) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |m| m.group == group)
    }

    /// Who leads a group: whose input sounded first, or the oldest while nobody's has; of those that are not away, if
    /// there are any. All libraries that know the same members say the same.
    pub fn leader(&self, group: Link) -> Option<&Member> {
        self.group(group).min_by_key(|m| (m.is_away(), m.heard.is_none(), m.heard, m.born))
    }

    /// Who would lead a group if nobody were away.
    pub fn rightful_leader(&self, group: Link) -> Option<&Member> {
        self.group(group).min_by_key(|m| (m.heard.is_none(), m.heard, m.born))
    }

    /// The stream of the member that was born then has stood at `pos` while another one ran.
    pub fn stands(&mut self, born: Moment, pos: u64) {
        self.members.iter_mut().filter(|m| m.born == born).for_each(|m| m.stood_at = Some(pos));
    }

    /// Counts up with every change of what is set by hand, and with who is there.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Counts up with every change in this library that others must know.
    pub fn revision_of_ours(&self) -> u64 {
        self.revision_of_ours
    }

    /// The members in this library.
    pub fn ours(&self) -> Vec<Member> {
        self.members.iter().filter(|m| !m.guest).cloned().collect()
    }

    /// Who leads a group in which there are guests.
    pub fn leaders_for_guests(&self) -> Vec<Moment> {
        let groups = [Link::A, Link::B, Link::C, Link::D];
        let shared = groups.into_iter().filter(|group| self.group(*group).any(|m| m.guest));
        shared.filter_map(|group| self.leader(group)).map(|m| m.born).collect()
    }

    /// Takes over how things stand in the other libraries; `apart` says why nothing is known of them.
    pub fn receive(&mut self, guests: Vec<Member>, apart: Option<Arc<str>>) {
        let before = self.members.iter().filter(|m| m.guest);
        let same = |(a, b): (&Member, &Member)| {
            a.born == b.born && a.group == b.group && Arc::ptr_eq(&a.by_hand, &b.by_hand)
        };
        let mut sorted = guests;
        // None of ours: whatever is written there, two never are the same.
        sorted.retain(|guest| self.members.iter().all(|m| m.guest || m.born != guest.born));
        sorted.sort_by_key(|m| m.born);
        for guest in &mut sorted {
            guest.stood_at = before.clone().find(|m| m.born == guest.born).and_then(|m| m.stood_at);
        }
        if before.clone().count() != sorted.len() || !before.zip(&sorted).all(same) {
            self.revision += 1;
        }
        self.members.retain(|m| !m.guest);
        self.members.append(&mut sorted);
        self.members.sort_by_key(|m| m.born);
        self.apart = apart;
    }

    /// Why nothing is known of other libraries, if that is so.
    pub fn apart(&self) -> Option<Arc<str>> {
        self.apart.clone()
    }
}
