//! Who is told of what: the notifications and trail entries that follow from a decision.

use super::due::highest_waking;
use super::fallback::{instead_of, knowing};
use super::report::report;
use super::{
    CheckState, ClimbedRung, Context, Decision, HeldBack, Hold, IncidentReport, IncidentStatus, OpenIncident, Told,
    TrailEntry, TrailKind, Transition,
};
use crate::notification::{Address, Notification, NotificationId, PageReason, Role, Saying};
use checks::UnixMs;

/// Between two edits that say no more than "it failed again": a tenth of the incident's age, within these bounds.
const QUIET_EDIT_EVERY_MS: std::ops::RangeInclusive<u64> = 30_000..=600_000;
/// Entries about single regions on one incident's trail and threads; an incident that flaps for days is cut here.
const REGION_ENTRIES_MAX: u32 = 500;

/// Collects the effects of one transition. Reports are filled in last, when the state is final.
pub(super) struct Telling<'a> {
    context: &'a Context<'a>,
    incident: u64,
    drafts: Vec<Draft>,
    finished: Vec<Notification>,
    trail: Vec<TrailEntry>,
}

struct Draft {
    id: NotificationId,
    address: Address,
    role: Role,
    page: bool,
    saying: Saying,
    not_before: UnixMs,
}

impl<'a> Telling<'a> {
    pub fn new(context: &'a Context<'a>, incident: u64) -> Self {
        Self { context, incident, drafts: Vec::new(), finished: Vec::new(), trail: Vec::new() }
    }

    pub fn trail(&mut self, open: &mut OpenIncident, kind: TrailKind, text: String) {
        open.trail_entries = open.trail_entries.saturating_add(1);
        self.trail.push(TrailEntry { incident: self.incident, at: self.context.now, kind, text });
    }

    fn draft(&mut self, open: &mut OpenIncident, address: Address, role: Role, page: bool, saying: Saying) {
        let id = NotificationId::new(self.context.journal, open.number, open.next_notification);
        open.next_notification = open.next_notification.saturating_add(1);
        self.drafts.push(Draft { id, address, role, page, saying, not_before: self.context.now });
    }

    pub fn opened(&mut self, state: &mut CheckState, text: String) {
        let Some(open) = &mut state.incident else { return };
        self.trail(open, TrailKind::Opened, text);
        if open.is_flapping {
            let text = "flapping: it keeps coming back, and stays open until it has been calm".to_owned();
            self.trail(open, TrailKind::Held, text);
        }
    }

    /// Writes down the rungs that were reached and are held back: each once for what holds it.
    pub fn hold_back(&mut self, state: &mut CheckState, reached: Vec<(usize, PageReason, Hold)>) {
        let Some(open) = &mut state.incident else { return };
        if reached.is_empty() {
            // What a dependency held has been climbed, or is not reached any more.
            open.held.take_if(|held| !held.hold.is_asked_for());
            return;
        }
        for (place, reason, hold) in reached {
            let label = self.context.ladder.rungs[place].label.clone();
            let held = match &mut open.held {
                Some(held) if held.hold == hold => held,
                other => other.insert(HeldBack { hold: hold.clone(), since: self.context.now, rungs: Vec::new() }),
            };
            if held.rungs.contains(&label) {
                continue;
            }
            held.rungs.push(label.clone());
            if open.reason.is_empty() {
                open.reason = reason.to_string();
            }
            self.trail(open, TrailKind::Held, format!("{label}: {reason}; held back: {hold}"));
        }
    }

    /// Tells those of the highest rung that wakes people once more. Returns whether there is one.
    pub fn page_again(&mut self, state: &mut CheckState, reason: PageReason) -> bool {
        let Some(rung) = highest_waking(state, self.context.ladder) else { return false };
        let Some(open) = &mut state.incident else { return false };
        open.paged_at = Some(self.context.now);
        open.repeats = open.repeats.saturating_add(1);
        open.edit_due_at = self.context.now;
        self.trail(open, TrailKind::Repeated, format!("{}: {reason}", rung.label));
        // Whoever was told in place of somebody else hears of it again in their place.
        let instead = open.told.iter().filter(|told| told.instead).map(|told| &told.address);
        let mut addresses = rung.addresses.clone();
        addresses.extend(instead.filter(|other| rung.addresses.iter().all(|a| a.lane() != other.lane())).cloned());
        for address in &addresses {
            let page = NotificationId::new(self.context.journal, open.number, open.next_notification);
            let saying = Saying::Again { label: rung.label.clone(), reason: reason.clone() };
            // Another post would be a second incident to whoever reads the channel.
            let role = if address.is_editable() { Role::Broadcast } else { Role::Post };
            self.draft(open, address.clone(), role, true, saying);
            note_told(open, address, page);
        }
        for address in editable(open) {
            self.draft(
                open,
                address,
                Role::Edit,
                false,
                Saying::Again { label: rung.label.clone(), reason: reason.clone() },
            );
        }
        true
    }

    /// Climbs one rung: pages its addresses; those with a post already get it edited, and an entry in its thread.
    pub fn climb(&mut self, state: &mut CheckState, index: usize, reason: PageReason) {
        let Some(open) = &mut state.incident else { return };
        let rung = &self.context.ladder.rungs[index];
        let earlier: Vec<Address> = open.told.iter().map(|told| told.address.clone()).collect();
        open.rungs.push(ClimbedRung { label: rung.label.clone(), at: self.context.now, wakes: rung.wakes() });
        if rung.wakes() {
            open.paged_at = Some(self.context.now);
        }
        open.edit_due_at = self.context.now;
        open.reason = reason.to_string();
        self.trail(open, TrailKind::Climbed, format!("{}: {reason}", rung.label));
        for address in &rung.addresses {
            if address.is_editable() && earlier.contains(address) {
                continue;
            }
            let page = NotificationId::new(self.context.journal, open.number, open.next_notification);
            let saying = Saying::Page { label: rung.label.clone(), reason: reason.clone() };
            self.draft(open, address.clone(), Role::Post, rung.wakes(), saying);
            note_told(open, address, page);
        }
        for address in earlier.into_iter().filter(Address::is_editable) {
            let saying = Saying::Climbed { label: rung.label.clone(), reason: reason.clone() };
            if !rung.addresses.contains(&address) {
                self.draft(open, address.clone(), Role::Edit, false, saying.clone());
                self.draft(open, address, Role::Reply, false, saying);
                continue;
            }
            // A channel that is told again has to notice it: an edit and a thread alone notify nobody. Where the rung wakes
            // people this is its page, and waits for no edit.
            let page = NotificationId::new(self.context.journal, open.number, open.next_notification);
            self.draft(open, address.clone(), Role::Broadcast, rung.wakes(), saying.clone());
            if rung.wakes() {
                note_told(open, &address, page);
            }
            self.draft(open, address, Role::Edit, false, saying);
        }
    }

    /// Brings the posts up to date, without a page. Only news of a region goes into threads and on the trail.
    pub fn update(&mut self, state: &mut CheckState, saying: Saying) {
        let Some(open) = &mut state.incident else { return };
        let is_little = matches!(saying, Saying::StillFailing { .. } | Saying::SignalChanged { .. });
        let now = self.context.now;
        let age_ms = now.since_ms(open.opened_at);
        let every_ms = (age_ms / 10).clamp(*QUIET_EDIT_EVERY_MS.start(), *QUIET_EDIT_EVERY_MS.end());
        // An edit that waits already will show this failure too. A clock that went back never makes it wait longer.
        let not_before = match is_little {
            true if open.edit_due_at > now => open.edit_due_at.min(now + every_ms),
            true => now.max(open.edit_due_at + every_ms),
            false => now,
        };
        open.edit_due_at = not_before;
        let is_act = saying.is_of_people();
        if is_act || (!is_little && open.trail_entries < REGION_ENTRIES_MAX) {
            let kind = match saying {
                Saying::Acknowledged { .. } => TrailKind::Acted,
                Saying::HeldBack { .. } | Saying::Resumed { .. } | Saying::Calming { .. } => TrailKind::Held,
                Saying::DeliveredLate { .. } => TrailKind::Fallback,
                _ => TrailKind::Region,
            };
            self.trail(open, kind, saying.to_string());
        }
        // A silenced channel is not stirred, and neither is one that has seen it come and go all day.
        let is_quiet = self.context.hold.is_some() || open.is_flapping || open.trail_entries >= REGION_ENTRIES_MAX;
        let said = is_act || !(is_little || is_quiet);
        for address in editable(open) {
            self.draft(open, address.clone(), Role::Edit, false, saying.clone());
            if let Some(draft) = self.drafts.last_mut() {
                draft.not_before = not_before;
            }
            if said {
                self.draft(open, address, Role::Reply, false, saying.clone());
            }
        }
    }

    /// Takes the fallback of an undelivered page, once for a page. The channels that know of the incident hear who does
    /// not, the first time.
    pub fn fall_back(&mut self, state: &mut CheckState, page: &NotificationId, because: &str) -> bool {
        let Some(open) = &mut state.incident else { return false };
        let Some(told) = open.told.iter_mut().find(|told| told.page == *page && !told.fell_back) else { return false };
        told.fell_back = true;
        let is_news = !std::mem::replace(&mut told.is_down, true);
        let lost = told.address.clone();
        let missing = instead_of(&lost, open, self.context.ladder);
        let instead: Vec<String> = missing.iter().map(Address::to_string).collect();
        let names = match instead.len() {
            0 => "everybody of the fallback has been told already".to_owned(),
            _ => instead.join(", "),
        };
        let reason = PageReason::Undelivered { address: lost.to_string(), because: because.to_owned() };
        self.trail(open, TrailKind::Fallback, format!("{reason}; instead: {names}"));
        let knowing: Vec<Address> = knowing(open, self.context.ladder).into_iter().cloned().collect();
        let label = open.label(self.context.ladder);
        for address in missing {
            let page = NotificationId::new(self.context.journal, open.number, open.next_notification);
            note_told(open, &address, page);
            if let Some(told) = open.told.last_mut() {
                told.instead = true;
            }
            let saying = Saying::Page { label: label.clone(), reason: reason.clone() };
            self.draft(open, address, Role::Post, true, saying);
        }
        // A silenced channel is not stirred.
        let is_said = is_news && self.context.hold.is_none();
        for address in knowing.into_iter().filter(|_| is_said) {
            let (address_lost, because) = (lost.to_string(), because.to_owned());
            let saying = Saying::NotReached { address: address_lost, because, instead: instead.clone() };
            self.draft(open, address, Role::Broadcast, false, saying);
        }
        true
    }

    /// Tells everybody who was told that it is over: posts are edited and their channels see the entry, the others
    /// get a message of their own.
    pub fn say_to_all(&mut self, open: &mut OpenIncident, saying: Saying, report: &IncidentReport) {
        let mut addresses: Vec<Address> = Vec::with_capacity(open.told.len());
        for address in open.told.iter().map(|told| told.address.at_the_end()) {
            if addresses.iter().all(|known| known.lane() != address.lane()) {
                addresses.push(address);
            }
        }
        for address in addresses {
            if address.is_editable() {
                self.draft(open, address.clone(), Role::Edit, false, saying.clone());
                self.draft(open, address, Role::Broadcast, false, saying.clone());
            } else {
                self.draft(open, address, Role::Post, false, saying.clone());
            }
        }
        self.finish(report);
    }

    fn finish(&mut self, report: &IncidentReport) {
        let (context, incident) = (self.context, self.incident);
        let drafts = std::mem::take(&mut self.drafts);
        // Of several edits of one post in one transition only the last is worth a row: it shows the same report.
        let is_last_edit = |index: usize| {
            drafts[index].role != Role::Edit
                || drafts[index + 1..].iter().all(|d| d.role != Role::Edit || d.address != drafts[index].address)
        };
        let kept: Vec<bool> = (0..drafts.len()).map(is_last_edit).collect();
        self.finished.extend(drafts.into_iter().zip(kept).filter(|(_, keep)| *keep).map(|(draft, _)| Notification {
            id: draft.id,
            incident,
            check: context.check.clone(),
            address: draft.address,
            role: draft.role,
            page: draft.page,
            saying: draft.saying,
            report: report.clone(),
            created_at: context.now,
            not_before: draft.not_before,
            folded: Vec::new(),
            shared_with: Vec::new(),
        }));
    }

    /// The transition of an incident that goes on.
    pub fn done(mut self, state: CheckState, decision: Decision) -> Transition {
        let report = state.incident.as_ref().map(|open| report(open, IncidentStatus::Open, &state, self.context));
        if let Some(report) = &report {
            self.finish(report);
        }
        Transition { state, decision, notifications: self.finished, trail: self.trail, report, run_again: None }
    }

    /// The transition of an incident that is over.
    pub fn ended(self, state: CheckState, decision: Decision, report: IncidentReport) -> Transition {
        Transition {
            state,
            decision,
            notifications: self.finished,
            trail: self.trail,
            report: Some(report),
            run_again: None,
        }
    }
}

/// Writes down the newest page to an address: the one that falls back.
fn note_told(open: &mut OpenIncident, address: &Address, page: NotificationId) {
    match open.told.iter_mut().find(|told| told.address.lane() == address.lane()) {
        Some(told) => *told = Told { address: address.clone(), page, fell_back: false, ..told.clone() },
        None => {
            let address = address.clone();
            open.told.push(Told { address, page, fell_back: false, is_down: false, instead: false });
        }
    }
}

fn editable(open: &OpenIncident) -> Vec<Address> {
    open.told.iter().map(|told| told.address.clone()).filter(Address::is_editable).collect()
}
