use crate::scene::{Scene, StandIn, loop_until, settled};
use alerting::journal::MemoryJournal;
use alerting::outbox::Folding;
use alerting::{Alerting, Channels, Clock};
use async_trait::async_trait;
use checks::{Outcome, UnixMs};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

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

#[tokio::test]
async fn a_clock_set_forward_does_not_send_again_what_is_on_its_way() {
    let scene = Scene::new().await;
    let clock = Arc::new(SetForward::default());
    let slow = Arc::new(StandIn::slow());
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

    slow.let_through(100);
    settled(&alerting).await;
    let arrived: Vec<_> = slow.arrivals().into_iter().map(|message| message.id).collect();
    let once: BTreeSet<_> = arrived.iter().collect();
    assert_eq!(once.len(), arrived.len(), "one of them went twice: {arrived:?}");
}
