//! Telling users that their imports have ended.

use async_trait::async_trait;
use database::TenantTx;
use employees::mail::TellImportEnded;
use messaging::{JobError, Run, TenantJob};
use serde_json::Value;

use super::Post;

pub(super) struct TellsImportEnded {
    pub(super) post: Post,
}

#[async_trait]
impl TenantJob for TellsImportEnded {
    type Work = TellImportEnded;

    async fn run(
        &self,
        tx: &TenantTx,
        work: TellImportEnded,
        run: &Run,
    ) -> Result<Value, JobError> {
        let TellImportEnded { user_id, ended } = work;
        let writing = self
            .post
            .write(tx, user_id, run, |reading| ended.content(reading));
        writing.await
    }
}
