use crate::scene::{Scene, loop_until, settled};
use alerting::journal::MemoryJournal;
use alerting::notification::Notification;
use alerting::outbox::Folding;
use alerting::{Alerting, Channel, Channels, Clock, DeliveryOutcome, Reconciled};
use async_trait::async_trait;
use checks::{Outcome, UnixMs};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The machine's clock, set forward.
#[derive(Default)]
pub struct SetForward(pub AtomicU64);

#[async_trait]
impl Clock for SetForward {
    fn now(&self) -> UnixMs {
        UnixMs::now() + self.0.load(Ordering::Relaxed)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn jitter(&self) -> f64 {
        0.5
    }
}

/// Takes its time: a message arrives when it is let through, and nobody can be told of it before.
struct Slow {
    arrivals: Mutex<Vec<String>>,
    lets_through: Semaphore,
}

impl Slow {
    fn arrivals(&self) -> Vec<String> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Channel for Slow {
    async fn deliver(&self, notification: &Notification, _post: Option<&str>) -> DeliveryOutcome {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(notification.id.0.clone());
        self.lets_through.acquire().await.expect("the semaphore stays open").forget();
        DeliveryOutcome::Delivered { receipt: "C/1".to_owned() }
    }

    async fn reconcile(
        &self,
        _notification: &Notification,
        _post: Option<&str>,
        _taken: &BTreeSet<String>,
    ) -> Reconciled {
        Reconciled::HasNot
    }
}

#[tokio::test]
async fn a_clock_set_forward_does_not_send_again_what_is_on_its_way() {
    let scene = Scene::new().await;
    let clock = Arc::new(SetForward::default());
    let slow = Arc::new(Slow { arrivals: Mutex::default(), lets_through: Semaphore::new(0) });
    let channels = Channels::new(slow.clone(), slow.clone());
    let journal = Arc::new(MemoryJournal::new().with_folding(Folding::OFF));
    let alerting = Alerting::open_with_clock(scene.settings(), channels, journal, clock.clone()).await.unwrap();
    scene.fails(&alerting, "eu-west-1", 1).await;
    loop_until(|| (slow.arrivals().len() == 1).then_some(())).await;

    // Every lease has ended now. That a second check's post sets out shows that the worker has looked.
    clock.0.store(3_600_000, Ordering::Relaxed);
    let failure = Outcome::Failed(crate::scene::failure(checks::FailureClass::Http));
    let mut other = scene.result("eu-west-1", 1, failure);
    other.key.check = "other".parse().unwrap();
    alerting.accept(vec![other]).await.unwrap();
    loop_until(|| (slow.arrivals().len() >= 2).then_some(())).await;

    slow.lets_through.add_permits(100);
    settled(&alerting).await;
    let mut arrivals = slow.arrivals();
    arrivals.sort();
    arrivals.dedup();
    assert_eq!(arrivals.len(), slow.arrivals().len(), "one of them went twice: {:?}", slow.arrivals());
}
