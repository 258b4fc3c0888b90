//! Passwords: argon2id, off the threads that serve sockets, and no more at a time than there are cores.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What one hash costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordCost {
    /// Memory in KiB, at least 8.
    pub memory_kib: u32,
    pub passes: u32,
}

impl PasswordCost {
    /// The least that OWASP's password storage cheat sheet recommends for argon2id.
    pub const RECOMMENDED: PasswordCost = PasswordCost { memory_kib: 19_456, passes: 2 };
    /// The least that argon2 accepts: for accounts that protect nothing.
    pub const LOWEST: PasswordCost = PasswordCost { memory_kib: 8, passes: 1 };
}

#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("argon2 refuses the cost {memory_kib} KiB, {passes} passes: {source}; write at least 8 KiB and 1 pass")]
    Cost { memory_kib: u32, passes: u32, source: argon2::Error },
    #[error("the password could not be hashed: {0}")]
    Hash(argon2::password_hash::Error),
    #[error("the hashing thread ended early")]
    ThreadEnded,
}

pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Verified against when the account does not exist, so that the answer takes as long as when it does.
    decoy: String,
}

impl Passwords {
    pub async fn new(cost: PasswordCost) -> Result<Passwords, PasswordError> {
        let PasswordCost { memory_kib, passes } = cost;
        let params = Params::new(memory_kib, passes, 1, None).map_err(|source| PasswordError::Cost {
            memory_kib,
            passes,
            source,
        })?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut passwords = Passwords {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            slots: Arc::new(Semaphore::new(cores)),
            decoy: String::new(),
        };
        passwords.decoy = passwords.hash("a password that nobody has").await?;
        Ok(passwords)
    }

    /// A PHC string with a salt of its own.
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        self.on_blocking_thread(move || {
            let hash = argon2.hash_password(password.as_bytes()).map_err(PasswordError::Hash)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one that was hashed; never for `None`, and after the same work.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        let exists = hash.is_some();
        let (argon2, password) = (self.argon2.clone(), password.to_owned());
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        self.on_blocking_thread(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| PasswordError::Hash(error.into()))?;
            Ok(argon2.verify_password(password.as_bytes(), &hash).is_ok() && exists)
        })
        .await
    }

    async fn on_blocking_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| PasswordError::ThreadEnded)?;
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await
        .map_err(|_| PasswordError::ThreadEnded)?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_verifies() {
        let passwords = Passwords::new(PasswordCost::LOWEST).await.expect("passwords");
        let hash = passwords.hash("correct").await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("correct").await.expect("a hash"), "each hash has its own salt");
        for (password, hash, verified) in [
            ("correct", Some(hash.as_str()), true),
            ("Correct", Some(hash.as_str()), false),
            ("", Some(hash.as_str()), false),
            ("a password that nobody has", None, false),
        ] {
            assert_eq!(passwords.verify(password, hash).await.expect("an answer"), verified, "{password:?}");
        }
    }

    #[tokio::test]
    async fn a_cost_below_the_least_is_refused() {
        let error = Passwords::new(PasswordCost { memory_kib: 1, passes: 1 }).await.err().expect("a refusal");
        assert!(error.to_string().contains("write at least 8 KiB"), "{error}");
    }
}
