//! What the libraries of one process tell each other, through a folder.
//!
//! A CLAP and a VST3 are two libraries, of versions that may differ, and each can be taken away at any time; so they
//! share no memory, only messages in small files. A library with nobody in a group touches nothing. One that is alone
//! with somebody in a group leaves a mark, and writes nothing more until it sees another's.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backline_music::{Plan, PlannedBar};

use super::band::{Band, Member};
use super::folder::{self, Mark};
use super::message::{self, By, PlanForm, Pulse, Who, written};
use super::page::{Page, Reader};
use super::{ByHand, Moment, Told, library, locked};
use crate::bridge::Meters;
use crate::params::Link;
use crate::snapshot::Snapshot;

/// How often the folder is looked through for others.
const SEARCH: Duration = Duration::from_millis(100);
/// How often it is looked whether others have told something, at most: all workers come by, each every few milliseconds.
const LOOK: Duration = Duration::from_millis(4);
/// The page that tells who is there.
const BAND: &str = "band";

/// A library's part in the exchange.
#[derive(Debug)]
pub struct Exchange(State);

#[derive(Debug)]
enum State {
    /// Nobody here is in a group.
    Away,
    /// There are members, and the folder is there.
    Here(Box<Here>),
    /// There are members, and the folder cannot be used; it is tried again when all have gone.
    Apart,
}

impl Exchange {
    /// Nothing yet.
    pub const fn new() -> Self {
        Self(State::Away)
    }

    /// Tells the other libraries in `folder` what is new in `band`, and takes over what is new in theirs. In an offline
    /// render (`patient`), what is just being written is waited for, and a library that has just come is found at
    /// once.
    pub fn step(&mut self, band: &Mutex<Band>, folder: Option<&Path>, patient: bool) {
        let (ours, revision) = {
            let band = locked(band);
            (band.ours(), band.revision_of_ours())
        };
        if ours.is_empty() {
            if let State::Here(here) = &mut self.0 {
                here.bid_farewell();
            }
            self.0 = State::Away;
            locked(band).receive(Vec::new(), None);
            return;
        }
        if matches!(self.0, State::Away) {
            let own = folder.map_or_else(folder::folder, Path::to_owned);
            self.0 = match Mark::set(&own, library()) {
                Ok(mark) => {
                    mark.sweep();
                    State::Here(Box::new(Here::new(mark)))
                }
                Err(error) => {
                    locked(band).receive(Vec::new(), Some(notice(&own, &error)));
                    State::Apart
                }
            };
        }
        let State::Here(here) = &mut self.0 else { return };
        if let Err(error) = here.step(&ours, revision, band, patient) {
            let notice = notice(here.mark.folder(), &error);
            // The others see by the mark that nobody here can be reached any more.
            self.0 = State::Apart;
            locked(band).receive(Vec::new(), Some(notice));
        }
    }
}

/// What to tell the musician where a folder cannot be used.
fn notice(folder: &Path, error: &io::Error) -> Arc<str> {
    let folder = folder.display();
    format!(
        "This group plays without instances of the other plug-in format, because {folder} cannot be used ({error}); \
         use one format for the group, or see that there is room and that you may write there."
    )
    .into()
}

/// What a library has in the folder.
#[derive(Debug)]
struct Here {
    // The pages are closed before the mark, which removes them.
    band: Option<Page>,
    desks: Vec<Desk>,
    peers: Vec<Peer>,
    /// The state of one's own members that is written.
    told: Option<u64>,
    searched: Option<Instant>,
    looked: Option<Instant>,
    mark: Mark,
}

impl Here {
    fn new(mark: Mark) -> Self {
        Self {
            band: None,
            desks: Vec::new(),
            peers: Vec::new(),
            told: None,
            searched: None,
            looked: None,
            mark,
        }
    }

    fn step(&mut self, ours: &[Member], revision: u64, band: &Mutex<Band>, patient: bool) -> io::Result<()> {
        let mut news = self.search(patient)?;
        if !self.peers.is_empty() && self.told != Some(revision) {
            let who: Vec<Who> = ours.iter().map(who).collect();
            page(&mut self.band, &self.mark, BAND)?.write(&written(&who))?;
            self.told = Some(revision);
        }
        if patient || self.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            self.looked = Some(Instant::now());
            for peer in &mut self.peers {
                news |= peer.read(&self.mark, ours, patient);
            }
        }
        if news {
            let guests = self.peers.iter().flat_map(|peer| peer.guests.clone()).collect();
            locked(band).receive(guests, None);
        }
        if self.peers.is_empty() {
            return Ok(());
        }
        let leaders = locked(band).leaders_for_guests();
        for member in ours.iter().filter(|m| leaders.contains(&m.born)) {
            let known = self.desks.iter().position(|desk| desk.group == member.group);
            let at = known.unwrap_or(self.desks.len());
            if known.is_none() {
                self.desks.push(Desk::new(member.group));
            }
            self.desks[at].write(member, &self.mark)?;
        }
        Ok(())
    }

    /// Looks who is there, if it is time; whether somebody has gone.
    fn search(&mut self, patient: bool) -> io::Result<bool> {
        let due = self.searched.is_none_or(|at| at.elapsed() >= SEARCH) || (patient && self.peers.is_empty());
        if !due {
            return Ok(false);
        }
        self.searched = Some(Instant::now());
        let peers = &self.peers;
        let others = self.mark.others(|name| peers.iter().any(|peer| peer.name == name))?;
        let before = self.peers.len();
        self.peers.retain(|peer| others.contains(&peer.name));
        let gone = self.peers.len() < before;
        for name in others {
            if !self.peers.iter().any(|peer| peer.name == name) {
                self.peers.push(Peer::new(name, &self.mark));
            }
        }
        Ok(gone)
    }

    /// Who has the page open sees sooner that nobody is here than by the mark.
    fn bid_farewell(&mut self) {
        if let Some(page) = &mut self.band {
            let _ = page.write(&written::<[Who; 0]>(&[]));
        }
    }
}

/// The page called `what`, which is made when it is wanted first.
fn page<'a>(page: &'a mut Option<Page>, mark: &Mark, what: &str) -> io::Result<&'a mut Page> {
    match page {
        Some(page) => Ok(page),
        None => Ok(page.insert(Page::new(&mark.path(what))?)),
    }
}

fn who(member: &Member) -> Who {
    Who {
        born: member.born,
        group: member.group,
        heard: member.heard,
        failed: member.failed,
        corrections: member.by_hand.corrections.clone(),
        edits: member.by_hand.edits.clone(),
    }
}

/// What a leader's pages are called.
fn name_of(group: Link, what: &str) -> String {
    format!("{group:?}.{what}").to_lowercase()
}

const PLAN: &str = "plan";
const PICTURE: &str = "picture";
const PLAYED: &str = "played";
const PULSE: &str = "pulse";

/// Where who leads a group writes; each page only when what it tells is new, since some are long and some change
/// often.
#[derive(Debug)]
struct Desk {
    group: Link,
    pages: [Option<Page>; 4],
    /// Who wrote last.
    born: Option<Moment>,
    plan: Option<Arc<Plan>>,
    picture: Option<Arc<Snapshot>>,
    pulse: Option<Arc<Pulse>>,
}

impl Desk {
    fn new(group: Link) -> Self {
        Self { group, pages: [None, None, None, None], born: None, plan: None, picture: None, pulse: None }
    }

    fn write(&mut self, leader: &Member, mark: &Mark) -> io::Result<()> {
        let born = leader.born;
        if self.born != Some(born) {
            *self =
                Self { pages: std::mem::take(&mut self.pages), born: Some(born), ..Self::new(self.group) };
        }
        let [plan, picture, played, pulse] = &mut self.pages;
        let page = |which, what| page(which, mark, &name_of(leader.group, what));
        // How far the stream has come is told last: who waits for it then has all that was planned up to there.
        if let Some(told) = &leader.told {
            if new(&mut self.plan, &told.plan) {
                page(plan, PLAN)?.write(&written(&By { born, told: PlanForm::of(&told.plan) }))?;
            }
            let before = self.picture.clone();
            if new(&mut self.picture, &told.picture) {
                if before.is_none_or(|before| !same_bars(&before.captured, &told.picture.captured)) {
                    let bars: Vec<&PlannedBar> = told.picture.captured.iter().map(|bar| &**bar).collect();
                    page(played, PLAYED)?.write(&written(&By { born, told: bars }))?;
                }
                page(picture, PICTURE)?.write(&written(&By { born, told: &*told.picture }))?;
            }
        }
        if let Some(told) = &leader.pulse
            && new(&mut self.pulse, told)
        {
            page(pulse, PULSE)?.write(&written(&By { born, told: &**told }))?;
        }
        Ok(())
    }
}

/// Whether `now` is another one than `before`, which it then becomes.
fn new<T>(before: &mut Option<Arc<T>>, now: &Arc<T>) -> bool {
    let new = before.as_ref().is_none_or(|before| !Arc::ptr_eq(before, now));
    if new {
        *before = Some(Arc::clone(now));
    }
    new
}

fn same_bars(a: &[Arc<PlannedBar>], b: &[Arc<PlannedBar>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Another library, and what it told.
#[derive(Debug)]
struct Peer {
    name: String,
    band: Reader,
    desks: Vec<TheirDesk>,
    guests: Vec<Member>,
    /// It tells what cannot be understood, so it is as if it were not there.
    strange: bool,
}

/// What the leader of a group in another library told.
#[derive(Debug)]
struct TheirDesk {
    group: Link,
    pages: [Reader; 4],
    plan: Option<By<Arc<Plan>>>,
    picture: Option<By<Arc<Snapshot>>>,
    played: Option<By<Vec<Arc<PlannedBar>>>>,
    pulse: Option<By<Arc<Pulse>>>,
}

impl Peer {
    fn new(name: String, mark: &Mark) -> Self {
        let band = Reader::new(mark.path_of(&name, BAND));
        Self { name, band, desks: Vec::new(), guests: Vec::new(), strange: false }
    }

    /// Reads what is new; whether something was.
    fn read(&mut self, mark: &Mark, ours: &[Member], patient: bool) -> bool {
        if self.strange {
            return false;
        }
        let mut news = false;
        if let Some(bytes) = self.band.news(patient) {
            news = true;
            match message::members(&bytes) {
                Some(members) => self.take(members),
                None => return self.ignore(),
            }
        }
        let Self { name, desks, guests, .. } = self;
        let shared = |group| ours.iter().any(|m| m.group == group);
        for guest in guests.iter().filter(|guest| shared(guest.group)) {
            if !desks.iter().any(|desk| desk.group == guest.group) {
                desks.push(TheirDesk::new(guest.group, name, mark));
            }
        }
        for desk in desks.iter_mut().filter(|desk| shared(desk.group)) {
            match desk.read(patient) {
                Ok(new) => news |= new,
                Err(Strange) => return self.ignore(),
            }
            for guest in guests.iter_mut().filter(|guest| guest.group == desk.group) {
                desk.tell(guest);
            }
        }
        news
    }

    /// Takes the members over; who was there before keeps what was told.
    fn take(&mut self, members: Vec<Who>) {
        let before = std::mem::take(&mut self.guests);
        self.guests = members
            .into_iter()
            .map(|who| {
                let by_hand: ByHand = who.by_hand();
                let known = before.iter().find(|guest| guest.born == who.born);
                let same = known.map(|guest| &guest.by_hand).filter(|known| ***known == by_hand);
                Member {
                    born: who.born,
                    group: who.group,
                    heard: who.heard,
                    told: None,
                    pulse: None,
                    by_hand: same.map_or_else(|| Arc::new(by_hand), Arc::clone),
                    meters: known.map_or_else(Arc::<Meters>::default, |guest| Arc::clone(&guest.meters)),
                    guest: true,
                    failed: who.failed,
                    stood_at: None,
                    judgements: Vec::new(),
                }
            })
            .collect();
    }

    fn ignore(&mut self) -> bool {
        self.strange = true;
        self.guests.clear();
        true
    }
}

/// What cannot be understood.
struct Strange;

impl TheirDesk {
    fn new(group: Link, name: &str, mark: &Mark) -> Self {
        let page = |what| Reader::new(mark.path_of(name, &name_of(group, what)));
        Self {
            group,
            pages: [page(PLAN), page(PICTURE), page(PLAYED), page(PULSE)],
            plan: None,
            picture: None,
            played: None,
            pulse: None,
        }
    }

    /// Reads what is new; whether something was. Only what is played must be understood.
    fn read(&mut self, patient: bool) -> Result<bool, Strange> {
        let [plan, picture, played, pulse] = &mut self.pages;
        let mut news = false;
        // First how far the stream has come: all that was planned up to there is then written.
        if let Some(bytes) = pulse.news(patient) {
            news = true;
            let form: Option<By<Pulse>> = message::read(&bytes);
            self.pulse = form.map(|By { born, told }| By { born, told: Arc::new(told) });
        }
        if let Some(bytes) = plan.news(patient) {
            news = true;
            let form: By<PlanForm> = message::read(&bytes).ok_or(Strange)?;
            let told = Arc::new(form.told.plan().ok_or(Strange)?);
            self.plan = Some(By { born: form.born, told });
        }
        let mut seen = false;
        if let Some(bytes) = played.news(patient) {
            seen = true;
            let form: Option<By<Vec<PlannedBar>>> = message::read(&bytes);
            self.played = form.and_then(|By { born, told }| Some(By { born, told: message::played(told)? }));
        }
        if let Some(bytes) = picture.news(patient) {
            let form: Option<By<Snapshot>> = message::read(&bytes);
            if let Some(form) = form.filter(|form| message::can_be_shown(&form.told)) {
                seen = true;
                self.picture = Some(By { born: form.born, told: Arc::new(form.told) });
            }
        }
        // The picture is put together from what came apart.
        if (seen || news)
            && let Some(picture) = &mut self.picture
        {
            let born = picture.born;
            let whole = Arc::make_mut(&mut picture.told);
            whole.plan =
                self.plan.as_ref().filter(|plan| plan.born == born).map(|plan| Arc::clone(&plan.told));
            let played = self.played.as_ref().filter(|played| played.born == born);
            whole.captured = played.map_or_else(Vec::new, |played| played.told.clone());
        }
        Ok(news || seen)
    }

    /// Gives `guest` what it told.
    fn tell(&self, guest: &mut Member) {
        let born = guest.born;
        if let Some(pulse) = self.pulse.as_ref().filter(|pulse| pulse.born == born) {
            let (meters, told) = (&guest.meters, &pulse.told);
            meters.stream_pos.store(told.stream_pos, Ordering::Relaxed);
            meters.handed_over.store(told.handed_over, Ordering::Release);
            meters.worker_pos.store(told.worker_pos, Ordering::Release);
            guest.pulse = Some(Arc::clone(told));
        }
        if let Some(plan) = self.plan.as_ref().filter(|plan| plan.born == born) {
            let picture = self.picture.as_ref().filter(|picture| picture.born == born);
            let picture = picture.map_or_else(Arc::default, |picture| Arc::clone(&picture.told));
            guest.told = Some(Told { plan: Arc::clone(&plan.told), picture });
        }
    }
}
