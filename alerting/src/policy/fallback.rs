//! Who is told where a page stays undelivered, for a policy that does not say it and for where an SMS does not arrive either.

use super::{Counts, Destination, Directory, Member, Policy};
use crate::notification::Address;

/// Who is texted where no team of the ladder can be.
const TEAM: &str = "devops";

impl Policy {
    /// The teams that get an SMS: the one that is named, otherwise those that the ladder wakes, otherwise `devops`. Where
    /// nobody is woken, nothing falls back.
    pub(super) fn fallback_teams<'a>(&'a self, directory: &'a Directory) -> Vec<&'a str> {
        if let Some(team) = &self.fallback_team {
            return vec![team.as_str()];
        }
        let waking = self
            .rungs
            .iter()
            .filter(|rung| rung.counts == Counts::TargetFailures || rung.unacknowledged_after_ms.is_some());
        let has_members = |team: &&str| directory.teams.get(*team).is_some_and(|members| !members.is_empty());
        let mut destinations = waking.flat_map(|rung| &rung.destinations).peekable();
        if destinations.peek().is_none() {
            return Vec::new();
        }
        let mut teams: Vec<&str> = destinations.filter_map(team).filter(has_members).collect();
        if teams.is_empty() && has_members(&TEAM) {
            teams.push(TEAM);
        }
        teams
    }
}

/// The team that a destination names.
fn team(destination: &Destination) -> Option<&str> {
    match destination {
        Destination::SmsTeam(team) | Destination::VoiceTeam(team) | Destination::Email(team) => Some(team),
        Destination::Slack(_) | Destination::Webhook(_) => None,
    }
}

/// The ways to a member beside an SMS, as far as they are configured.
pub(super) fn other_ways<'a>(member: &'a Member, directory: &'a Directory) -> impl Iterator<Item = Address> + 'a {
    let name = || member.name.clone();
    let call = directory.can_call.then(|| Address::Voice { member: name(), number: member.phone.clone() });
    let email = member.email.clone().filter(|_| directory.can_mail);
    let mail = email.map(|address| Address::Email { member: Some(name()), address });
    call.into_iter().chain(mail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, phone: &str) -> Member {
        let email = (name == "Ada").then(|| "ada@example.com".to_owned());
        Member { name: name.to_owned(), phone: phone.parse().unwrap(), email }
    }

    fn directory() -> Directory {
        let teams = [
            ("devops".to_owned(), vec![member("Ada", "+4915100000001")]),
            ("leads".to_owned(), vec![member("Bob", "+4915100000002")]),
            ("empty".to_owned(), vec![]),
        ];
        Directory { teams: teams.into(), ..Directory::default() }
    }

    #[test]
    fn a_policy_that_names_no_fallback_has_one_all_the_same() {
        let slack = || Destination::Slack("#p1".to_owned());
        let voice = || Destination::VoiceTeam("leads".to_owned());
        let mail = |to: &str| Destination::Email(to.to_owned());
        // What the rung that wakes people names, the team that the policy names, who is texted.
        let cases: &[(&[Destination], Option<&str>, &[&str])] = &[
            (&[slack()], Some("leads"), &["leads"]),
            (&[slack()], None, &["devops"]),
            (&[slack(), Destination::SmsTeam("leads".to_owned())], None, &["leads"]),
            (&[voice(), mail("devops")], None, &["leads", "devops"]),
            (&[mail("status@example.com")], None, &["devops"]),
            (&[], None, &[]),
        ];
        for (destinations, named, expected) in cases {
            let mut policy = Policy::mission("#p2", "#p1", None);
            policy.rungs[1].destinations = destinations.to_vec();
            policy.fallback_team = named.map(str::to_owned);
            assert_eq!(policy.fallback_teams(&directory()), *expected, "{destinations:?} {named:?}");
        }
        let none = Directory { teams: [("devops".to_owned(), vec![])].into(), ..Directory::default() };
        assert_eq!(Policy::mission("#p2", "#p1", None).fallback_teams(&none), Vec::<&str>::new());
        let mut morning = Policy::mission("#p2", "#p1", None);
        morning.rungs.truncate(1);
        assert_eq!(morning.fallback_teams(&directory()), Vec::<&str>::new(), "nothing wakes anybody");
    }

    #[test]
    fn other_ways_are_those_that_are_configured() {
        let cases = [
            (false, false, 0, vec![]),
            (true, false, 0, vec!["voice:+4915100000001"]),
            (true, true, 0, vec!["voice:+4915100000001", "email:ada@example.com"]),
            (true, true, 1, vec!["voice:+4915100000002"]),
        ];
        for (can_call, can_mail, place, expected) in cases {
            let directory = Directory { can_call, can_mail, ..directory() };
            let people = [member("Ada", "+4915100000001"), member("Bob", "+4915100000002")];
            let ways: Vec<String> = other_ways(&people[place], &directory).map(|address| address.lane()).collect();
            assert_eq!(ways, expected);
        }
    }

    #[test]
    fn a_ladder_has_both() {
        let directory = Directory { can_call: true, ..directory() };
        let policy = Policy { rungs: Policy::mission_default().rungs, ..Policy::mission("#p2", "#p1", None) };
        let ladder = policy.ladder("p", &directory).unwrap();
        let lanes = |addresses: &[Address]| addresses.iter().map(Address::lane).collect::<Vec<_>>();
        assert_eq!(lanes(&ladder.fallback), ["sms:+4915100000001"]);
        assert_eq!(lanes(&ladder.fallback_otherwise), ["voice:+4915100000001"]);
    }
}
