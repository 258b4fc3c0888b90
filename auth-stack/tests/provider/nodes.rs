//! Nodes break apart from each other, and come back.

use crate::site::start;
use auth_stack::FaultOrder;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_fault_of_one_node_leaves_the_others_alone() {
    let running = start().await;
    running.break_it(FaultOrder {
        node: Some("us".to_owned()),
        component: Some("token".to_owned()),
        status: Some(503),
        ..FaultOrder::of("error")
    });
    for (node, path, status) in [("us", "/test", 200), ("eu", "/test", 200)] {
        let answer = running.site(node).get(path).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.json()["node"], node);
    }
    assert_eq!(running.site("us").password_grant().await.status, 503);
    assert_eq!(running.site("eu").password_grant().await.status, 200);
    let health = running.site("us").get("/test").await.json();
    let token = health["components"].as_array().and_then(|all| all.iter().find(|one| one["name"] == "token"));
    assert_eq!(token.expect("the component")["errors"], 1);
}

#[tokio::test]
async fn an_outage_refuses_connections_closes_open_ones_and_ends() {
    let running = start().await;
    let site = running.site("us");
    site.try_get("/test", &[]).await.expect("an answer");
    running.break_it(FaultOrder { node: Some("us".to_owned()), ..FaultOrder::of("outage") });
    // The node's task hears of it a moment later; until then it may still answer.
    let deadline = Instant::now() + Duration::from_secs(10);
    let error = loop {
        match site.try_get("/test", &[]).await {
            Err(error) if error.is_connect() => break error,
            _ => assert!(Instant::now() < deadline, "the node still answers"),
        }
        tokio::task::yield_now().await;
    };
    assert!(format!("{error:?}").contains("ConnectionRefused"), "{error:?}");
    running.site("eu").try_get("/test", &[]).await.expect("the other node's answer");
    running.stack.clear_faults();
    let deadline = Instant::now() + Duration::from_secs(10);
    while site.try_get("/test", &[]).await.is_err() {
        assert!(Instant::now() < deadline, "the node does not come back");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_slow_component_takes_at_least_its_delay() {
    let running = start().await;
    running.break_it(FaultOrder {
        node: Some("us".to_owned()),
        component: Some("docs".to_owned()),
        ms: Some(250),
        ..FaultOrder::of("slow")
    });
    let started = Instant::now();
    assert_eq!(running.site("us").get("/docs").await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(250));
    running.site("us").get("/test").await;
    running.site("eu").get("/docs").await;
    assert_eq!(running.stack.faults()[0].hit, 1, "nothing else was slowed down");
}

#[tokio::test]
async fn a_ratio_hits_every_second_request() {
    let running = start().await;
    running.break_it(FaultOrder { ratio: Some(0.5), component: Some("docs".to_owned()), ..FaultOrder::of("error") });
    let mut site = running.site("eu");
    for status in [500, 200, 500, 200] {
        assert_eq!(site.get("/docs").await.status, status);
    }
}
