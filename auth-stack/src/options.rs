//! What can be set about a stack, and what of it makes no sense.

use crate::password::PasswordCost;
use crate::traffic::{LOGINS_PER_SECOND_MAX, Traffic};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// One node: a name, as of a region, and the address it listens on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeOptions {
    pub name: String,
    pub address: IpAddr,
}

impl std::str::FromStr for NodeOptions {
    type Err = OptionsError;

    /// `eu-west-1=127.0.0.1`.
    fn from_str(text: &str) -> Result<NodeOptions, OptionsError> {
        let (name, address) = text.split_once('=').ok_or_else(|| OptionsError::Node(text.to_owned()))?;
        let named_well = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        match address.parse() {
            Ok(address) if named_well => Ok(NodeOptions { name: name.to_owned(), address }),
            _ => Err(OptionsError::Node(text.to_owned())),
        }
    }
}

/// How long what the provider issues is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetimes {
    /// Access and ID tokens.
    pub token_s: u32,
    pub code_s: u32,
    pub refresh_token_s: u32,
    pub session_s: u32,
    /// How long a login page waits for its form.
    pub login_page_s: u32,
}

impl Default for Lifetimes {
    fn default() -> Lifetimes {
        Lifetimes { token_s: 3_600, code_s: 60, refresh_token_s: 86_400, session_s: 8 * 3_600, login_page_s: 600 }
    }
}

/// Everything that can be set. [`Options::new`] gives a stack of one node that a test can start beside others.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for the authority, the keys and the accounts. Created when absent.
    pub data: PathBuf,
    pub nodes: Vec<NodeOptions>,
    /// The port that all nodes share; 0 for any that is free on all addresses.
    pub port: u16,
    /// Where faults are set over plain HTTP. Loopback only.
    pub admin: SocketAddr,
    pub access_log: Option<PathBuf>,
    pub statsd: Option<SocketAddr>,
    /// People who are not there; none when absent.
    pub traffic: Option<Traffic>,
    /// Written once the stack answers, removed never.
    pub ready_file: Option<PathBuf>,
    /// Days that the TLS certificate is valid for, counted from the start.
    pub certificate_days: u16,
    pub password_cost: PasswordCost,
    pub lifetimes: Lifetimes,
}

impl Options {
    /// One node `eu-west-1` on 127.0.0.1, free ports, no access log, no metrics.
    pub fn new(data: impl Into<PathBuf>) -> Options {
        Options {
            data: data.into(),
            nodes: vec![NodeOptions { name: "eu-west-1".to_owned(), address: Ipv4Addr::LOCALHOST.into() }],
            port: 0,
            admin: (Ipv4Addr::LOCALHOST, 0).into(),
            access_log: None,
            statsd: None,
            traffic: None,
            ready_file: None,
            certificate_days: 90,
            password_cost: PasswordCost::RECOMMENDED,
            lifetimes: Lifetimes::default(),
        }
    }

    pub(crate) fn validate(&self) -> Result<(), OptionsError> {
        if !self.admin.ip().is_loopback() {
            return Err(OptionsError::AdminNotLoopback(self.admin));
        }
        if let Some(Traffic { logins_per_second, .. }) = self.traffic
            && !(0.0..=LOGINS_PER_SECOND_MAX).contains(&logins_per_second)
        {
            return Err(OptionsError::Traffic(logins_per_second.to_string()));
        }
        if self.nodes.is_empty() {
            return Err(OptionsError::NoNodes);
        }
        for (index, node) in self.nodes.iter().enumerate() {
            let before = &self.nodes[..index];
            if before.iter().any(|other| other.name == node.name) {
                return Err(OptionsError::NodeTwice(format!("the name {}", node.name)));
            }
            if before.iter().any(|other| other.address == node.address) {
                return Err(OptionsError::NodeTwice(format!("the address {}", node.address)));
            }
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("`{0}` is not a node; write NAME=ADDRESS, such as eu-west-1=127.0.0.1")]
    Node(String),
    #[error("two nodes have {0}; give each a name and an address of its own, such as 127.0.0.2")]
    NodeTwice(String),
    #[error("there is no node; give at least one, such as eu-west-1=127.0.0.1")]
    NoNodes,
    #[error("there cannot be {0} logins a second; give a number from 0 to 1000, such as 20")]
    Traffic(String),
    #[error(
        "the admin address {0} can be reached from other machines, and whoever reaches it can break the stack; \
         give a loopback address, such as 127.0.0.1:9444"
    )]
    AdminNotLoopback(SocketAddr),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_make_no_sense_are_refused() {
        let node = |text: &str| text.parse::<NodeOptions>();
        for text in ["eu-west-1", "=127.0.0.1", "eu=localhost", "e u=127.0.0.1", "eu=127.0.0.1:80"] {
            assert_eq!(node(text), Err(OptionsError::Node(text.to_owned())));
        }
        let with_nodes = |texts: &[&str]| Options {
            nodes: texts.iter().map(|text| node(text).expect("a node")).collect(),
            ..Options::new("data")
        };
        for (options, message) in [
            (with_nodes(&[]), "there is no node"),
            (with_nodes(&["a=127.0.0.1", "a=127.0.0.2"]), "two nodes have the name a"),
            (with_nodes(&["a=127.0.0.1", "b=127.0.0.1"]), "two nodes have the address 127.0.0.1"),
            (
                Options { admin: "0.0.0.0:9444".parse().expect("an address"), ..Options::new("data") },
                "the admin address 0.0.0.0:9444 can be reached from other machines",
            ),
            (
                Options { traffic: Some(Traffic { logins_per_second: 1e6, seed: 1 }), ..Options::new("data") },
                "there cannot be 1000000 logins a second",
            ),
        ] {
            let error = options.validate().expect_err("a refusal").to_string();
            assert!(error.starts_with(message), "{error}");
        }
        assert_eq!(with_nodes(&["a=127.0.0.1", "b=::1"]).validate(), Ok(()));
    }
}
