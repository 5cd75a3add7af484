//! Tenants that are not served, or are no more.

use messaging::JobState;
use testkit::{ACME, GLOBEX};

use crate::scene::{Deed, Scene, quick};

#[tokio::test]
async fn a_suspended_tenants_jobs_are_parked_and_go_on_with_it() {
    let scene = Scene::arrange().await;
    scene
        .sql("UPDATE platform.tenants SET status = 'suspended' WHERE slug = 'acme'")
        .await;
    let mut jobs = Vec::new();
    for number in 0..20 {
        jobs.push(scene.order(ACME, &format!("s{number}"), Deed::Work).await);
    }
    let other = scene.order(GLOBEX, "other", Deed::Work).await;
    let worker = scene.work(quick());
    scene.until(other, JobState::Done).await;
    scene.until_count(JobState::Parked, 20).await;
    for job in &jobs {
        let record = scene.until(*job, JobState::Parked).await;
        assert_eq!(record.attempt, 0);
    }
    scene
        .sql(
            "UPDATE platform.tenants SET status = 'active', \
              placement_epoch = placement_epoch + 1 WHERE slug = 'acme'",
        )
        .await;
    for job in jobs {
        let record = scene.until(job, JobState::Done).await;
        assert_eq!(record.attempt, 1);
    }
    worker.end().await;
}

#[tokio::test]
async fn a_job_of_a_tenant_that_is_gone_is_dead_and_says_why() {
    let scene = Scene::arrange().await;
    let job = scene.order(ACME, "gone", Deed::Work).await;
    let orphan = format!(
        "UPDATE platform.jobs SET tenant_id = '{}' WHERE id = '{job}'",
        crate::scene::nobody()
    );
    scene.sql(&orphan).await;
    let worker = scene.work(quick());
    let record = scene.until(job, JobState::Dead).await;
    assert_eq!(
        record.last_error.as_deref(),
        Some("the registry has no such tenant")
    );
    worker.end().await;
}
